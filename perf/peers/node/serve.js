/** What these peers have in common: `node PEER.js --port N --target URL [--cert FILE --key FILE]`. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { parseArgs } from 'node:util'

export function serve() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      target: { type: 'string' },
      cert: { type: 'string' },
      key: { type: 'string' },
    },
  })
  const port = Number(values.port)
  const https =
    values.cert === undefined ? null : { cert: readFileSync(values.cert), key: readFileSync(values.key) }
  const listen = (handler) => {
    const server = https === null ? createServer(handler) : createTlsServer(https, handler)
    server.listen(port, '127.0.0.1', 4096)
  }
  return { port, target: values.target, https, listen }
}

/** The fixed answer that touches no origin. @returns whether this was it */
export function isolated(request, response) {
  if (request.url !== '/isolated') return false
  response.end()
  return true
}
