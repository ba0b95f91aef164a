/**
 * Hedging of one upstream: a request whose answer has not begun after the time in which nearly all answers do (a
 * percentile that is learned here) is sent once more, to another endpoint. Whichever answers first, answers; the
 * other is cancelled. As in "The Tail at Scale" (Dean, Barroso, CACM 2013), Finagle's BackupRequestFilter and gRPC's
 * hedging (A6).
 *
 *      first attempt ────────────────────────────────────────► head          5 % of requests, with 95
 *            │ watch        │ due: `afterMs` later      ▲ cancelled
 *            │              └─► hedge ──► head ─────────┘ wins
 *            └─► head before it is due                                       the other 95 %
 *
 * Which requests: a request's first attempt only, whose method is idempotent (or safe: `methods`), and whose body is
 * none or whole in memory. It is hedged once at most, and only
 *   - to another endpoint that is in turn and has room,
 *   - in a free place of the admission queue while nobody waits for one: a hedge must not hold up who comes first,
 *   - within the retry budget, so that when everything is slow the load grows by the budget's share, and not twofold.
 * Where one of these is wanting, the hedge is withheld, for good: the next request has its own.
 *
 * What becomes of the two stands in hedge.ts; this says who is due, and when.
 *
 * What is learned: the time from the queue to the head of a request's first attempt. That of hedges is not, since
 * they are cut short by the first attempt's answer, nor that of answers from 500 on. A first attempt that ends
 * without a head counts only where it had taken longer than `afterMs` by then: that it lies above is then certain,
 * and all that a percentile wants to know. Without those, hedging would cut off the very tail that it goes by, and
 * with every hedge bring the next one forward.
 *
 * Time: `deadlines.ts` ticks every 50 ms, which is too coarse. All that wait have the same time to wait, so the line
 * in which they stand is in the order in which they are due, even when that time changes; one timer waits for its
 * head, and goes off once in a millisecond at most, however many there are. A request that is answered just leaves
 * the line. The timer looks at it after the sockets have been read (setImmediate): if the worker itself was late, the
 * answers are there.
 *
 * Invariants
 *   - a request is in the line from `watch` until it is due or `ended`, whichever is first.
 *   - `timer` runs only while it has something to wait for, or has had since it was set.
 *   - nothing is allocated per request; per timer there is.
 */
import type { HedgingStats } from '../../plan/messages.ts'
import { idempotentMethods, safeMethods } from '../../plan/outcome.ts'
import type { HedgingPlan } from '../../plan/upstream-plan.ts'
import type { Clock } from '../balance/policy.ts'
import { type InLine, Line } from '../line.ts'
import { StreamingPercentile } from './streaming-percentile.ts'

/** A request whose first attempt is under way. `line`, `previous`, `next` and `since` are written here only. */
export interface Hedgeable extends InLine<Hedgeable> {
  /** It is due, and no longer in the line. */
  hedge(): void
}

export class Hedging {
  /** Since the worker started, or hedging was turned on. `withheld`: due, but for lack of room or budget not sent. */
  readonly counts = { sent: 0, won: 0, withheld: 0 }
  #plan: HedgingPlan
  readonly #clock: Clock
  readonly #percentile: StreamingPercentile
  readonly #line = new Line<Hedgeable>()
  #methods: ReadonlySet<string> = idempotentMethods
  #timer: NodeJS.Timeout | null = null
  readonly #read = (): void => void setImmediate(this.#due)
  readonly #due = (): void => {
    // Stopped meanwhile.
    if (this.#timer !== null) this.look()
  }

  constructor(plan: HedgingPlan, clock: Clock) {
    this.#plan = plan
    this.#clock = clock
    this.#percentile = new StreamingPercentile(plan.share)
    this.configure(plan)
  }

  /** New settings from a reload. What has been learned stays. */
  configure(plan: HedgingPlan): void {
    this.#plan = plan
    this.#percentile.share = plan.share
    this.#methods = plan.methods === 'safe' ? safeMethods : idempotentMethods
  }

  /** No timer goes off any more, unless there are further requests. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** How long a head may be awaited, in milliseconds; NaN until enough is known. */
  get afterMs(): number {
    const { minMs, maxMs } = this.#plan
    const afterMs = Math.max(minMs, this.#percentile.valueMs)
    return maxMs > 0 ? Math.min(afterMs, maxMs) : afterMs
  }

  /** Requests whose head is awaited, and that are not due. */
  get waiting(): number {
    return this.#line.size
  }

  stats(): HedgingStats {
    const { afterMs } = this
    return { afterMs: Number.isNaN(afterMs) ? null : afterMs, ...this.counts }
  }

  takes(method: string): boolean {
    return this.#methods.has(method)
  }

  /** Its first attempt begins. */
  watch(request: Hedgeable): void {
    request.since = this.#clock()
    this.#line.push(request)
    if (this.#timer === null) this.#wait(request.since)
  }

  /**
   * Its first attempt is through as far as its head, or has ended without one. No harm in saying so again.
   * @param status 0: no head
   */
  ended(request: Hedgeable, status: number): void {
    if (request.line !== null) this.#line.remove(request)
    if (Number.isNaN(request.since)) return
    const now = this.#clock()
    const ms = now - request.since
    request.since = Number.NaN
    const isKnown = status === 0 ? ms > this.afterMs : status < 500
    if (isKnown) this.#percentile.add(ms, now)
  }

  /** Hedges what is due. Comes by itself. */
  look(): void {
    this.stop()
    const now = this.#clock()
    const afterMs = this.afterMs
    try {
      for (let first = this.#line.first; first !== null; first = this.#line.first) {
        if (!(now - first.since >= afterMs)) break
        this.#line.remove(first)
        first.hedge()
      }
    } finally {
      // A defect in one of them must not keep the others waiting.
      this.#wait(now)
    }
  }

  /** For the one that is due next. */
  #wait(now: number): void {
    const first = this.#line.first
    const ms = first === null ? Number.NaN : first.since + this.afterMs - now
    if (Number.isNaN(ms)) return
    this.#timer = setTimeout(this.#read, Math.max(1, Math.ceil(ms))).unref()
  }
}
