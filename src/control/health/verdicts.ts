/**
 * From single verdicts to a state: an endpoint is taken out after so many failures in a row, and comes back after
 * so many successes in a row. Pure; `checker.ts` brings the time.
 *
 * Invariants:
 * - `healthy` changes in one place, `observe`, and only there (as in Pingora's `Health::observe_health`).
 * - `streak` counts the last verdicts that say the same; 0 only before the first.
 */
export interface Thresholds {
  /** Consecutive failures that take an endpoint out, 1 or more. */
  readonly unhealthyAfter: number
  /** Consecutive successes that bring it back, 1 or more. */
  readonly healthyAfter: number
}

export class EndpointHealth {
  #healthy = true
  #last = true
  #streak = 0

  /** Healthy until proven otherwise, so that a start or a reload takes nobody out. */
  get healthy(): boolean {
    return this.#healthy
  }

  /** How many verdicts in a row, up to the last, have said the same. */
  get streak(): number {
    return this.#streak
  }

  /** The last verdict contradicts the state: a failure seen but not yet out, or a success seen but not yet back. */
  get changing(): boolean {
    return this.#last !== this.#healthy
  }

  /**
   * Takes in one verdict and says whether the state changed by it. The thresholds come with each call, since a
   * reload may change them; a streak that is already longer than a lowered threshold counts at the next verdict.
   */
  observe(passed: boolean, thresholds: Thresholds): boolean {
    this.#streak = passed === this.#last ? this.#streak + 1 : 1
    this.#last = passed
    const needed = passed ? thresholds.healthyAfter : thresholds.unhealthyAfter
    if (passed === this.#healthy || this.#streak < needed) return false
    this.#healthy = passed
    return true
  }
}
