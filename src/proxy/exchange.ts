/**
 * One request and its response: the object that the life of a request runs through. Pooled; everything it needs per
 * request hangs on it, and its callbacks are bound once.
 *
 *     idle ──► reading ──► trying ──► streaming ──► (idle)
 *                │           │           │
 *                └───────────┴───────────┴──► #finish, exactly once, under one outcome
 *
 *   idle        it is in the pool, or its answer, for which no endpoint is asked, is given or leaves in a turn (`#answerUnread`)
 *   reading     the first chunk of the request's body is awaited (a request without body skips this)
 *   trying      it waits for its turn in the upstream's queue, or for an attempt's answer (tries.ts)
 *   streaming   the response's head is here; its body goes to the client
 *
 * Invariants
 *   - `#res` is null once the native response may not be touched any more, or somebody else owns it (closing.ts keeps it until the connection is
 *     closed).
 *   - every path ends in `#finish`: recorded once, nothing under way for it any more, out of the list of deadlines; back in the pool unless
 *     its upload is still coming.
 */

import type { HttpRequest, HttpResponse } from '../native/uws.ts'
import { type Outcome, outcomes } from '../plan/outcome.ts'
import { Account } from './account.ts'
import { ResponseBody } from './body/response-body.ts'
import { Upload } from './body/upload.ts'
import { clientAddress } from './client-address.ts'
import { ClientPace } from './client-pace.ts'
import type { DataPlaneContext } from './context.ts'
import type { Timed } from './deadlines.ts'
import { sendInterim } from './headers/interim.ts'
import { ResponseBlock, type ResponseFields } from './headers/response-block.ts'
import { answer, lastHopReply, type Reply, refuseAtOnce, writeContinue } from './reply.ts'
import { mayGather } from './retry.ts'
import { type Route, upstreamOf } from './router.ts'
import { type Tried, Tries } from './tries.ts'
import type { Upstream } from './upstream.ts'

const ignore = (): void => {}

type Phase = 'idle' | 'reading' | 'trying' | 'streaming'

