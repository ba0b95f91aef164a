/**
 * One request and its response: the object that the life of a request runs through. Pooled; everything it needs per
 * request hangs on it, and its callbacks are bound once.
 *
 *     idle ──► reading ──► queued ──► attempting ──► streaming ──► (idle)
 *                │           │  ▲         │  │           │
 *                │           │  └─retry───┘  │           │
 *                └───────────┴───────────────┴───────────┴──► #finish, exactly once, under one outcome
 *
 *   reading     the first chunk of the request's body is awaited (a request without body skips this)
 *   queued      it has a ticket in its upstream's admission queue, but no place yet
 *   attempting  an attempt is under way; no head has come back
 *   streaming   the response's head is here; its body goes to the client
 *
 * Invariants
 *   - `res` is not null exactly while the native response may be touched; every use of it stands in this file and in
 *     body/response-body.ts.
 *   - the ticket is the exchange's while `queued`; from then on the attempt's, which gives it back.
 *   - every path ends in `#finish`: recorded once, out of the list of deadlines, back in the pool.
 */

import type { HttpRequest, HttpResponse } from '../native/uws.ts'
import { type Outcome, outcomes } from '../plan/outcome.ts'
import { Account } from './account.ts'
import type { Applicant, Ticket } from './admission.ts'
import { Attempt, type AttemptListener } from './attempt.ts'
import { ResponseBody } from './body/response-body.ts'
import { Upload } from './body/upload.ts'
import { clientAddress } from './client-address.ts'
import { ClientPace } from './client-pace.ts'
import type { DataPlaneContext } from './data-plane.ts'
import type { Timed } from './deadlines.ts'
import type { Endpoint } from './endpoint.ts'
import { headBytesMax, ResponseBlock } from './headers/response-block.ts'
import { answer } from './reply.ts'
import { mayGather } from './retry.ts'
import { type Route, upstreamOf } from './router.ts'
import type { Upstream } from './upstream.ts'

type Phase = 'idle' | 'reading' | 'queued' | 'attempting' | 'streaming'

