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
 */
import { Buffer } from 'node:buffer'
import { type DispatchHandler, type DispatchOptions, errors, type HttpMethod } from '../native/undici.ts'
import { idempotentMethods, type Outcome, outcomes } from '../plan/outcome.ts'
import { proxyHeader } from '../plan/proxy-header.ts'
import type { Ticket } from './admission.ts'
import type { Ending } from './balance/policy.ts'
import type { RequestBody } from './body/request-body.ts'
import type { Departing, Departures } from './departures.ts'
import type { Endpoint } from './endpoint.ts'
import { withInterim } from './headers/interim.ts'
import type { ResponseFields } from './headers/response-block.ts'
import { isFailure } from './outliers.ts'
import type { Verdict } from './overload/gradient-limit.ts'
import type { Connection } from './pool.ts'
import { isBodiless } from './status-line.ts'
import { classify } from './undici-errors.ts'
import { dispatch, type Outgoing } from './undici-request.ts'
import type { Upstream } from './upstream.ts'

/** What an attempt reports to. Each ends the attempt's part: `onEnd` and `onFailed` come last, one of them, once. */
export interface AttemptListener {
  /** The client's, as text; '' if it has none. */
  readonly address: string
  /** The connection stands and the request is about to be written: from here on it may have reached the endpoint. */
  onStarted(attempt: Attempt): void
  /**
   * Interim responses, and no head in the same read.
   * @param interim as `withInterim` writes them
   * @returns whether they are on their way; otherwise they come with the head
   */
  onInterim(interim: string): boolean
  /** @param interim the interim responses that came before and are not on their way */
  onHead(status: number, fields: ResponseFields, interim: string, attempt: Attempt): void
  /** @returns false: pause the endpoint until `resume` */
  onChunk(chunk: Buffer): boolean
  onEnd(): void
  onFailed(outcome: Outcome, error: Error, attempt: Attempt): void
}

/** The parts of a worker that an attempt needs. */
export interface AttemptContext {
  readonly spareAttempts: Attempt[]
  readonly departures: Pick<Departures, 'add' | 'clock'>
}

/** One that is to begin. */
export function takeAttempt({ spareAttempts, departures }: AttemptContext): Attempt {
  return spareAttempts.pop() ?? new Attempt(spareAttempts, departures)
}

/** Thrown in onConnect to take back a request before it is written: abort would destroy a good connection. */
const takenBack = Object.freeze(new Error('the exchange has ended before its request was sent'))
/** Thrown in onConnect where a request must not be sent a second time. */
const notTwice = Object.freeze(new Error('the connection broke after the request was sent'))
/** What undici hands back from an attempt that was cancelled. */
const cancelled = Object.freeze(new Error('cancelled'))

export class Attempt implements Departing {
  endpoint: Endpoint | null = null
  /** onConnect has been called. Until then provably nothing was sent. */
  started = false
  /** Its connection had served others before: that it ends now is the ordinary race of keep-alive, and no outage. */
  reused = false
  /** Of its request's attempts, from 1. Written by whoever begins it, as `hedge` is. */
  number = 0
  /** It was sent while another one was under way. */
  hedge = false
  leftAt = Number.NaN
  #listener: AttemptListener | null = null
  #upstream: Upstream | null = null
  #connection: Connection | null = null
  #ticket: Ticket | null = null
  /** It is being given up since it has taken too long: the endpoint's doing, as far as anybody knows. */
  #overdue = false
  /** Of the endpoint's outlier when this began: whether what comes of it is still news. */
  #epoch = 0
  /** It is the one request at a time of an endpoint that is probed: about that one, and not about the upstream. */
  #probe = false
  #headSeen = false
  #interim = ''
  /** Bytes of those that are on their way. */
  #interimSent = 0
  /** Milliseconds on the clock of the turns, while its upstream waits for word of this attempt; otherwise NaN. */
  #begunAt = Number.NaN
  #abort: ((error: Error) => void) | null = null
  #resume: (() => void) | null = null
  readonly #spare: Attempt[]
  readonly #departures: Pick<Departures, 'add' | 'clock'>
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

