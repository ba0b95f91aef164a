/**
 * The servers that `weir demo` balances between: plain node:http, in this process, on 127.0.0.1. The last is slow.
 *
 * Invariant: `close` ends an origin for good, also while it is down after `/kill` and about to come back.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'

export interface DemoOrigin {
  /** How it names itself in its answers: `origin 1`. */
  readonly name: string
  /** `http://127.0.0.1:9001`. */
  readonly url: string
  readonly slow: boolean
  /** Closes the port and every connection. */
  close(): Promise<void>
}

/** How long things take, in milliseconds. */
export interface DemoPace {
  /** The slow origin waits so long before it answers. 300 by default. */
  readonly slowMs?: number
  /** Between two lines of `/stream`. 200 by default. */
  readonly lineMs?: number
  /** From `/kill` until the origin is back. 10,000 by default. */
  readonly outageMs?: number
}

const host = '127.0.0.1'
const streamLines = 10

const help = `GET  /         the origin's name
GET  /health   200, or 503 after /toggle
GET  /headers  the request's headers as they came in, as JSON
GET  /stream   a line at a time
POST /echo     the request's body
POST /toggle   makes /health answer 503, and 200 again
POST /kill     closes the port and every connection for a while
`

/**
 * Starts an origin for each port, all or none. A port that is taken is replaced by a free one.
 * @throws Error of node:net if one cannot listen for another reason
 */
export async function startOrigins(
  ports: readonly number[] = [9001, 9002, 9003],
  pace: DemoPace = {},
): Promise<DemoOrigin[]> {
  const origins = ports.map((_port, index) => new Origin(index + 1, index === ports.length - 1, pace))
  try {
    await Promise.all(origins.map((origin, index) => origin.start(ports[index]!)))
  } catch (error) {
    await Promise.all(origins.map((origin) => origin.close()))
    throw error
  }
  return origins
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

class Origin implements DemoOrigin {
  readonly name: string
  readonly slow: boolean
  readonly #slowMs: number
  readonly #lineMs: number
  readonly #outageMs: number
  readonly #server: Server
  readonly #handlers: ReadonlyMap<string, Handler>
  #port = 0
  #healthy = true
  #closed = false
  /** Runs while the origin is down. */
  #comeback: NodeJS.Timeout | null = null

  constructor(number: number, slow: boolean, { slowMs = 300, lineMs = 200, outageMs = 10_000 }: DemoPace) {
    this.name = `origin ${number}`
    this.slow = slow
    this.#slowMs = slowMs
    this.#lineMs = lineMs
    this.#outageMs = outageMs
    // Longer than Weir keeps an unused connection (4 s), so that Weir closes it and no request meets a closing one.
    this.#server = createServer({ keepAliveTimeout: 15_000 }, (request, response) => {
      this.#handle(request, response)
    })
    this.#handlers = new Map<string, Handler>([
      ['GET /', this.#later((_request, response) => text(response, 200, `hello from ${this.name}\n`))],
      ['GET /health', (_request, response) => this.#answerHealth(response)],
      ['GET /headers', this.#later(answerHeaders)],
      ['GET /stream', this.#later((_request, response) => this.#stream(response))],
      ['POST /echo', this.#later(echo)],
      ['POST /toggle', (_request, response) => this.#toggle(response)],
      ['POST /kill', (_request, response) => this.#kill(response)],
    ])
  }

  get url(): string {
    return `http://${host}:${this.#port}`
  }

  async start(port: number): Promise<void> {
    try {
      await this.#listen(port)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      await this.#listen(0)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#comeback !== null) clearTimeout(this.#comeback)
    await this.#shut()
  }

  async #listen(port: number): Promise<void> {
    this.#server.listen(port, host)
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Resolves when the port and every connection are closed; at once if they are. */
  async #shut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url?.split('?', 1)[0]
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const handler = this.#handlers.get(`${method} ${path}`)
    if (handler !== undefined) handler(request, response)
    else text(response, 404, `${this.name} has no ${request.method} ${path}, but:\n${help}`)
  }

  /** What a slow origin is slow at: its work, not its health check or its switches. */
  #later(handler: Handler): Handler {
    if (!this.slow) return handler
    return (request, response) => {
      const timer = setTimeout(() => handler(request, response), this.#slowMs)
      response.on('close', () => clearTimeout(timer))
    }
  }

  #answerHealth(response: ServerResponse): void {
    text(response, this.#healthy ? 200 : 503, this.#healthy ? 'healthy\n' : 'unhealthy\n')
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).flushHeaders()
    let line = 0
    const timer = setInterval(() => {
      line++
      response.write(`${this.name}, line ${line} of ${streamLines}\n`)
      if (line < streamLines) return
      clearInterval(timer)
      response.end()
    }, this.#lineMs)
    response.on('close', () => clearInterval(timer))
  }

  #toggle(response: ServerResponse): void {
    this.#healthy = !this.#healthy
    text(response, 200, `/health of ${this.name} answers ${this.#healthy ? 200 : 503} from now on\n`)
  }

  #kill(response: ServerResponse): void {
    response.on('finish', () => void this.#down())
    response.setHeader('connection', 'close')
    text(response, 200, `${this.name} is down for ${this.#outageMs / 1000} s\n`)
  }

  async #down(): Promise<void> {
    if (this.#closed || this.#comeback !== null) return
    this.#comeback = setTimeout(() => this.#up(), this.#outageMs)
    await this.#shut()
  }

  /** Back on the same port. Should someone else have taken it meanwhile, the outage goes on. */
  #up(): void {
    this.#listen(this.#port).then(
      () => {
        this.#comeback = null
        if (this.#closed) void this.#shut()
      },
      () => {
        if (!this.#closed) this.#comeback = setTimeout(() => this.#up(), this.#outageMs)
      },
    )
  }
}

function answerHeaders(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(request.headers, null, 2)}\n`)
}

/** Sends the body back as it comes; a client that does not read it is not read from either. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  const type = request.headers['content-type'] ?? 'application/octet-stream'
  response.writeHead(200, { 'content-type': type }).flushHeaders()
  // A client that leaves in the middle is no error of the demo; pipeline has closed both sides by then.
  pipeline(request, response, () => {})
}

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}