export class Exchange extends Account implements Applicant, AttemptListener, Timed {
  slot = -1
  deadline = Number.NaN
  totalDeadline = Number.NaN
  readonly #response: ResponseBody
  readonly #block = new ResponseBlock()
  readonly #pace = new ClientPace()
  readonly #context: DataPlaneContext
  #phase: Phase = 'idle'
  #res: HttpResponse | null = null
  #upstream: Upstream | null = null
  #ticket: Ticket | null = null
  #attempt: Attempt | null = null
  #failedOn: Endpoint | null = null
  readonly #upload = new Upload(
    () => this.#progress(),
    (outcome) => this.#breakOff(outcome),
  )

  readonly #onAborted = (): void => this.#clientGone()
  readonly #onFirstBytes = (): void => this.#admit()
  readonly #refuseFaulty = (): void => {
    // The client may have gone meanwhile.
    if (this.#res !== null && this.head.fault !== null) this.#refuse(this.head.verdict)
  }

  constructor(context: DataPlaneContext) {
    super()
    this.#context = context
    this.#response = new ResponseBody(
      context.binding.writeBytes,
      () => this.#drained(),
      () => this.#responseComplete(),
      () => this.#upload.detach(true),
    )
  }

  get responseBytes(): number {
    return this.#response.bytes
  }

  // ---- 1 accept, 2 read, 3 route ----

  /** Takes a request. Must be called inside the native handler. `path` is the cleaned one, null above the root. */
  begin(res: HttpResponse, request: HttpRequest, route: Route | null, path: string | null): void {
    res.onAborted(this.#onAborted)
    this.#res = res
    this.#context.deadlines.add(this)
    this.startedAt = this.#context.recorder.begin()
    this.head.read(request, path, route?.cleaned === true, this.#context.limits)
    this.address = clientAddress(res, this.head.by)
    if (this.head.fault !== null) {
      // Not from inside the handler: the binding would read on, and take what stands behind this request for another one.
      // While an answer is outstanding it closes the connection on a second request instead.
      setImmediate(this.#refuseFaulty)
      return
    }
    if (route === null) return this.#refuse(outcomes.noRoute)
    const refusal = route.guard?.refuses(this, this.#context.forwarding.trusted) ?? null
    if (refusal !== null) return this.#refuse(refusal)
    if (route.reply !== null) {
      this.status = route.reply.status
      route.reply.send(res, request, this.#mustClose, this.head.bindingCloses)
      this.#res = null
      return this.#finish(outcomes.responded)
    }
    this.#upstream = upstreamOf(route, this.head.headers)
    this.upstreamName = this.#upstream.name
    this.totalDeadline = this.#context.deadlines.after(route.timeoutMs)
    if (route.priorityOf != null) this.priority = route.priorityOf(this.head.headers)
    this.#context.forwarding.apply(this.head, this.address, this.head.by.scheme)
    if (!this.head.hasBody) {
      route.mirror?.copy(this, this.#context)
      return this.#admit()
    }
    // A body that is not there yet holds no place upstream: the request queues when its first bytes have come.
    this.#phase = 'reading'
    this.deadline = this.#context.deadlines.after(this.#upstream.timeouts.bodyMs)
    const gather = mayGather(this.head.method, this.head.contentLength, this.#upstream.retries)
    this.#upload.begin(res, this.#onFirstBytes, this.#context.limits.bodyBytes, gather)
  }

  // ---- 4 admit ----

  #admit(): void {
    const upstream = this.#upstream as Upstream
    upstream.retryBudget.request(this.#context.deadlines.seenAt)
    if (upstream.down) return this.#refuse(outcomes.noHealthyEndpoint)
    this.#phase = 'queued'
    this.deadline = this.#context.deadlines.after(upstream.queueTimeoutMs)
    if (!upstream.admission.enter(this, this.priority)) this.#refuse(outcomes.queueFull)
  }

  queued(ticket: Ticket): void {
    this.#ticket = ticket
  }

  shed(): void {
    this.#ticket = null
    this.#refuse(outcomes.shed)
  }

  // ---- 5 pick, 6 attempt ----

  admitted(ticket: Ticket): void {
    const upstream = this.#upstream as Upstream
    this.#ticket = null
    this.#phase = 'attempting'
    let endpoint = upstream.pick(this.#failedOn, this)
    // It broke one request, which may have been the request's fault: rather there again than nowhere.
    if (endpoint === null && this.#failedOn?.suspended === false) endpoint = upstream.pick(null, this)
    if (endpoint === null) return this.#noRoom(upstream, ticket)
    const attempt =
      this.#context.spareAttempts.pop() ?? new Attempt(this.#context.spareAttempts, this.#context.departures)
    this.#attempt = attempt
    this.attempts++
    this.endpointId = endpoint.id
    this.deadline = this.#context.deadlines.after(upstream.timeouts.connectMs)
    attempt.begin(this, upstream, endpoint, ticket, this.head, this.#upload.body, this.attempts > 1)
  }

  /** A place in the queue, but no endpoint to go with it. */
  #noRoom(upstream: Upstream, ticket: Ticket): void {
    if (this.#failedOn === null || upstream.down) {
      // The last endpoint has gone while this one waited.
      this.#refuse(outcomes.noHealthyEndpoint)
    } else {
      // Others are up, but full: wait for one of them. Where it failed nobody is sent for a while.
      this.#failedOn = null
      this.#phase = 'queued'
      upstream.admission.reenter(this)
    }
    upstream.admission.release(ticket)
  }

  onStarted(): void {
    this.#expectHead()
  }

  /** The next thing that must happen is more of the upload, or the response's head. */
  #expectHead(): void {
    const { timeouts } = this.#upstream as Upstream
    const ms = this.#upload.delivering ? timeouts.bodyMs : timeouts.headersMs
    this.deadline = this.#context.deadlines.after(ms)
  }

  onFailed(outcome: Outcome, error: Error): void {
    const { endpoint, reused } = this.#attempt as Attempt
    this.#attempt = null
    this.#context.recorder.attemptFailed(this, outcome, error)
    this.#attemptEnded(outcome, endpoint as Endpoint, reused)
  }

  /** Tries again where that is allowed, at the head of the queue; else it is over. */
  #attemptEnded(outcome: Outcome, endpoint: Endpoint, reused: boolean): void {
    if (this.#phase !== 'attempting' || !this.#mayRetry(outcome, reused, endpoint))
      return this.#breakOff(outcome)
    this.#tryAgain(endpoint)
  }

  #mayRetry(outcome: Outcome, free: boolean, endpoint: Endpoint): boolean {
    const upstream = this.#upstream as Upstream
    if (upstream.down) return false
    const now = free ? null : this.#context.deadlines.seenAt
    return upstream.mayRetry(outcome, this.head.method, this.attempts, this.#upload, now, endpoint)
  }

  #tryAgain(endpoint: Endpoint): void {
    const upstream = this.#upstream as Upstream
    this.#failedOn = endpoint
    this.#phase = 'queued'
    this.deadline = this.#context.deadlines.after(upstream.queueTimeoutMs)
    upstream.admission.reenter(this)
  }

  // ---- 7 stream ----

  onHead(status: number, rawHeaders: readonly Buffer[], interim: string): void {
    const { retries } = this.#upstream as Upstream
    if (retries.on.length > 0 && retries.on.includes(status)) {
      const endpoint = this.#attempt?.endpoint as Endpoint
      if (this.#mayRetry(outcomes.retriedStatus, false, endpoint)) {
        this.#letGo()
        return this.#tryAgain(endpoint)
      }
    }
    this.#phase = 'streaming'
    this.status = status
    this.#progress()
    this.#block.read(this.withOwnCookie(rawHeaders), status, interim)
    if (this.#block.malformed || this.#block.length > headBytesMax)
      return this.#breakOff(outcomes.badResponse)
    const { method, bindingCloses } = this.head
    const res = this.#res as HttpResponse
    this.#response.begin(res, status, this.#block, method === 'HEAD', this.#mustClose, bindingCloses)
  }

  onChunk(chunk: Buffer): boolean {
    this.#progress()
    return this.#response.complete || this.#response.write(chunk)
  }

  onEnd(): void {
    this.#attempt = null
    if (this.#response.complete) return
    this.#progress()
    this.#response.end()
  }

  #drained(): void {
    this.#progress()
    this.#attempt?.resume()
  }

  #responseComplete(): void {
    const attempt = this.#attempt
    this.#res = null
    this.#attempt = null
    this.#finish(outcomes.completed)
    attempt?.leave(this.#block.suspect)
  }

  #progress(): void {
    if (this.#phase === 'streaming' || this.#phase === 'reading') {
      this.deadline = this.#context.deadlines.after((this.#upstream as Upstream).timeouts.bodyMs)
    } else if (this.#phase === 'attempting' && this.#attempt?.started) {
      this.#expectHead()
    }
  }

  // ---- time, and clients that go ----

  expire(): void {
    switch (this.#phase) {
      case 'queued':
        return this.#refuse(this.#upstream?.down ? outcomes.noHealthyEndpoint : outcomes.queueTimeout)
      case 'attempting':
        return this.#attemptExpired()
      case 'streaming':
        return this.#breakOff(this.#response.blocked ? outcomes.clientStalled : outcomes.bodyTimeout)
      case 'reading':
        return this.#refuse(outcomes.clientStalled)
      case 'idle':
        this.deadline = Number.NaN
    }
  }

  expireTotally(): void {
    this.#breakOff(outcomes.routeTimeout)
  }

  #attemptExpired(): void {
    const attempt = this.#attempt as Attempt
    const { endpoint, started } = attempt
    if (started && this.#upload.awaitsClient) return this.#breakOff(outcomes.clientStalled)
    const outcome = started ? outcomes.headersTimeout : outcomes.connectTimeout
    attempt.overdue = true
    attempt.blame(outcome)
    this.#letGo()
    this.#attemptEnded(outcome, endpoint as Endpoint, false)
  }

  rearm(): void {
    const fast = this.#pace.look(this.#upload, this.#response, this.#context.limits.minRate)
    if (!fast) return this.#breakOff(outcomes.clientStalled)
    if (this.#phase === 'streaming' || this.#upload.coming) this.#upload.rearm(this.#res)
  }

  get stalled(): boolean {
    return this.#response.blocked && this.#upload.disturbed
  }

  nudge(): void {
    this.#upload.nudge(this.#response)
  }

  /** The upstream has lost its last endpoint: what waits for it need not wait on. */
  refuseIfWaitingFor(upstream: Upstream): void {
    if (this.#phase === 'queued' && this.#upstream === upstream) this.#refuse(outcomes.noHealthyEndpoint)
  }

  /** Ends it now, for reasons of the worker's. */
  cutOff(outcome: Outcome): void {
    this.#breakOff(outcome)
  }

  #clientGone(): void {
    // `close` runs this from inside `#breakOff`, which has recorded what really happened.
    if (this.#res === null) return
    this.#res = null
    this.#upload.gone()
    this.#finish(outcomes.clientAborted)
  }

  // ---- 8 record ----

  /** The connection closes behind the answer. While an upload comes it would have no timer (native-notes/02-fixed-timers.md). */
  get #mustClose(): boolean {
    return this.head.endsConnection || this.#context.draining || this.#upload.coming
  }

  /** Ends with an answer of Weir's own. The response's head must not have been written. */
  #refuse(outcome: Outcome): void {
    this.#letGo()
    const res = this.#res as HttpResponse
    this.status = outcome.status
    this.#upload.detach(true)
    this.#res = null
    const { method, accept, bindingCloses: itself } = this.head
    answer(res, outcome, method, accept, outcome.closes || this.#mustClose, itself, this.answerFields)
    this.#finish(outcome)
  }

  /** Ends in failure: with an answer if none has begun, else by closing, so that the client sees it end early. */
  #breakOff(outcome: Outcome): void {
    if (!this.#response.headWritten)
      return this.#refuse(outcome.status === 0 ? outcomes.endpointReset : outcome)
    const res = this.#res as HttpResponse
    this.#letGo()
    this.#upload.detach(false)
    this.#res = null
    this.#finish(outcome)
    res.close()
  }

  /** The attempt, if there is one, goes on without an exchange until undici has ended it. A waiting ticket dies. */
  #letGo(): void {
    const attempt = this.#attempt
    const ticket = this.#ticket
    this.#attempt = null
    this.#ticket = null
    if (ticket !== null) (this.#upstream as Upstream).admission.abandon(ticket)
    attempt?.cancel()
  }

  #finish(outcome: Outcome): void {
    this.#letGo()
    this.#context.recorder.end(this, outcome)
    this.#context.deadlines.remove(this)
    // Not used again while the native layer may call it back: the rest of one body must not become another's.
    const reusable = !this.#upload.coming
    this.#reset()
    if (!reusable) return
    this.#upload.reset()
    this.#context.spareExchanges.push(this)
  }

  #reset(): void {
    this.totalDeadline = Number.NaN
    this.deadline = Number.NaN
    this.resetAccount()
    this.#response.reset()
    this.#pace.reset()
    this.#phase = 'idle'
    this.#res = null
    this.#upstream = null
    this.#failedOn = null
  }
}
