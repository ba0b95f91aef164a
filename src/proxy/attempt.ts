/**
 * One try of one request on one connection: what undici calls back. Pooled, and separate from its exchange, because it
 * can outlive it: a connection that is being established cannot be given up, so an attempt whose exchange has ended
 * keeps its connection and its place in the queue until undici is through with it.
 *
 *     begin ──► onConnect ──► onHeaders (1xx…, final) ──► onData* ──► onComplete
 *        │  nothing is sent before    │                       │
 *        └────────────────────────────┴───────────────────────┴──► onError
 *
 * undici 7's raw handler (onConnect/onHeaders/…) is used on purpose: a handler of the newer kind is wrapped in two
 * more objects, and its headers are parsed into an object nobody reads (native-notes/07-undici-connections.md).
 *
 * Invariants
 *   - `begin` takes a connection and a ticket; `#finish` gives both back, once, after which the attempt is in the pool.
 *   - `#listener` is null once either side has let go; then nothing is reported any more.
 *   - what code of ours throws in here ends this attempt as `internal`, and nothing else; it is logged.
 */
import { Buffer } from 'node:buffer'
import { type DispatchHandler, type DispatchOptions, errors, type HttpMethod } from '../native/undici.ts'
import { idempotentMethods, outcomes } from '../plan/outcome.ts'
import { proxyHeader } from '../plan/proxy-header.ts'
import type { Ticket } from './admission.ts'
import type { AttemptListener } from './attempt-listener.ts'
import { handOver } from './body/piece.ts'
import type { RequestBody } from './body/request-body.ts'
import type { Departing, Departures } from './departures.ts'
import type { Endpoint } from './endpoint.ts'
import { Evidence } from './evidence.ts'
import { withInterim } from './headers/interim.ts'
import type { ResponseFields } from './headers/response-block.ts'
import type { Connection } from './pool.ts'
import type { Recorder } from './record.ts'
import { isBodiless } from './status-line.ts'
import { classify, isDefect } from './undici-errors.ts'
import { dispatch, type Outgoing } from './undici-request.ts'
import type { Upstream } from './upstream.ts'

/** The parts of a worker that an attempt needs. */
export interface AttemptContext {
  /** Where it goes when it has ended. */
  readonly spareAttempts: Attempt[]
  readonly departures: Pick<Departures, 'add' | 'clock'>
  readonly recorder: Pick<Recorder, 'defect'>
}

/** One that is to begin. */
export function takeAttempt(context: AttemptContext): Attempt {
  return context.spareAttempts.pop() ?? new Attempt(context)
}

/** Thrown in onConnect to take back a request before it is written: abort would destroy a good connection. */
const takenBack = Object.freeze(new Error('the exchange has ended before its request was sent'))
/** Thrown in onConnect where a request must not be sent a second time. */
const notTwice = Object.freeze(new Error('the connection broke after the request was sent'))
/** What undici hands back from an attempt that was cancelled. */
const cancelled = Object.freeze(new Error('cancelled'))

