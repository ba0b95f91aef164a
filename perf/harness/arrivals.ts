import { randomFrom } from './random.ts'

/**
 * When requests are due that come from many clients who do not know of each other: a Poisson process, exponential gaps. The same
 * seed gives the same times.
 */
export class Arrivals {
  /** The next one, in milliseconds from the beginning. */
  dueMs = 0
  readonly #random: () => number
  readonly #gapMs: number

  /** @param perSecond above 0 */
  constructor(perSecond: number, seed: number) {
    this.#random = randomFrom(seed)
    this.#gapMs = 1000 / perSecond
    this.advance()
  }

  advance(): void {
    this.dueMs -= Math.log(1 - this.#random()) * this.#gapMs
  }
}

/** How many are due from one time on and before another, in milliseconds. */
export function countArrivals(perSecond: number, seed: number, fromMs: number, toMs: number): number {
  let count = 0
  for (const arrivals = new Arrivals(perSecond, seed); arrivals.dueMs < toMs; arrivals.advance()) {
    if (arrivals.dueMs >= fromMs) count++
  }
  return count
}
