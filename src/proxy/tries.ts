/**
 * The tries of one request at its upstream: its way through the queue, its attempts, and what follows one that fails or is slow.
 * Belongs to an exchange and is used again with it; the exchange is told the answer of the attempt that wins, or that there is none.
 *
 *      begin ──► queued ──► attempting ──── head ────► answering
 *                  ▲  │         │  ▲                       │
 *                  │  │         │  └─ one of two has ended: the other goes on
 *                  │  │         ├─ no head in time ─► hedge: two under way, the first head wins
 *                  └──┼─ retry ─┤                          │
 *                     └─────────┴──────────────────────────┴──► onOver: no answer, or not all of it
 *
 *   queued      it has a ticket in its upstream's admission queue, but no place yet
 *   attempting  an attempt is under way, or two; no head has come back
 *   answering   the head of one is here
 *
 * Invariants
 *   - the ticket is in here while `queued`; from then on it is the attempt's, which gives it back. A hedge has one of its own.
 *   - `#place` is not null only while this is parked (parking.ts): admitted, and `queued` still.
 *   - `#rival` is not null only while `attempting`, and `#attempt` is not null then either; they are at different endpoints.
 *   - only the last attempt under way can end the tries: a retry never begins beside another attempt.
 *   - after `letGo` nothing is under way for anybody: what goes on goes on for undici alone.
 */
import { type Outcome, outcomes } from '../plan/outcome.ts'
import type { Applicant, Ticket } from './admission.ts'
import { Attempt, type AttemptListener, type Outgoing } from './attempt.ts'
import type { Balanced } from './balance/policy.ts'
import type { Upload } from './body/upload.ts'
import type { DataPlaneContext } from './data-plane.ts'
import { earlier } from './deadlines.ts'
import type { Endpoint } from './endpoint.ts'
import type { ResponseFields } from './headers/response-block.ts'
import type { Hedgeable, Hedging } from './hedging/hedging.ts'
import type { Parked } from './parking.ts'
import { mayHedge } from './retry.ts'
import type { Upstream } from './upstream.ts'

type Stage = 'none' | 'queued' | 'attempting' | 'answering'

/** The request that is tried, and who is told. */
export interface Tried extends Balanced {
  readonly head: Outgoing & Balanced['head']
  /** Its class in the admission queue. */
  readonly priority: number
  /** On the coarse clock: when `expire` is due. */
  deadline: number
  attempts: number
  hedged: boolean
  endpointId: string
  /** Whether this head can be passed on. */
  understands(status: number, fields: ResponseFields, interim: string): boolean
  /** See AttemptListener, also for the next three. */
  onInterim(interim: string): boolean
  onHead(status: number, fields: ResponseFields, interim: string): void
  onChunk(chunk: Buffer): boolean
  onEnd(): void
  /** There is no answer, or not all of it, and no attempt will follow. It is to `letGo`. */
  onOver(outcome: Outcome): void
}

type TriesContext = Pick<DataPlaneContext, 'deadlines' | 'recorder' | 'spareAttempts' | 'departures'>

export class Tries implements Applicant, AttemptListener, Hedgeable, Parked {
  line: unknown = null
  previous: Hedgeable | null = null
  next: Hedgeable | null = null
  since = Number.NaN
  readonly #context: TriesContext
  readonly #request: Tried
  readonly #upload: Upload
  #stage: Stage = 'none'
  #upstream: Upstream | null = null
  #ticket: Ticket | null = null
  #attempt: Attempt | null = null
  /** The other one, where two are under way: the hedge. */
  #rival: Attempt | null = null
  failedOn: Endpoint | null = null
  /** The ticket of who is parked. */
  #place: Ticket | null = null
  /** Of the upstream, where it has or had an eye on this request. */
  #hedging: Hedging | null = null
  /** Of `#attempt` and `#rival`; the request's is the earlier one. */
  #deadline = Number.NaN
  #rivalDeadline = Number.NaN

