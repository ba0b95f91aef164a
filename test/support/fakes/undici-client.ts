/**
 * undici's Client as seen from one attempt, driven by the test: a call is connected, answered, broken. Modelled on
 * dispatcher/client-h1.js and core/request.js of undici 7.30: `abort` reports synchronously, what a callback throws ends the call
 * with that error, and a paused response goes no further until it is resumed.
 */
import { channel } from 'node:diagnostics_channel'
import type { Connection } from '../../../src/proxy/pool.ts'
import type { Upstream } from '../../../src/proxy/upstream.ts'

interface Handler {
  onConnect(abort: (error?: Error) => void): void
  onHeaders(status: number, rawHeaders: readonly Buffer[], resume: () => void): boolean
  onData(chunk: Buffer): boolean
  onComplete(): void
  onError(error: Error): void
}

interface Options {
  readonly method: string
  readonly path: string
  readonly body: unknown
}

/** undici shows each request it makes on this channel, and whoever listens may fill it in. */
const created = channel('undici:request:create')

/** What undici uses of a body that comes in pieces. */
interface StreamBody {
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  on(event: 'end', listener: () => void): unknown
  pause(): unknown
  resume(): unknown
  destroy(): unknown
}

export class FakeCall {
  /** The id of the endpoint. */
  readonly endpoint: string
  readonly method: string
  readonly path: string
  host: string | null = null
  /** As they were at the time of the call. */
  headers: readonly string[] = []
  contentLength: number | null = null
  readonly body: unknown
  ended = false
  /** The reason given to `abort`. */
  aborted: Error | null = null
  /** Of a body in pieces: what was sent so far. */
  readonly sent: Buffer[] = []
  bodyEnded = false
  /** The response is paused: onData said false and nobody has resumed since. */
  paused = false
  /** The endpoint's socket is full: each piece of the body pauses it. */
  full = false
  readonly #handler: Handler
  readonly #connection: { connected: boolean }

  constructor(options: Options, handler: Handler, endpoint: string, connection: { connected: boolean }) {
    this.#connection = connection
    this.endpoint = endpoint
    this.method = options.method
    this.path = options.path
    this.body = options.body
    created.publish({ request: this })
    this.headers = asRead(this.headers)
    this.#handler = handler
  }

  /** The connection stands: the request is written, unless it is taken back. */
  connect(): void {
    this.#connection.connected = true
    try {
      this.#handler.onConnect((error = new Error('aborted')) => this.#abort(error))
    } catch (error) {
      this.fail(error as Error)
      return
    }
    if (this.#stream === null || this.ended) return
    this.#stream.on('data', (chunk) => {
      this.sent.push(chunk)
      if (this.full) this.#stream?.pause()
    })
    this.#stream.on('end', () => {
      this.bodyEnded = true
      this.#stream?.destroy()
    })
    this.#stream.resume()
  }

  /** The endpoint's socket has room again. */
  drain(): void {
    this.full = false
    this.#stream?.resume()
  }

  head(status: number, headers: readonly (readonly [string, string])[] = []): void {
    this.#mustRun()
    const raw = headers.flatMap(([name, value]) => [
      Buffer.from(name, 'latin1'),
      Buffer.from(value, 'latin1'),
    ])
    this.#guarded(() =>
      this.#handler.onHeaders(status, raw, () => {
        this.paused = false
      }),
    )
  }

  /** @returns false if the response is paused now */
  data(chunk: Buffer | string): boolean {
    this.#mustRun()
    this.#guarded(() => {
      if (this.#handler.onData(Buffer.from(chunk as string)) === false) this.paused = true
    })
    return !this.paused
  }

  complete(): void {
    this.#mustRun()
    this.ended = true
    try {
      this.#handler.onComplete()
    } catch (error) {
      this.#handler.onError(error as Error)
    }
    if (this.#stream !== null && !this.bodyEnded) this.#stream.destroy()
  }

  fail(error: Error): void {
    if (this.ended) return
    this.ended = true
    this.#handler.onError(error)
    this.#stream?.destroy()
  }

  get #stream(): StreamBody | null {
    return this.body !== null && !Buffer.isBuffer(this.body) ? (this.body as StreamBody) : null
  }

  #guarded(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.#abort(error as Error)
    }
  }

  #abort(error: Error): void {
    if (this.ended) return
    this.aborted = error
    this.fail(error)
  }

  #mustRun(): void {
    if (this.ended) throw new Error('the call has ended: undici reports nothing any more')
    if (this.paused) throw new Error('the response is paused: undici waits for its resume')
  }
}

/** Connections that stand for undici's, and all calls made on them in order. */
export class FakeUpstreamSide {
  readonly calls: FakeCall[] = []
  /** Whether the attempt asked for a connection that has served nothing yet, by call. */
  readonly fresh: boolean[] = []

  constructor(upstream: Upstream) {
    for (const endpoint of upstream.endpoints) {
      Object.assign(endpoint, {
        begin: (fresh: boolean) => {
          endpoint.inFlight++
          endpoint.attempts++
          this.fresh.push(fresh)
          return this.#connection(endpoint.id)
        },
        end: () => {
          endpoint.inFlight--
        },
      })
    }
  }

  /** The latest call. */
  get last(): FakeCall {
    const call = this.calls.at(-1)
    if (call === undefined) throw new Error('nothing has been sent upstream')
    return call
  }

  #connection(endpoint: string): Connection {
    const dispatch = (options: Options, handler: Handler): boolean => {
      this.calls.push(new FakeCall(options, handler, endpoint, connection))
      return true
    }
    const connection = {
      client: { dispatch },
      inFlight: 1,
      awaited: 0,
      abandoned: 0,
      connected: false,
      paused: false,
      reader: null,
      settled: () => {},
      whenParsed: queueMicrotask,
      isHttp10: false,
      readAsMeant: () => undefined,
    }
    return connection as unknown as Connection
  }
}

/** Fields as an endpoint reads them, where the value of one has the lines of others in it (headers/known-fields.ts). */
function asRead(fields: readonly string[]): string[] {
  const read: string[] = []
  for (let index = 0; index < fields.length; index += 2) {
    for (const line of `${fields[index]}: ${fields[index + 1]}`.split('\r\n')) {
      const at = line.indexOf(': ')
      read.push(line.slice(0, at), line.slice(at + 2))
    }
  }
  return read
}
