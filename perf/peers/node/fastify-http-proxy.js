/** @fastify/http-proxy on the command line of the other peers. */
import httpProxy from '@fastify/http-proxy'
import fastify from 'fastify'
import { serve } from './serve.js'

const { target, port, https } = serve()
const app = fastify({ logger: false, ...(https === null ? {} : { https }) })
app.get('/isolated', (_request, reply) => reply.send())
await app.register(httpProxy, {
  upstream: target,
  undici: { connections: 64, pipelining: 1 },
  replyOptions: {
    rewriteRequestHeaders: (request, headers) => ({
      ...headers,
      'x-forwarded-for': request.ip,
      'x-forwarded-proto': request.protocol,
      'x-forwarded-host': request.headers.host,
    }),
  },
})
await app.listen({ host: '127.0.0.1', port })
