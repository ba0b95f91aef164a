/**
 * A share of a route's requests, copied to another upstream, whose answers are read and dropped. The original must not notice: a copy is
 * made only if the other upstream has a free place at once (it never waits, and is never tried again), its failures are counted and
 * nothing else, and nothing waits for it. Requests with a body are not copied, since a body is streamed once.
 *
 * Invariant: a copy that was sent ends once, in `onEnd`, `onFailed` or when its time is over.
 */
import type { Outcome } from '../plan/outcome.ts'
import type { Applicant, Ticket } from './admission.ts'
import { type Attempt, type AttemptContext, takeAttempt } from './attempt.ts'
import type { AttemptListener } from './attempt-listener.ts'
import type { Balanced, RandomSource } from './balance/policy.ts'
import type { Outgoing } from './undici-request.ts'
import type { Upstream } from './upstream.ts'

/** What is copied. */
export interface Original {
  readonly address: string
  readonly head: Outgoing & Balanced['head']
}

/** Where the time-outs of the upstream are 0: a copy that never ends would hold its place for nobody. */
const patienceMs = 60_000

export class Mirror {
  readonly #upstream: Upstream
  readonly #share: number
  readonly #random: RandomSource

  /** @param share 0 to 1 */
  constructor(upstream: Upstream, share: number, random: RandomSource) {
    this.#upstream = upstream
    this.#share = share
    this.#random = random
  }

  /** Copies the request, or not. It has no body, and its head is as it goes to the endpoint. */
  copy(original: Original, context: AttemptContext): void {
    if (this.#share < 1 && this.#random() >= this.#share) return
    const { admission, down, mirrored } = this.#upstream
    if (down || !admission.hasRoom) mirrored.dropped++
    else admission.enter(new Copy(original, this.#upstream, context))
  }
}

class Copy implements Applicant, AttemptListener, Balanced {
  readonly address: string
  readonly head: Original['head']
  readonly takesPlace = true
  setCookie: string | null = null
  readonly #upstream: Upstream
  readonly #context: AttemptContext
  #attempt: Attempt | null = null
  #headSeen = false
  #timer: NodeJS.Timeout | null = null
  readonly #expire = (): void => {
    const attempt = this.#attempt as Attempt
    this.#over()
    this.#upstream.mirrored.failed++
    // The upstream learns from it as from a client's request (Exchange).
    if (!this.#headSeen) attempt.expire()
    attempt.cancel()
  }

  constructor({ address, head }: Original, upstream: Upstream, context: AttemptContext) {
    const { method, target, host, headers, contentLength, listener } = head
    this.address = address
    // The original's are used again for another request.
    this.head = { method, target, host, headers: [...headers], contentLength, listener }
    this.#upstream = upstream
    this.#context = context
  }

  queued(): void {}

  /** Cannot come: it is admitted at once, or not entered. */
  shed(): void {
    this.#upstream.mirrored.dropped++
  }

  admitted(ticket: Ticket): void {
    const upstream = this.#upstream
    const endpoint = upstream.pick(null, this)
    if (endpoint === null) {
      upstream.mirrored.dropped++
      upstream.giveBack(ticket)
      return
    }
    upstream.mirrored.sent++
    const attempt = takeAttempt(this.#context)
    this.#attempt = attempt
    const { connectMs, headersMs } = upstream.timeouts
    this.#expect(connectMs === 0 ? 0 : connectMs + headersMs)
    attempt.begin(this, upstream, endpoint, ticket, this.head, null, false)
  }

  onStarted(): void {
    this.#expect(this.#upstream.timeouts.headersMs)
  }

  onInterim(): boolean {
    return true
  }

  onHead(): void {
    this.#headSeen = true
    this.#expect(this.#upstream.timeouts.bodyMs)
  }

  onChunk(): boolean {
    this.#timer?.refresh()
    return true
  }

  onEnd(): void {
    this.#over()
  }

  onFailed(_outcome: Outcome, _error: Error): void {
    this.#over()
    this.#upstream.mirrored.failed++
  }

  #expect(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#expire, ms || patienceMs).unref()
  }

  #over(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#attempt = null
  }
}
