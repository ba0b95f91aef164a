/** fast-proxy with undici, on the command line of the other peers. */
import fastProxy from 'fast-proxy'
import { isolated, serve } from './serve.js'

const { target, listen } = serve()
const { proxy } = fastProxy({ base: target, undici: { connections: 64, pipelining: 1 } })
listen((request, response) => {
  if (!isolated(request, response)) proxy(request, response, request.url, {})
})