export class Exchange extends Account implements Tried, Timed {
  slot = -1
  deadline = Number.NaN
  totalDeadline = Number.NaN
  readonly #response: ResponseBody
  readonly #block = new ResponseBlock()
  readonly #pace = new ClientPace()
  readonly #context: DataPlaneContext
  readonly #spare: Exchange[]
  #phase: Phase = 'idle'
  #res: HttpResponse | null = null
  #upstream: Upstream | null = null
  readonly #upload = new Upload(
    () => this.#progress(),
    (outcome) => this.#breakOff(outcome),
  )
  readonly #tries: Tries

  readonly #onAborted = (): void => this.#clientGone()
  readonly #onFirstBytes = (): void => this.#try()
  readonly #refuseFaulty = (): void => {
    // The client may have gone meanwhile.
    if (this.#res !== null && this.head.fault !== null) this.#refuse(this.head.verdict)
  }

  /** @param spare where it goes when it has ended */
  constructor(context: DataPlaneContext, spare: Exchange[]) {
    super()
    this.#context = context
    this.#spare = spare
    this.#tries = new Tries(context, this, this.#upload)
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

  /** Takes a request. Must be called inside the native handler. `path` is the cleaned one, null if there is none. */
  begin(res: HttpResponse, request: HttpRequest, route: Route | null, path: string | null): void {
    res.onAborted(this.#onAborted)
    this.#res = res
    this.#context.deadlines.add(this)
    this.startedAt = this.#context.recorder.begin()
    this.head.read(request, path, route?.cleaned === true, this.#context.limits)
    this.address = clientAddress(res, this.head.listener)
    if (this.head.fault !== null) {
      // Not ended inside the handler: the binding would read on, and take what stands behind this request for another one.
      // While an answer is outstanding it closes the connection on a second request instead, and the answer is lost.
      if (this.head.endInDoubt) return this.#refuseAtOnce()
      // Whoever waits for 100 (Continue) does not send it now.
      if (this.head.hasBody && !this.head.awaitsContinue) this.#upload.begin(res, ignore)
      setImmediate(this.#refuseFaulty)
      return
    }
    if (route === null) return this.#answerUnread(outcomes.noRoute, null)
    const refusal = route.guard?.refuses(this, this.#context.forwarding.trusted) ?? null
    if (refusal !== null) return this.#answerUnread(refusal, null)
    const reply = route.reply ?? (this.head.isLastHop ? lastHopReply(this.head.method) : null)
    if (reply !== null) return this.#answerUnread(outcomes.responded, reply)
    this.#upstream = upstreamOf(route, this.head.headers)
    this.upstreamName = this.#upstream.name
    this.totalDeadline = this.#context.deadlines.after(route.timeoutMs)
    if (route.priorityOf != null) this.priority = route.priorityOf(this.head.headers)
    this.#context.forwarding.apply(this.head, this.address, this.head.listener.scheme)
    if (!this.head.hasBody) {
      route.mirror?.copy(this, this.#context)
      return this.#try()
    }
    // A body that is not there yet holds no place upstream: the request queues when its first bytes have come.
    this.#phase = 'reading'
    this.deadline = this.#context.deadlines.after(this.#upstream.timeouts.bodyMs)
    if (this.head.awaitsContinue) {
      this.#block.behindInterim = true
      writeContinue(res)
    }
    const { method, contentLength } = this.head
    const wholeBytes = mayGather(method, contentLength, this.#upstream.retries) ? contentLength : 0
    this.#upload.begin(res, this.#onFirstBytes, this.#context.limits.bodyBytes, wholeBytes)
  }

  /**
   * Answers without a look at the body. Where the connection closes behind the answer, what of the body is still to come has to be known, and
   * is when the loop has turned: what came in the same packet has been handed over by then.
   */
  #answerUnread(outcome: Outcome, reply: Reply | null): void {
    const res = this.#res as HttpResponse
    const { hasBody, awaitsContinue } = this.head
    if (!hasBody || awaitsContinue || !this.#mustClose()) return this.#answerNow(outcome, reply)
    this.#upload.begin(res, ignore)
    setImmediate(() => {
      // The client may have gone meanwhile, and this be another's.
      if (this.#res === res) res.cork(() => this.#answerNow(outcome, reply))
    })
  }

  #answerNow(outcome: Outcome, reply: Reply | null): void {
    if (reply === null) return this.#refuse(outcome)
    const upload = this.#upload.detach(true)
    const { method, bindingCloses } = this.head
    this.status = reply.status
    reply.send(this.#res as HttpResponse, method, this.#mustClose(), bindingCloses, upload)
    this.#res = null
    this.#finish(outcome)
  }

  // ---- 4 admit, 5 pick, 6 attempt: tries.ts ----

  #try(): void {
    this.#phase = 'trying'
    this.#tries.begin(this.#upstream as Upstream)
  }

  understands(fields: ResponseFields, interim: string): boolean {
    this.#block.read(fields, interim)
    if (this.setCookie !== null) this.#block.add('set-cookie', this.setCookie)
    const { fault } = this.#block
    if (fault !== '') this.reason = fault
    return fault === ''
  }

  onOver(outcome: Outcome): void {
    this.#breakOff(outcome)
  }

  // ---- 7 stream ----

  onInterim(interim: string): boolean {
    const res = this.#res
    if (res === null) return false
    sendInterim(res, interim, this.#block.behindInterim)
    this.#block.behindInterim = true
    return true
  }

  onHead(status: number, fields: ResponseFields, interim: string): void {
    this.#phase = 'streaming'
    this.status = status
    this.#progress()
    if (!this.understands(fields, interim)) return this.#breakOff(outcomes.badResponse)
    const { method, bindingCloses } = this.head
    const res = this.#res as HttpResponse
    this.#response.begin(res, status, this.#block, method === 'HEAD', this.#mustClose(), bindingCloses)
  }

  onChunk(chunk: Buffer): boolean {
    this.#progress()
    const room = this.#response.complete || this.#response.write(chunk)
    this.#keepPaused()
    return room
  }

  onEnd(): void {
    if (this.#response.complete) return
    this.#progress()
    this.#response.end()
    if (this.#response.blocked) this.#keepPaused()
  }

  /**
   * A write that the client does not take makes the binding poll for reading again, which lifts the upload's pause
   * (native-notes/05-pause-and-resume.md). Of writes through the cork buffer it does not report that: so pause again after every write.
   */
  #keepPaused(): void {
    this.#upload.rearm(null)
  }

  #drained(): void {
    this.#progress()
    this.#tries.resume()
  }

  #responseComplete(): void {
    const attempt = this.#tries.takeAttempt()
    this.#res = null
    this.#finish(outcomes.completed)
    attempt?.detach()
  }

  #progress(): void {
    if (this.#phase === 'streaming' || this.#phase === 'reading') {
      this.deadline = this.#context.deadlines.after((this.#upstream as Upstream).timeouts.bodyMs)
    } else if (this.#phase === 'trying') {
      this.#tries.progress()
    }
  }

  // ---- time, and clients that go ----

  expire(): void {
    switch (this.#phase) {
      case 'trying':
        return this.#tries.expire()
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
    if (this.#tries.isQueued && this.#upstream === upstream) this.#refuse(outcomes.noHealthyEndpoint)
  }

  /** Ends it now, for reasons of the worker's. */
  cutOff(outcome: Outcome): void {
    this.#breakOff(outcome)
  }

  #clientGone(): void {
    // `close` runs this from inside `#breakOff`, which has recorded what really happened.
    if (this.#res === null) return
    this.#res = null
    // Its head may be here, and nothing of it gone out.
    if (!this.#response.headWritten) this.status = 0
    this.#upload.gone()
    this.#finish(outcomes.clientAborted)
  }

  // ---- 8 record ----

  /** The connection closes behind the answer. While an upload comes it would have no timer (native-notes/02-fixed-timers.md). */
  #mustClose(): boolean {
    return this.head.endsConnection || this.#context.draining || this.#upload.coming
  }

  /** Ends with an answer of Weir's own. The response's head must not have been written. */
  #refuse(outcome: Outcome): void {
    this.#tries.letGo()
    const res = this.#res as HttpResponse
    this.status = outcome.status
    const upload = this.#upload.detach(true)
    this.#res = null
    const { method, accept, bindingCloses } = this.head
    const closes = outcome.closes || this.#mustClose()
    answer(res, outcome, method, accept, closes, {
      bindingCloses,
      fields: this.answerFields,
      behindInterim: this.#block.behindInterim,
      upload,
    })
    this.#finish(outcome)
  }

  /** The same for a request whose end is in doubt. */
  #refuseAtOnce(): void {
    const { verdict, accept } = this.head
    this.status = verdict.status
    refuseAtOnce(this.#res as HttpResponse, verdict, accept)
    this.#res = null
    this.#finish(verdict)
  }

  /** Ends in failure: with an answer if none has begun, else by closing, so that the client sees it end early. */
  #breakOff(outcome: Outcome): void {
    if (!this.#response.headWritten)
      return this.#refuse(outcome.status === 0 ? outcomes.endpointReset : outcome)
    const res = this.#res as HttpResponse
    this.#tries.letGo()
    this.#upload.detach(false)
    this.#res = null
    this.#finish(outcome)
    res.close()
  }

  #finish(outcome: Outcome): void {
    this.#tries.letGo()
    this.#context.recorder.end(this, outcome, this.#upstream?.requests)
    this.#context.deadlines.remove(this)
    // Not used again while the native layer may call it back: the rest of one body must not become another's.
    const reusable = !this.#upload.coming
    this.#reset()
    if (!reusable) return
    this.#upload.reset()
    this.#spare.push(this)
  }

  #reset(): void {
    this.totalDeadline = Number.NaN
    this.deadline = Number.NaN
    this.resetAccount()
    this.#response.reset()
    this.#block.behindInterim = false
    this.#pace.reset()
    this.#tries.reset()
    this.#phase = 'idle'
    this.#res = null
    this.#upstream = null
  }
}