  constructor(context: TriesContext, request: Tried, upload: Upload) {
    this.#context = context
    this.#request = request
    this.#upload = upload
  }

  get address(): string {
    return this.#request.address
  }

  get isQueued(): boolean {
    return this.#stage === 'queued'
  }

  // ---- 4 admit ----

  begin(upstream: Upstream): void {
    this.#upstream = upstream
    upstream.retryBudget.request(this.#context.deadlines.seenAt)
    if (upstream.down) return this.#request.onOver(outcomes.noHealthyEndpoint)
    this.#stage = 'queued'
    this.#request.deadline = this.#context.deadlines.after(upstream.queueTimeoutMs)
    if (!upstream.admission.enter(this, this.#request.priority)) this.#request.onOver(outcomes.queueFull)
  }

  queued(ticket: Ticket): void {
    this.#ticket = ticket
  }

  shed(): void {
    this.#ticket = null
    this.#request.onOver(outcomes.shed)
  }

  // ---- 5 pick, 6 attempt ----

  admitted(ticket: Ticket): void {
    this.#ticket = null
    if (this.#attempt !== null) return this.#beginHedge(ticket, this.#attempt)
    const upstream = this.#upstream as Upstream
    const request = this.#request
    this.#stage = 'attempting'
    const { failedOn } = this
    let endpoint = upstream.pick(failedOn, request)
    if (endpoint === null && failedOn?.suspended === false) {
      if (upstream.hasOther(failedOn)) return this.#park(upstream, ticket)
      // It broke one request, which may have been the request's fault: rather there again than nowhere.
      endpoint = upstream.pick(null, request)
    }
    if (endpoint === null) return this.#noRoom(upstream, ticket)
    const attempt = this.#newAttempt()
    if (attempt.number > 1) this.#upload.renew()
    this.#attempt = attempt
    request.endpointId = endpoint.id
    this.#deadline = this.#context.deadlines.after(upstream.timeouts.connectMs)
    request.deadline = this.#deadline
    const { hedging } = upstream
    if (hedging !== null && attempt.number === 1) this.#watch(hedging, upstream)
    attempt.begin(this, upstream, endpoint, ticket, request.head, this.#upload.body, attempt.number > 1)
  }

  #newAttempt(): Attempt {
    const { spareAttempts, departures } = this.#context
    const attempt = spareAttempts.pop() ?? new Attempt(spareAttempts, departures)
    attempt.number = ++this.#request.attempts
    return attempt
  }

  /** A place in the queue, but no endpoint to go with it. */
  #noRoom(upstream: Upstream, ticket: Ticket): void {
    if (this.failedOn === null || upstream.down) {
      // The last endpoint has gone while this one waited.
      this.#request.onOver(outcomes.noHealthyEndpoint)
    } else {
      // Others are up, but full: wait for one of them. Where it failed nobody is sent for a while.
      this.failedOn = null
      this.#stage = 'queued'
      upstream.admission.reenter(this)
    }
    upstream.admission.release(ticket)
  }

  #park(upstream: Upstream, ticket: Ticket): void {
    this.#stage = 'queued'
    this.#place = ticket
    upstream.parking.park(this)
  }

  reconsider(): void {
    const ticket = this.#place as Ticket
    this.#place = null
    this.admitted(ticket)
  }

  onStarted(attempt: Attempt): void {
    this.#expectHead(attempt)
  }

  /** The next thing that must happen is more of the upload, or the response's head. */
  #expectHead(attempt: Attempt): void {
    const { timeouts } = this.#upstream as Upstream
    const ms = this.#upload.delivering ? timeouts.bodyMs : timeouts.headersMs
    const deadline = this.#context.deadlines.after(ms)
    if (attempt === this.#rival) this.#rivalDeadline = deadline
    else this.#deadline = deadline
    this.#request.deadline = this.#rival === null ? deadline : earlier(this.#deadline, this.#rivalDeadline)
  }

  /** More of the upload has come or gone. */
  progress(): void {
    if (this.#stage === 'attempting' && this.#attempt?.started) this.#expectHead(this.#attempt)
  }

  onFailed(outcome: Outcome, error: Error, attempt: Attempt): void {
    const endpoint = attempt.endpoint as Endpoint
    this.#context.recorder.attemptFailed(endpoint.id, attempt.number, outcome, error)
    if (this.#goesOnWithout(attempt)) return
    this.#attempt = null
    this.#ended(outcome, endpoint, attempt.reused)
  }

  /** The last attempt has. Tries again where that is allowed, at the head of the queue; else it is over. */
  #ended(outcome: Outcome, endpoint: Endpoint, reused: boolean): void {
    if (this.#stage !== 'attempting' || !this.#mayRetry(outcome, reused, endpoint))
      return this.#request.onOver(outcome)
    this.#tryAgain(endpoint)
  }

  #mayRetry(outcome: Outcome, free: boolean, endpoint: Endpoint): boolean {
    const upstream = this.#upstream as Upstream
    if (upstream.down) return false
    const now = free ? null : this.#context.deadlines.seenAt
    const { head, attempts, hedged } = this.#request
    // The budget was asked for the hedge. What fails after all is allowed its retry.
    const oneByOne = hedged ? attempts - 1 : attempts
    return upstream.mayRetry(outcome, head.method, oneByOne, this.#upload, now, endpoint)
  }

  #tryAgain(endpoint: Endpoint): void {
    const upstream = this.#upstream as Upstream
    this.#hedging?.ended(this, 0)
    this.failedOn = endpoint
    this.#stage = 'queued'
    this.#request.deadline = this.#context.deadlines.after(upstream.queueTimeoutMs)
    upstream.admission.reenter(this)
  }

  // ---- two under way: hedging/hedging.ts ----

  #watch(hedging: Hedging, upstream: Upstream): void {
    if (!hedging.takes(this.#request.head.method) || !mayHedge(this.#upload, upstream.retries)) return
    this.#hedging = hedging
    hedging.watch(this)
  }

  /** No head in time. */
  hedge(): void {
    const { admission, retryBudget, down } = this.#upstream as Upstream
    const { counts } = this.#hedging as Hedging
    if (down || !admission.hasRoom || !retryBudget.has(this.#context.deadlines.seenAt)) {
      counts.withheld++
      return
    }
    admission.enter(this)
    // It has been admitted, or else it must not wait.
    if (this.#ticket !== null) admission.abandon(this.#ticket)
    this.#ticket = null
  }

  #beginHedge(ticket: Ticket, first: Attempt): void {
    const upstream = this.#upstream as Upstream
    const request = this.#request
    const { counts } = this.#hedging as Hedging
    const { deadlines } = this.#context
    const endpoint = upstream.pick(first.endpoint, request)
    // Where there is nobody else, the same one is picked.
    const isOther = endpoint !== null && endpoint !== first.endpoint
    if (!isOther || !upstream.retryBudget.take(deadlines.seenAt)) {
      counts.withheld++
      return upstream.admission.release(ticket)
    }
    counts.sent++
    const attempt = this.#newAttempt()
    attempt.hedge = true
    request.hedged = true
    this.#rival = attempt
    this.#rivalDeadline = deadlines.after(upstream.timeouts.connectMs)
    request.deadline = earlier(this.#deadline, this.#rivalDeadline)
    attempt.begin(this, upstream, endpoint, ticket, request.head, this.#upload.body, false)
  }

  /** One attempt is through without an answer that counts. @returns whether there is another, which is alone from here on */
  #goesOnWithout(attempt: Attempt): boolean {
    const rival = this.#rival
    if (rival === null) return false
    if (attempt !== rival) {
      this.#hedging?.ended(this, 0)
      this.#attempt = rival
      this.#deadline = this.#rivalDeadline
      this.#request.endpointId = (rival.endpoint as Endpoint).id
    }
    this.#rival = null
    this.#request.deadline = this.#deadline
    attempt.cancel()
    return true
  }

  /** A head, while two are under way. @returns whether it is the answer */
  #wins(attempt: Attempt, status: number, fields: ResponseFields, interim: string): boolean {
    // What the detection of outliers takes for a failure: the other one may do better.
    const isFailure = status >= 502 && status <= 504
    if (isFailure || !this.#request.understands(status, fields, interim)) return !this.#goesOnWithout(attempt)
    const loser = attempt === this.#rival ? this.#attempt : this.#rival
    this.#attempt = attempt
    this.#rival = null
    this.#request.endpointId = (attempt.endpoint as Endpoint).id
    loser?.cancel()
    return true
  }

  // ---- 7 stream ----

  onInterim(interim: string): boolean {
    // Of two attempts only the one that wins is heard.
    return this.#rival === null && this.#request.onInterim(interim)
  }

  onHead(status: number, fields: ResponseFields, interim: string, attempt: Attempt): void {
    if (this.#rival !== null && !this.#wins(attempt, status, fields, interim)) return
    const { retries } = this.#upstream as Upstream
    if (retries.on.length > 0 && retries.on.includes(status)) {
      const endpoint = attempt.endpoint as Endpoint
      if (this.#mayRetry(outcomes.retriedStatus, false, endpoint)) {
        this.letGo()
        return this.#tryAgain(endpoint)
      }
    }
    this.#stage = 'answering'
    if (this.#hedging !== null) {
      if (attempt.hedge) this.#hedging.counts.won++
      this.#hedging.ended(this, attempt.hedge ? 0 : status)
    }
    this.#request.onHead(status, fields, interim)
  }

  onChunk(chunk: Buffer): boolean {
    return this.#request.onChunk(chunk)
  }

  onEnd(): void {
    this.#attempt = null
    this.#request.onEnd()
  }

  /** The client has room again. */
  resume(): void {
    this.#attempt?.resume()
  }

  /** @returns the attempt, if it has not ended, for the caller to let go */
  takeAttempt(): Attempt | null {
    const attempt = this.#attempt
    this.#attempt = null
    return attempt
  }

  // ---- time, and clients that go ----

  /** The request's deadline has passed. */
  expire(): void {
    if (this.#stage === 'queued') {
      const down = this.#upstream?.down
      return this.#request.onOver(down ? outcomes.noHealthyEndpoint : outcomes.queueTimeout)
    }
    const isRival = this.#rival !== null && !(this.#context.deadlines.now >= this.#deadline)
    this.#expired((isRival ? this.#rival : this.#attempt) as Attempt)
  }

  #expired(attempt: Attempt): void {
    const { endpoint, started } = attempt
    if (started && this.#upload.awaitsClient) return this.#request.onOver(outcomes.clientStalled)
    const outcome = started ? outcomes.headersTimeout : outcomes.connectTimeout
    attempt.overdue = true
    attempt.blame(outcome)
    if (this.#goesOnWithout(attempt)) return
    this.letGo()
    this.#ended(outcome, endpoint as Endpoint, false)
  }

  /** Attempts go on without a request until undici has ended them. A waiting ticket dies. */
  letGo(): void {
    const attempt = this.#attempt
    const rival = this.#rival
    const ticket = this.#ticket
    const place = this.#place
    this.#attempt = null
    this.#rival = null
    this.#ticket = null
    this.#place = null
    this.#hedging?.ended(this, 0)
    if (ticket !== null) (this.#upstream as Upstream).admission.abandon(ticket)
    if (place !== null) (this.#upstream as Upstream).unpark(this, place)
    attempt?.cancel()
    rival?.cancel()
  }

  reset(): void {
    this.#stage = 'none'
    this.#upstream = null
    this.failedOn = null
    this.#hedging = null
    this.#deadline = Number.NaN
    this.#rivalDeadline = Number.NaN
  }
}
