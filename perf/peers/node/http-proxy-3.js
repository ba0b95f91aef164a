/** http-proxy-3 on the command line of the other peers; JavaScript, because its packages are not Weir's to know types of. */
import { Agent } from 'node:http'
import { createProxyServer } from 'http-proxy-3'
import { isolated, serve } from './serve.js'

const { target, listen } = serve()
const proxy = createProxyServer({
  target,
  xfwd: true,
  // Without an agent it opens a connection for each request.
  agent: new Agent({ keepAlive: true, maxSockets: 64, timeout: 4000 }),
})
proxy.on('error', (_error, _request, response) => {
  if (!response.headersSent) response.writeHead?.(502)
  response.end()
})
listen((request, response) => {
  if (!isolated(request, response)) proxy.web(request, response)
})
