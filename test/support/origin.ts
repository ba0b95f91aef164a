/**
 * A scriptable HTTP/1.1 origin in the test's own process, on a raw socket so that it can also do what no well-behaved
 * server does. What it answers is a Behaviour (see origin-behaviours.ts), for all requests or by path.
 *
 *     const origin = await startOrigin(t, { '/': ok('hello'), '/slow': held(gate, ok()), '/files/*': stream(1 << 20) })
 *     … origin.url, origin.requests, origin.connections.open …
 *
 * Invariants
 * - The requests of one connection are served one after another, pipelined or not, as RFC 9112, section 9.3.2 has it.
 * - A record is added when the head has come, before the behaviour runs.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { OriginExchange, type RecordedRequest } from './origin-exchange.ts'
import { resetSocket, Wire, WireError } from './wire.ts'

export type Behaviour = (exchange: OriginExchange) => Promise<void> | void

/** Exact paths, prefixes ending in `/*`, and `*` for the rest; an exact path wins, then the longest prefix. */
export type Behaviours = Readonly<Record<string, Behaviour>>

export interface OriginOptions {
  /** 0, the default: any free port. */
  readonly port?: number
  /** How many requests are kept, the latest ones; 10,000 by default. The count goes on. */
  readonly keepRequests?: number
}

export class Origin {
  /** As received, in order of arrival. */
  readonly requests: RecordedRequest[] = []
  /** Requests whose head has come, since the start. */
  count = 0
  readonly connections = { open: 0, total: 0 }
  /** Of 127.0.0.1; the same after `stop` and `start`. */
  port = 0
  #behaviour: Behaviour
  readonly #keepRequests: number
  #server: Server | null = null
  /** Open connections and their numbers. */
  readonly #sockets = new Map<Socket, number>()

  constructor(behaviours: Behaviour | Behaviours, options: OriginOptions = {}) {
    this.#behaviour = select(behaviours)
    this.#keepRequests = options.keepRequests ?? 10_000
    this.port = options.port ?? 0
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Is the connection on which this request came still open? */
  isOpen(request: RecordedRequest): boolean {
    return [...this.#sockets.values()].includes(request.connection)
  }

  /** Handed to the kernel so far on the open connections, in bytes. */
  bytesWritten(): number {
    let sum = 0
    for (const socket of this.#sockets.keys()) sum += socket.bytesWritten - socket.writableLength
    return sum
  }

  /** From the next request on, this is what it does. */
  use(behaviours: Behaviour | Behaviours): void {
    this.#behaviour = select(behaviours)
  }

  /** The only request so far. @throws where there are none or several. */
  only(): RecordedRequest {
    if (this.requests.length !== 1)
      throw new Error(`expected one request at the origin, found ${this.requests.length}`)
    return this.requests[0]!
  }

  async start(): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => void this.#serve(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.port, '127.0.0.1', 4096, resolve)
    })
    this.port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** Closes the port, and every connection with an RST. Can be started again. */
  async stop(): Promise<void> {
    const server = this.#server
    if (server === null) return
    this.#server = null
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of this.#sockets.keys()) resetSocket(socket)
    await closed
  }

  /** Ends the connections on which nothing is under way, as servers do when they have been idle for long. */
  closeIdle(): void {
    for (const socket of this.#sockets.keys()) if (this.#idle.has(socket)) socket.end()
  }

  readonly #idle = new Set<Socket>()

  async #serve(socket: Socket): Promise<void> {
    const number = ++this.connections.total
    this.connections.open++
    this.#sockets.set(socket, number)
    const wire = new Wire(socket)
    void wire.closed.then(() => {
      this.connections.open--
      this.#sockets.delete(socket)
      this.#idle.delete(socket)
    })
    try {
      for (let ordinal = 1; ; ordinal++) {
        this.#idle.add(socket)
        const head = await wire.head()
        this.#idle.delete(socket)
        if (head === null) break
        const exchange = new OriginExchange(wire, head, number, ordinal)
        this.#keep(exchange.record)
        await this.#behaviour(exchange)
        await exchange.drain()
        if (exchange.closing || socket.destroyed) break
      }
    } catch (error) {
      // A proxy that goes away is what many tests are about; bytes that are not HTTP are a failure of the proxy.
      if (!(error instanceof WireError)) throw error
      if (error.kind === 'malformed') throw new Error(`the origin received nonsense: ${error.message}`)
    }
    if (!socket.destroyed) socket.end()
  }

  #keep(record: RecordedRequest): void {
    this.count++
    if (this.#keepRequests === 0) return
    if (this.requests.length >= this.#keepRequests) this.requests.shift()
    this.requests.push(record)
  }
}

/** An origin that runs until the test ends. */
export async function startOrigin(
  t: TestContext,
  behaviours: Behaviour | Behaviours,
  options: OriginOptions = {},
): Promise<Origin> {
  const origin = new Origin(behaviours, options)
  await origin.start()
  t.after(() => origin.stop())
  return origin
}

/** A port of 127.0.0.1 on which nobody listens: it was free a moment ago. */
export async function unusedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function select(behaviours: Behaviour | Behaviours): Behaviour {
  if (typeof behaviours === 'function') return behaviours
  const isPrefix = (pattern: string) => Number(pattern.endsWith('*'))
  const rules = Object.entries(behaviours).sort(
    ([a], [b]) => isPrefix(a) - isPrefix(b) || b.length - a.length,
  )
  return (exchange) => {
    const { path } = exchange
    for (const [pattern, behaviour] of rules) {
      const matches = pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
      if (matches) return behaviour(exchange)
    }
    return exchange.respond({ status: 404, body: `the origin has no behaviour for ${path}` })
  }
}