export class Attempt extends Evidence implements Departing {
  /** Of its request's attempts, from 1. Written by whoever begins it, as `hedge` is. */
  number = 0
  /** It was sent while another one was under way. */
  hedge = false
  #listener: AttemptListener | null = null
  #ticket: Ticket | null = null
  #headSeen = false
  /** It was cancelled, and goes on for the sake of others on its connection. */
  #abandoned = false
  #interim = ''
  /** Bytes of those that are on their way. */
  #interimSent = 0
  #abort: ((error: Error) => void) | null = null
  #resume: (() => void) | null = null
  /** What code of ours has thrown at undici, which hands it back to `onError`: a defect, and none of the endpoint's. */
  #defect: unknown = null
  readonly #spare: Attempt[]
  readonly #departures: AttemptContext['departures']
  readonly #recorder: AttemptContext['recorder']
  /** What is to leave; null once it has. */
  #outgoing: Outgoing | null = null
  readonly #finishLater = (): void => this.#finish()
  readonly #sendInterim = (): void => this.#interimAlone()
  /** Filled anew for each request; undici copies what it needs inside `dispatch`. */
  readonly #options: DispatchOptions & { servername: string | null } = {
    servername: null,
    path: '/',
    method: 'GET',
    body: null,
    // Otherwise undici closes the connection behind every HEAD, and every GET or DELETE with a body.
    reset: false,
    blocking: false,
  }

  constructor({ spareAttempts, departures, recorder }: AttemptContext) {
    super(departures.clock)
    this.#spare = spareAttempts
    this.#departures = departures
    this.#recorder = recorder
  }

  /** Sends a request. It leaves with its batch, and everything that follows is reported to `listener`. */
  begin(
    listener: AttemptListener,
    upstream: Upstream,
    endpoint: Endpoint,
    ticket: Ticket,
    outgoing: Outgoing,
    body: Buffer | RequestBody | null,
    fresh: boolean,
  ): void {
    this.#listener = listener
    this.#ticket = ticket
    // Safe methods only, as undici has it too (RFC 9112, section 9.3.2).
    const pipelined = body === null && (outgoing.method === 'GET' || outgoing.method === 'HEAD')
    const connection = this.beginAt(upstream, endpoint, fresh, pipelined)
    connection.awaited++
    if (endpoint.proxyProtocol !== null)
      connection.preface = proxyHeader(endpoint.proxyProtocol, listener.address)
    const options = this.#options
    options.method = outgoing.method as HttpMethod
    options.path = outgoing.target
    options.servername = endpoint.serverName
    // undici asks its body for `pipe` and `on` only; the types want a whole Readable.
    options.body = body as Buffer | null
    this.#outgoing = outgoing
    this.#departures.add(this)
  }

  /** Its batch leaves. */
  depart(): void {
    const outgoing = this.#outgoing
    const connection = this.connection as Connection
    this.#outgoing = null
    connection.boarding = false
    // Nobody waits for it any more.
    if (this.#listener === null || outgoing === null) return this.#finish()
    connection.settled()
    dispatch(connection.client, this.#options, this as unknown as DispatchHandler, outgoing)
    // It may have been thrown right through the client, which then does nothing more for anybody.
    if (this.#defect !== null) connection.aborted = true
  }

  /** The exchange wants no more of this attempt: ends it now if the request has been sent, else as soon as can be. */
  cancel(): void {
    if (this.#listener === null) return
    // An abort destroys the connection. With pipelining others may be on it: as long as somebody waits for one of them,
    // the rest of this one is read and dropped. It may have no end: see `#finish`.
    const connection = this.connection as Connection
    if (this.#outgoing !== null) return void this.#takeListener()
    if (connection.awaited > 1 && !this.#uploading()) return this.#abandon(connection)
    this.#takeListener()
    if (this.#abort !== null) {
      // Otherwise undici connects anew, for those that stand behind an upload: nothing of them has been sent.
      connection.aborted = connection.awaited === 0
      this.#abort(cancelled)
    } else if (connection.inFlight > 1) {
      // It stands behind others that nobody waits for any more.
      connection.aborted = true
      void connection.client.destroy(cancelled)
    }
    // Otherwise it waits for its connection, and onConnect takes it back.
  }

  #abandon(connection: Connection): void {
    this.#abandoned = true
    connection.abandoned++
    this.detach()
  }

  /** Of a request that goes out in pieces, not all has: nothing can be sent behind it before the rest, which may not come any more. */
  #uploading(): boolean {
    const body = this.#options.body as Buffer | RequestBody | null
    return this.#abort !== null && body !== null && !Buffer.isBuffer(body) && !body.delivered
  }

  /** The exchange has all it needs: undici ends the attempt by itself, once it is no longer paused. A cancel would cost a good connection. */
  detach(): void {
    this.#takeListener()
    this.resume()
  }

  /** The client has room again. */
  resume(): void {
    if (this.#resume === null) return
    const connection = this.connection as Connection
    if (connection.reader === this) connection.paused = false
    this.#resume()
  }

  // ---- undici ----

  onConnect(abort: (error?: Error) => void): void {
    if (this.#listener === null) throw takenBack
    // With pipelining, undici sends what was behind a request that broke the connection once more, by itself.
    if (this.started && !this.#maySendAgain()) throw notTwice
    this.#abort = abort
    this.started = true
    try {
      this.#listener.onStarted(this)
    } catch (error) {
      throw this.#ours(error)
    }
    // Written next: here, since undici may write one request more than once.
    const { body } = this.#options
    if (Buffer.isBuffer(body)) handOver(body)
  }

  #maySendAgain(): boolean {
    const { method, body } = this.#options
    return !this.#headSeen && idempotentMethods.has(method) && (body === null || Buffer.isBuffer(body))
  }

  onHeaders(status: number, fields: ResponseFields, resume: () => void): boolean {
    // undici lets these pass for interim responses, 101 without an Upgrade. What is thrown here ends the attempt.
    if (status < 100 || status === 101) throw new errors.HTTPParserError(`a status of ${status}`)
    try {
      if (status < 200) this.#takeInterim(status, fields as readonly Buffer[])
      else this.#takeHead(status, fields, resume)
    } catch (error) {
      throw this.#ours(error)
    }
    return true
  }

  #takeInterim(status: number, fields: readonly Buffer[]): void {
    this.#interim = withInterim(this.#interim, status, fields, this.#interimSent)
    ;(this.connection as Connection).whenParsed(this.#sendInterim)
  }

  #takeHead(status: number, fields: ResponseFields, resume: () => void): void {
    this.answered(status, this.#listener !== null)
    this.#resume = resume
    const connection = this.connection as Connection
    connection.reader = this
    if (Array.isArray(fields) && (isBodiless(status) || connection.isHttp10))
      connection.readAsMeant(status, fields)
    if (this.#listener === null) return
    this.#headSeen = true
    this.#listener.onHead(status, fields, this.#interim, this)
  }

  #interimAlone(): void {
    const interim = this.#interim
    if (interim === '' || this.#headSeen) return
    try {
      if (this.#listener?.onInterim(interim) !== true) return
    } catch (error) {
      return this.#abort?.(this.#ours(error) as Error)
    }
    this.#interimSent += interim.length
    this.#interim = ''
  }

  onData(chunk: Buffer): boolean {
    // undici's parser reports an empty piece when it is resumed at the end of a connection: pausing again would be fatal
    // (native-notes/12-paused-at-the-end.md).
    if (this.#listener === null || chunk.length === 0) return true
    try {
      if (this.#listener.onChunk(chunk)) return true
    } catch (error) {
      throw this.#ours(error)
    }
    ;(this.connection as Connection).paused = true
    return false
  }

  onComplete(): void {
    const connection = this.connection as Connection
    connection.served++
    this.#leave(connection)
    const listener = this.#takeListener()
    try {
      listener?.onEnd()
    } catch (error) {
      // It is to hear of this.
      this.#listener = listener
      connection.awaited++
      throw this.#ours(error)
    }
    // Not from inside: what is let in next may take this connection, and what stands behind the response in this read would
    // be taken for the answer to it.
    connection.whenParsed(this.#finishLater)
  }

  onError(error: Error): void {
    // A client that a defect was thrown through fails its requests once more when it is given up.
    if (this.connection === null) return
    const listener = this.#takeListener()
    if (error === this.#defect || isDefect(error)) this.#defective(error, listener)
    else {
      try {
        const outcome = classify(error, this.started, this.#headSeen)
        this.failed(outcome, error, listener !== null, this.#headSeen)
        listener?.onFailed(outcome, error, this)
      } catch (defect) {
        // From here it would end the worker: undici makes an event of it, for which nobody listens.
        this.#defective(defect as Error, listener)
      }
    }
    // Not from inside: undici asserts that a client it fails has nothing more to do, and what is let in next may take
    // this very connection.
    queueMicrotask(this.#finishLater)
  }

  // ---- defects ----

  /** @returns what code of ours has thrown inside a callback of undici's, for the caller to throw on: undici ends the attempt for it */
  #ours(error: unknown): unknown {
    this.#defect = error
    return error
  }

  /** No fault of the endpoint's: it is not blamed, and nothing is learned of it. */
  #defective(error: Error, listener: AttemptListener | null): void {
    const { id } = this.endpoint as Endpoint
    this.#defect = error
    this.#recorder.defect(error, id)
    try {
      listener?.onFailed(outcomes.internal, error, this)
    } catch (another) {
      this.#recorder.defect(another, id)
    }
  }

  // ---- it is over ----

  /** From here on nobody waits for this attempt. @returns who did, null the second time */
  #takeListener(): AttemptListener | null {
    const listener = this.#listener
    if (listener !== null) (this.connection as Connection).awaited--
    this.#listener = null
    return listener
  }

  /** undici is through with it. No harm in doing so again. */
  #leave(connection: Connection): void {
    if (this.#abandoned) {
      this.#abandoned = false
      connection.abandoned--
    }
    if (connection.reader !== this) return
    connection.reader = null
    connection.paused = false
  }

  /** Gives everything back. The ticket last: it lets the next exchange in, which may take this very attempt. */
  #finish(): void {
    const upstream = this.upstream as Upstream
    const ticket = this.#ticket as Ticket
    const connection = this.connection as Connection
    this.#leave(connection)
    // Nobody waits for what is left on it, which may never begin or end, and nobody would look at it again.
    if (connection.abandoned > 0 && connection.awaited === 0) connection.aborted = true
    upstream.end(this.endpoint as Endpoint, connection, this.probe ? this.epoch : -1)
    this.resetEvidence()
    this.number = 0
    this.hedge = false
    this.#ticket = null
    this.#headSeen = false
    this.#interim = ''
    this.#interimSent = 0
    this.#abort = null
    this.#resume = null
    this.#options.body = null
    // undici may still have it, where a defect has left it in the middle of things.
    if (this.#defect === null) this.#spare.push(this)
    upstream.admission.release(ticket)
  }
}
