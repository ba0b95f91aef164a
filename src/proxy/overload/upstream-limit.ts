/**
 * The limit on what an upstream gets at once, beside what its connections take: none, a fixed one, or one that is learned. It
 * hears how attempts ended and says when the limit has moved; the upstream turns that into the queue's concurrency.
 *
 * Invariant: a reload that leaves `concurrency` adaptive keeps what has been learned.
 */
import type { ConcurrencyPlan } from '../../plan/upstream-plan.ts'
import { GradientLimit, type Heard } from './gradient-limit.ts'

/** Between two lines of log about one upstream, at least. */
const quietMs = 10_000

export class UpstreamLimit {
  #fixed = Number.POSITIVE_INFINITY
  #learned: GradientLimit | null = null
  #toldLimit = Number.NaN
  #toldAt = Number.NEGATIVE_INFINITY

  /** @param plan undefined: no limit */
  configure(plan: ConcurrencyPlan | undefined): void {
    if (typeof plan === 'object') {
      if (this.#learned === null) this.#learned = new GradientLimit(plan)
      else this.#learned.configure(plan)
      this.#toldLimit = this.#learned.limit
      return
    }
    this.#learned = null
    this.#fixed = plan ?? Number.POSITIVE_INFINITY
  }

  /** Requests that may be in flight, 1 or more; Infinity: any number. */
  get places(): number {
    return this.#learned === null ? this.#fixed : this.#learned.limit
  }

  /** It wants to hear how attempts end. */
  get learns(): boolean {
    return this.#learned !== null
  }

  /** The latency that it takes for one without a queue, in milliseconds; NaN: not known, or not learned. */
  get baseMs(): number {
    return this.#learned === null ? Number.NaN : this.#learned.baseMs
  }

  /**
   * An attempt is through as far as its head.
   * @param leftAt when it left for its endpoint, which is after the queue: milliseconds, monotonic, as `now`
   * @param ms how long it was away, without this process's own part in it
   * @param inFlight how many were in flight until now, itself included
   * @returns whether the limit has moved
   */
  ended(verdict: Heard, leftAt: number, ms: number, now: number, inFlight: number): boolean {
    const learned = this.#learned
    if (learned === null) return false
    return verdict === 'success' ? learned.success(leftAt, ms, now, inFlight) : learned.drop(leftAt, now)
  }

  /** Whether somebody reading a log should hear of it: it has doubled or halved since the last time, which is a while ago. */
  worthTelling(now: number): boolean {
    const ratio = this.places / this.#toldLimit
    if ((ratio < 2 && ratio > 0.5) || now - this.#toldAt < quietMs) return false
    this.#toldLimit = this.places
    this.#toldAt = now
    return true
  }
}