  /** @param spare where it goes when it has ended */
  constructor(spare: Attempt[], departures: Pick<Departures, 'add' | 'clock'>) {
    this.#spare = spare
    this.#departures = departures
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
    this.#upstream = upstream
    this.endpoint = endpoint
    this.#ticket = ticket
    if (upstream.observing) this.leftAt = this.#begunAt = this.#departures.clock.now
    // Safe methods only, as undici has it too (RFC 9112, section 9.3.2).
    const pipelined = body === null && (outgoing.method === 'GET' || outgoing.method === 'HEAD')
    this.#epoch = endpoint.outlier.epoch
    this.#probe = endpoint.limited
    this.#connection = endpoint.begin(fresh, pipelined)
    this.#connection.awaited++
    this.reused = this.#connection.served > 0
    if (endpoint.proxyProtocol !== null)
      this.#connection.preface = proxyHeader(endpoint.proxyProtocol, listener.address)
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
    this.#outgoing = null
    // Nobody waits for it any more.
    if (this.#listener === null || outgoing === null) return this.#finish()
    const connection = this.#connection as Connection
    connection.settled()
    dispatch(connection.client, this.#options, this as unknown as DispatchHandler, outgoing)
  }

  /** The exchange wants no more of this attempt: ends it now if the request has been sent, else as soon as can be. */
  cancel(): void {
    if (this.#listener === null) return
    // An abort destroys the connection. With pipelining others may be on it: as long as somebody waits for one of them,
    // the rest of this one is read and dropped.
    const connection = this.#connection as Connection
    if (this.#outgoing !== null) return void this.#takeListener()
    if (connection.awaited > 1 && !this.#uploading()) return this.detach()
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
    const connection = this.#connection as Connection
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
    this.#listener.onStarted(this)
  }

  #maySendAgain(): boolean {
    const { method, body } = this.#options
    return !this.#headSeen && idempotentMethods.has(method) && (body === null || Buffer.isBuffer(body))
  }

  onHeaders(status: number, fields: ResponseFields, resume: () => void): boolean {
    if (status < 200) {
      // undici lets these pass for interim responses, 101 without an Upgrade. What is thrown here ends the attempt.
      if (status < 100 || status === 101) throw new errors.HTTPParserError(`a status of ${status}`)
      this.#interim = withInterim(this.#interim, status, fields as readonly Buffer[], this.#interimSent)
      ;(this.#connection as Connection).whenParsed(this.#sendInterim)
      return true
    }
    if (this.#begunAt > 0) this.#observed(status < 500 ? 'answered' : 'failed', this.#verdict(status))
    ;(this.#upstream as Upstream).answered(this.endpoint as Endpoint, status, this.#epoch)
    this.#resume = resume
    const connection = this.#connection as Connection
    connection.reader = this
    if (Array.isArray(fields) && (isBodiless(status) || connection.isHttp10))
      connection.readAsMeant(status, fields)
    if (this.#listener === null) return true
    this.#headSeen = true
    this.#listener.onHead(status, fields, this.#interim, this)
    return true
  }

  #interimAlone(): void {
    const interim = this.#interim
    if (interim === '' || this.#headSeen || this.#listener?.onInterim(interim) !== true) return
    this.#interimSent += interim.length
    this.#interim = ''
  }

  onData(chunk: Buffer): boolean {
    // undici's parser reports an empty piece when it is resumed at the end of a connection: pausing again would be fatal
    // (native-notes/12-paused-at-the-end.md).
    if (this.#listener === null || chunk.length === 0 || this.#listener.onChunk(chunk)) return true
    ;(this.#connection as Connection).paused = true
    return false
  }

  onComplete(): void {
    const connection = this.#connection as Connection
    connection.served++
    this.#stopReading(connection)
    this.#takeListener()?.onEnd()
    // Not from inside: what is let in next may take this connection, and what stands behind the response in this read would
    // be taken for the answer to it.
    connection.whenParsed(this.#finishLater)
  }

  onError(error: Error): void {
    const outcome = classify(error, this.started, this.#headSeen)
    if (this.#begunAt > 0) this.#brokenOff(outcome)
    if (this.#listener !== null && !this.#headSeen) this.#blame(outcome, error)
    this.#takeListener()?.onFailed(outcome, error, this)
    // Not from inside: undici asserts that a client it fails has nothing more to do, and what is let in next may take
    // this very connection.
    queueMicrotask(this.#finishLater)
  }

  // ---- what it shows of the endpoint ----

  /**
   * It has taken too long, and has no head. The endpoint is blamed for that, unless this waits behind others, on a connection that stands:
   * for its turn, or for the client of another one. The caller cancels it.
   */
  expire(): Outcome {
    const outcome = this.started ? outcomes.headersTimeout : outcomes.connectTimeout
    const { connected, paused } = this.#connection as Connection
    if (this.started ? paused : connected) this.#begunAt = Number.NaN
    else {
      this.#overdue = true
      this.#blame(outcome)
    }
    return outcome
  }

  /**
   * For the detection of outliers: the attempt has ended in this way. A kept connection that turns out closed is no failure, and
   * one connection that breaks is one, whatever was pipelined on it.
   */
  #blame(outcome: Outcome, error?: Error): void {
    if (outcome.fault !== 'endpoint' || (this.reused && outcome === outcomes.endpointReset)) return
    if (outcome.retry !== 'unsent') {
      const connection = this.#connection as Connection
      if (connection.blamed) return
      connection.blamed = true
    }
    ;(this.#upstream as Upstream).failed(this.endpoint as Endpoint, outcome, this.#epoch, error)
  }

  #observed(ending: Ending, verdict: Verdict): void {
    const upstream = this.#upstream as Upstream
    const { clock } = this.#departures
    const { now } = clock
    const ms = now - this.#begunAt
    this.#begunAt = Number.NaN
    upstream.observe(this.endpoint as Endpoint, ms, ending, this.#epoch, now)
    if (this.#probe || verdict === 'ignore' || !upstream.limit.learns) return
    upstream.learn(verdict, this.leftAt, clock.awayMs(this.leftAt, now), now)
  }

  /** What a head says to a limit that learns. Where nobody waits for it any more, the client's leaving is not to teach it. */
  #verdict(status: number): Verdict {
    if (this.#overdue || isFailure(status)) return 'drop'
    return this.#listener === null ? 'ignore' : 'success'
  }

  /** Without a head. What the client's own request has broken says nothing about the endpoint. */
  #brokenOff(outcome: Outcome): void {
    if (this.#listener === null) this.#observed('given-up', this.#overdue ? 'drop' : 'ignore')
    else if (outcome.fault === 'endpoint') {
      // An answer that cannot be understood is no overload, and a kept connection that ends is an everyday race.
      const refused = outcome.retry === 'unsent' || (outcome === outcomes.endpointReset && !this.reused)
      this.#observed('failed', refused ? 'drop' : 'ignore')
    }
  }

  // ---- it is over ----

  /** From here on nobody waits for this attempt. @returns who did, null the second time */
  #takeListener(): AttemptListener | null {
    const listener = this.#listener
    if (listener !== null) (this.#connection as Connection).awaited--
    this.#listener = null
    return listener
  }

  #stopReading(connection: Connection): void {
    if (connection.reader !== this) return
    connection.reader = null
    connection.paused = false
  }

  /** Gives everything back. The ticket last: it lets the next exchange in, which may take this very attempt. */
  #finish(): void {
    const upstream = this.#upstream as Upstream
    const ticket = this.#ticket as Ticket
    const connection = this.#connection as Connection
    this.#stopReading(connection)
    upstream.end(this.endpoint as Endpoint, connection, this.#probe ? this.#epoch : -1)
    this.endpoint = null
    this.started = false
    this.#overdue = false
    this.number = 0
    this.hedge = false
    this.#upstream = null
    this.#connection = null
    this.#ticket = null
    this.#probe = false
    this.#headSeen = false
    this.#interim = ''
    this.#interimSent = 0
    this.#begunAt = Number.NaN
    this.#abort = null
    this.#resume = null
    this.#options.body = null
    this.#spare.push(this)
    upstream.admission.release(ticket)
  }
}
