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

/** mulberry32: 0 or more, below 1. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
