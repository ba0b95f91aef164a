/** The site of browser.test.ts: an ordinary node:http server with `ws`, whose streams the test moves by hand. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { WebSocketServer } from 'ws'
import { bytes } from '../support/bytes.ts'
import { waitFor } from '../support/wait.ts'

export const imageWidth = 320
export const imageHeight = 200
export const gzipped = 'compressed in the origin, opened by the browser\n'.repeat(2_000)

const etag = '"page-1"'
const page = `<!doctype html>
<html><head><meta charset="utf-8"><title>Weir</title><link rel="icon" href="data:,"></head>
<body><h1></h1><img src="/picture.bmp" alt=""><script src="/classic.js"></script>
<script type="module" src="/page.js"></script></body></html>`
const script = { 'content-type': 'text/javascript' }

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

export class Site {
  readonly requests: IncomingMessage[] = []
  /** Codes with which WebSockets were closed. */
  readonly closeCodes: number[] = []
  url = ''
  /** Responses that are under way and go on when the test says so, the latest of each path. */
  readonly #open = new Map<string, ServerResponse>()

  readonly #handlers: Readonly<Record<string, Handler>> = {
    '/': (request, response) => {
      const headers = { etag, 'cache-control': 'no-cache', 'content-type': 'text/html' }
      const known = request.headers['if-none-match'] === etag
      response.writeHead(known ? 304 : 200, headers).end(known ? undefined : page)
    },
    '/page.js': (_, response) =>
      void response.writeHead(200, script).end(readFileSync(join(import.meta.dirname, 'browser-page.js'))),
    '/greeting.js': (_, response) =>
      void response.writeHead(200, script).end("export const greeting = 'grüße'\n"),
    '/classic.js': (_, response) =>
      void response.writeHead(200, script).end("document.title = 'by a classic script'\n"),
    '/picture.bmp': (_, response) =>
      void response.writeHead(200, { 'content-type': 'image/bmp' }).end(picture()),
    '/old': (_, response) => void response.writeHead(302, { location: '/new?from=old' }).end(),
    '/new': (_, response) => void response.end('the new place'),
    '/gzip': (_, response) =>
      void response
        .writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/plain' })
        .end(gzipSync(gzipped)),
    '/set-cookies': (_, response) => {
      response.setHeader('set-cookie', [
        'seen=1; Path=/',
        'hidden=a=b; Path=/; HttpOnly; Secure; SameSite=Lax',
      ])
      response.end('set')
    },
    '/json': async (request, response) => {
      const received = JSON.parse(await text(request))
      response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ received }))
    },
    '/sha256': async (request, response) => {
      const hash = createHash('sha256')
      for await (const piece of request) hash.update(piece)
      response.end(hash.digest('hex'))
    },
    '/stream': (_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' })
      this.#open.set('/stream', response)
    },
    '/events': (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
      this.#open.set('/events', response)
    },
  }

  async start(t: TestContext): Promise<this> {
    const server = createServer((request, response) => {
      this.requests.push(request)
      const handler = this.#handlers[request.url!.split('?')[0]!]
      if (handler) void handler(request, response)
      else response.writeHead(404).end()
    })
    const handleProtocols = (offered: Set<string>) => offered.has('second') && 'second'
    const sockets = new WebSocketServer({ server, path: '/echo', handleProtocols })
    sockets.on('connection', (socket, request) => {
      this.requests.push(request)
      socket.on('message', (data, binary) => socket.send(data, { binary }))
      socket.on('close', (code) => this.closeCodes.push(code))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      for (const socket of sockets.clients) socket.terminate()
      server.closeAllConnections()
      server.close()
    })
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return this
  }

  /** Requests for this path, in order. */
  to(path: string): IncomingMessage[] {
    return this.requests.filter(({ url }) => url!.split('?')[0] === path)
  }

  /** Sends a piece on the response that is open at `path`, once there is one. */
  async send(path: string, piece: string): Promise<void> {
    const response = await waitFor(() => this.#open.get(path), { what: `a request for ${path}` })
    response.write(piece)
  }

  /** Ends the response that is open at `path`. */
  end(path: string): void {
    this.#open.get(path)!.end()
    this.#open.delete(path)
  }
}

/** An uncompressed bitmap: a header of 54 bytes, and 192 kB that cannot be guessed. */
function picture(): Buffer {
  const pixels = bytes(imageWidth * imageHeight * 3)
  const header = Buffer.alloc(54)
  header.write('BM')
  header.writeUInt32LE(54 + pixels.length, 2)
  header.writeUInt32LE(54, 10)
  header.writeUInt32LE(40, 14)
  header.writeInt32LE(imageWidth, 18)
  header.writeInt32LE(imageHeight, 22)
  header.writeUInt16LE(1, 26)
  header.writeUInt16LE(24, 28)
  return Buffer.concat([header, pixels])
}
