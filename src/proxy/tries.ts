/**
 * The tries of one request at its upstream: its way through the queue, its attempts, and what follows one that fails or is slow.
 * Belongs to an exchange and is used again with it; the exchange is told the answer of the attempt that wins, or that there is none.
 *
 *      begin ──► queued ──► attempting ──── head ────► answering
 *                  ▲  │         │                          │
 *                  └──┼─ retry ─┤                          │
 *                     └─────────┴──────────────────────────┴──► onOver: no answer, or not all of it
 *
 *   queued      it has a ticket in its upstream's admission queue, but no place yet
 *   attempting  an attempt is under way, no head has come back
 *   answering   its head is here
 *
 * One attempt after the other. A request that is hedged has a second one beside its first: both report here, and as long as they
 * race hedging/hedge.ts says which of them it is that goes on.
 *
 * Invariants
 *   - the ticket is in here while `queued`; from then on it is the attempt's, which gives it back.
 *   - `#place` is not null only while this is parked (parking.ts): admitted, and `queued` still.
 *   - only the last attempt under way can end the tries: a retry never begins beside another attempt.
 *   - after `letGo` nothing is under way for anybody: what goes on goes on for undici alone.
 */
import { type Outcome, outcomes } from '../plan/outcome.ts'
import type { Applicant, Ticket } from './admission.ts'
import { type Attempt, type AttemptContext, takeAttempt } from './attempt.ts'
import type { AttemptListener } from './attempt-listener.ts'
import type { Balanced } from './balance/policy.ts'
import type { Upload } from './body/upload.ts'
import type { DataPlaneContext } from './context.ts'
import type { Endpoint } from './endpoint.ts'
import type { ResponseFields } from './headers/response-block.ts'
import { Hedge } from './hedging/hedge.ts'
import type { Parked } from './parking.ts'
import type { Recorded } from './record.ts'
import type { Outgoing } from './undici-request.ts'
import type { Upstream } from './upstream.ts'

type Stage = 'none' | 'queued' | 'attempting' | 'answering'

/** The request that is tried, and who is told. */
export interface Tried extends Balanced, Pick<Recorded, 'reason'> {
  readonly head: Outgoing & Balanced['head']
  /** Its class in the admission queue. */
  readonly priority: number
  /** On the coarse clock: when `expire` is due. */
  deadline: number
  attempts: number
  hedged: boolean
  endpointId: string
  /** Whether this head can be passed on. */
  understands(fields: ResponseFields, interim: string): boolean
  /** See AttemptListener, also for the next three. */
  onInterim(interim: string): boolean
  onHead(status: number, fields: ResponseFields, interim: string): void
  onChunk(chunk: Buffer): boolean
  onEnd(): void
  /** There is no answer, or not all of it, and no attempt will follow. It is to `letGo`. */
  onOver(outcome: Outcome): void
}

type TriesContext = Pick<DataPlaneContext, 'deadlines' | 'recorder' | keyof AttemptContext>

export class Tries implements Applicant, AttemptListener, Parked {
  readonly #context: TriesContext
  readonly #request: Tried
  readonly #upload: Upload
  #stage: Stage = 'none'
  #upstream: Upstream | null = null
  #ticket: Ticket | null = null
  #attempt: Attempt | null = null
  failedOn: Endpoint | null = null
  /** The ticket of who is parked. */
  #place: Ticket | null = null
  /** null until an upstream that hedges has been the first to want one. */
  #hedge: Hedge | null = null

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
    const attempt = takeAttempt(this.#context)
    attempt.number = ++request.attempts
    if (attempt.number > 1) {
      upstream.retried.sent++
      this.#upload.renew()
    }
    this.#attempt = attempt
    request.endpointId = endpoint.id
    request.deadline = this.#context.deadlines.after(upstream.timeouts.connectMs)
    if (upstream.hedging !== null && attempt.number === 1) {
      this.#hedge ??= new Hedge(this.#context, request, this.#upload, this)
      this.#hedge.watch(upstream.hedging, upstream, attempt)
    }
    attempt.begin(this, upstream, endpoint, ticket, request.head, this.#upload.body, attempt.number > 1)
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
    upstream.giveBack(ticket)
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
    if (this.#hedge?.racing) this.#hedge.expect(attempt, deadline)
    else this.#request.deadline = deadline
  }

  /** More of the upload has come or gone. */
  progress(): void {
    if (this.#stage === 'attempting' && this.#attempt?.started) this.#expectHead(this.#attempt)
  }

  onFailed(outcome: Outcome, error: Error, attempt: Attempt): void {
    const endpoint = attempt.endpoint as Endpoint
    this.#context.recorder.attemptFailed(this.#request, endpoint.id, attempt.number, outcome, error)
    if (this.#hedge?.racing) {
      this.#attempt = this.#hedge.drop(attempt)
      return
    }
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
    const verdict = upstream.mayRetry(outcome, head.method, oneByOne, this.#upload, now, endpoint)
    if (verdict === 'withheld') upstream.retried.withheld++
    return verdict === 'granted'
  }

  #tryAgain(endpoint: Endpoint): void {
    const upstream = this.#upstream as Upstream
    this.#hedge?.letGo()
    this.failedOn = endpoint
    this.#stage = 'queued'
    this.#request.deadline = this.#context.deadlines.after(upstream.queueTimeoutMs)
    upstream.admission.reenter(this)
  }

  // ---- 7 stream ----

  onInterim(interim: string): boolean {
    // Of two that race only the one that wins is heard.
    return this.#hedge?.racing !== true && this.#request.onInterim(interim)
  }

  onHead(status: number, fields: ResponseFields, interim: string, attempt: Attempt): void {
    if (this.#hedge?.racing) {
      this.#attempt = this.#hedge.judge(attempt, status, fields, interim)
      if (this.#attempt !== attempt) return
    }
    const { retries } = this.#upstream as Upstream
    if (retries.on.length > 0 && retries.on.includes(status)) {
      const endpoint = attempt.endpoint as Endpoint
      if (this.#mayRetry(outcomes.retriedStatus, false, endpoint)) {
        this.letGo()
        return this.#tryAgain(endpoint)
      }
    }
    this.#stage = 'answering'
    this.#hedge?.answered(attempt, status)
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
    this.#expired(this.#hedge?.racing ? this.#hedge.late : (this.#attempt as Attempt))
  }

  #expired(attempt: Attempt): void {
    const { endpoint, started } = attempt
    if (started && this.#upload.awaitsClient) return this.#request.onOver(outcomes.clientStalled)
    const outcome = attempt.expire()
    if (this.#hedge?.racing) {
      this.#attempt = this.#hedge.drop(attempt)
      return
    }
    this.letGo()
    this.#ended(outcome, endpoint as Endpoint, false)
  }

  /** Attempts go on without a request until undici has ended them. A waiting ticket dies. */
  letGo(): void {
    const attempt = this.#attempt
    const ticket = this.#ticket
    const place = this.#place
    this.#attempt = null
    this.#ticket = null
    this.#place = null
    if (ticket !== null) (this.#upstream as Upstream).admission.abandon(ticket)
    if (place !== null) (this.#upstream as Upstream).unpark(this, place)
    attempt?.cancel()
    this.#hedge?.letGo()
  }

  reset(): void {
    this.#stage = 'none'
    this.#upstream = null
    this.failedOn = null
    this.#hedge?.reset()
  }
}
