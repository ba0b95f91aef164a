/**
 * How many requests of an upstream may be sent a second time, after a failure or as a hedge: a share of the requests
 * of the last ten seconds, and some per second in any case. Without it an outage doubles the load on what is still
 * up, at the worst moment (the same idea, and the same defaults, as the retry budgets of Finagle and Envoy).
 *
 * A kept connection that turns out closed is no outage but the ordinary race of keep-alive (RFC 9112, section 9.3.1), and
 * a request that was not sent has cost nothing: neither is charged.
 *
 * The last ten seconds are two windows: the current one, and the part of the one before that has not yet slid out.
 *
 * Invariant: a retry is granted only while the retries of the last ten seconds, it included, are at most
 * max(minPerSecond x 10, share x requests of the last ten seconds), as this worker sees them.
 */
export const windowMs = 10_000

export class RetryBudget {
  /** Of the requests, 0 to 1. */
  share: number
  minPerSecond: number
  #startedAt = 0
  #requests = 0
  #retries = 0
  #earlierRequests = 0
  #earlierRetries = 0

  constructor(share: number, minPerSecond: number) {
    this.share = share
    this.minPerSecond = minPerSecond
  }

  /** A request has come. @param now milliseconds, monotonic */
  request(now: number): void {
    if (now - this.#startedAt >= windowMs) this.#slide(now)
    this.#requests++
  }

  /**
   * Asks for one retry, and takes it if there is one.
   * @param now milliseconds, monotonic
   */
  take(now: number): boolean {
    if (!this.has(now)) return false
    this.#retries++
    return true
  }

  /** Whether `take` would find one. */
  has(now: number): boolean {
    if (now - this.#startedAt >= windowMs) this.#slide(now)
    const left = 1 - (now - this.#startedAt) / windowMs
    const requests = this.#requests + left * this.#earlierRequests
    const retries = this.#retries + left * this.#earlierRetries
    const allowed = Math.max((this.minPerSecond * windowMs) / 1_000, this.share * requests)
    return retries + 1 <= allowed
  }

  #slide(now: number): void {
    const elapsed = now - this.#startedAt
    const recent = elapsed < 2 * windowMs
    this.#earlierRequests = recent ? this.#requests : 0
    this.#earlierRetries = recent ? this.#retries : 0
    this.#requests = 0
    this.#retries = 0
    this.#startedAt = recent ? this.#startedAt + windowMs : now
  }
}
