/**
 * An origin that answers GETs in the order in which they came over a connection (RFC 9112, section 9.3.2), and some of them late. What
 * is late is worked on from when it came, and not only when those before it are through; what stands behind it has its answer ready and
 * waits. Not uWebSockets.js: that closes a connection on which a request follows one that is not answered yet. A process of its own:
 *
 *     node perf/harness/ordered-origin.ts --bytes 100 --slow-path /slow --slow-ms 20
 *
 * prints one line, `{"port":40123}`, and ends when its standard input does, so that it cannot outlive who started it.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { payload } from './payload.ts'

const { values } = parseArgs({
  options: { bytes: { type: 'string' }, 'slow-path': { type: 'string' }, 'slow-ms': { type: 'string' } },
})
const bytes = wholeNumber('bytes')
const slowMs = wholeNumber('slow-ms')
const slowLine = `GET ${values['slow-path'] ?? '/slow'} `
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${bytes}\r\n\r\n${payload(bytes)}`,
)
const headEnd = '\r\n\r\n'

class Connection {
  readonly #socket: Socket
  /** What has come of a head that is not whole. */
  #text = ''
  /** When the answers are ready that have not been sent, in their order. */
  readonly #readyAt: number[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#read(chunk.latin1Slice()))
    // A client that goes is no news; 'close' follows.
    socket.on('error', () => {})
    socket.on('close', () => clearTimeout(this.#timer))
  }

  #read(text: string): void {
    const now = performance.now()
    const heads = (this.#text + text).split(headEnd)
    this.#text = heads.pop() as string
    for (const head of heads) this.#readyAt.push(head.startsWith(slowLine) ? now + slowMs : now)
    if (this.#timer === undefined) this.#send(now)
  }

  /** All that are ready and have none before them that is not, in one piece. */
  #send(now: number): void {
    const waits = this.#readyAt.findIndex((readyAt) => readyAt > now)
    const count = waits === -1 ? this.#readyAt.length : waits
    this.#readyAt.splice(0, count)
    if (count > 0) this.#socket.write(count === 1 ? answer : Buffer.concat(Array(count).fill(answer)))
    const next = this.#readyAt[0]
    if (next === undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      // Timers count in whole milliseconds, and may be early by a part of one.
      this.#send(Math.max(next, performance.now()))
    }, next - now)
  }
}

const server = createServer({ noDelay: true }, (socket) => void new Connection(socket))
server.listen(0, '127.0.0.1', () =>
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port })),
)
process.stdin.on('end', () => process.exit(0)).resume()

function wholeNumber(name: 'bytes' | 'slow-ms'): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= 1 && value <= 10_000) return value
  console.error(`--${name}: expected a whole number from 1 to 10000, found "${values[name]}"`)
  process.exit(2)
}
