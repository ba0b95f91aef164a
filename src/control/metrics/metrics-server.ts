/**
 * Serves metrics to whoever asks: plain HTTP from the control process, so that no worker answers for it and no listener of clients shows
 * them.
 *
 *     GET /metrics ──► census of the workers ──► text
 *
 * Invariants
 *   - at most one address is listened on, and none where the plan has none.
 *   - a move that fails leaves the server where it was.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { MetricsPlan } from '../../plan/plan.ts'
import { BindError, explainBind } from '../bind-check.ts'

/** Who holds more connections than this has forgotten them. */
const connectionsMax = 64
/** A request's head is a few hundred bytes. */
const requestTimeoutMs = 10_000
/** Who takes nothing of an answer for so long, or sends nothing on a new connection. */
const idleTimeoutMs = 30_000
/** What is being answered when its server leaves has so long: a census takes a second at most. */
const leaveMs = 5_000
const path = '/metrics'

export interface Text {
  readonly type: string
  readonly body: string
}

export class MetricsServer {
  readonly #render: () => Promise<Text>
  readonly #onListening: (host: string, port: number) => void
  readonly #idleTimeoutMs: number
  #rendering: Promise<Text> | null = null
  #server: Server | null = null
  #plan: MetricsPlan | null = null
  #closed = false

  /**
   * @param render what is told; asked for once for all who ask while it is under way. An error is answered 500
   * @param onListening with a real port in place of 0
   * @param idleTimeout milliseconds, for tests
   */
  constructor(
    render: () => Promise<Text>,
    onListening: (host: string, port: number) => void,
    idleTimeout = idleTimeoutMs,
  ) {
    this.#render = render
    this.#onListening = onListening
    this.#idleTimeoutMs = idleTimeout
  }

  /**
   * Listens there and no longer where it did; undefined: nowhere.
   * @throws {BindError} says why it cannot, and what to do
   */
  async moveTo(plan: MetricsPlan | undefined): Promise<void> {
    const before = this.#plan
    if (this.#closed || (before?.host === plan?.host && before?.port === plan?.port)) return
    if (plan === undefined) return this.#leave()
    // What holds the port has to go first, if only at another address: "0.0.0.0" cannot be had beside "127.0.0.1".
    const inTheWay = before !== null && before.port === plan.port && plan.port !== 0
    if (inTheWay) await this.#leave()
    const opened = await this.#listen(plan).catch(async (error: Error) => {
      if (inTheWay) this.#hold(before, await this.#listen(before))
      throw error
    })
    const { port } = opened.address() as AddressInfo
    await this.#leave()
    this.#hold(plan, opened)
    if (!this.#closed) this.#onListening(plan.host, port)
  }

  /** For good. What is being answered is answered still. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#leave()
  }

  #hold(plan: MetricsPlan, server: Server): void {
    this.#plan = plan
    this.#server = server
    // Closed while it was being opened.
    if (this.#closed) void this.#leave()
  }

  async #leave(): Promise<void> {
    const server = this.#server
    this.#plan = null
    this.#server = null
    if (server !== null) await stopped(server)
  }

  #listen({ host, port }: MetricsPlan): Promise<Server> {
    const server = createServer({ requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs })
    server.maxConnections = connectionsMax
    server.timeout = this.#idleTimeoutMs
    server.on('request', (request, response) => void this.#answer(request, response))
    return new Promise((resolve, reject) => {
      const refused = (error: NodeJS.ErrnoException): void =>
        reject(new BindError(explainBind(host, port, error, 'metrics')))
      server.once('error', refused)
      // Another process may not share the port, as the workers share theirs.
      server.listen({ host, port, exclusive: true }, () => {
        server.off('error', refused)
        // Of accepting (EMFILE, say): the next one may go well.
        server.on('error', () => {})
        resolve(server)
      })
    })
  }

  async #answer({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (url.split('?', 1)[0] !== path) return say(response, 404, `metrics are at ${path}`)
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      return say(response, 405, 'only GET and HEAD are answered here')
    }
    try {
      this.#rendering ??= this.#render().finally(() => {
        this.#rendering = null
      })
      const { type, body } = await this.#rendering
      send(response, 200, type, body)
    } catch (error) {
      say(response, 500, (error as Error).message)
    }
  }
}

function say(response: ServerResponse, status: number, line: string): void {
  send(response, status, 'text/plain; charset=utf-8', `${line}\n`)
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

/** It accepts no more, and connections that wait for a request are closed. Not waited for: the others have time for their answers. */
function stopped(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // The port is free as soon as the loop has turned.
    server.close()
    // Neither of those who go on asking nor of those who never did anything would it let go.
    setTimeout(() => server.closeAllConnections(), leaveMs).unref()
    setImmediate(resolve)
  })
}
