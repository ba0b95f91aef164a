/**
 * Decides whether a cache miss is worth storing. Storing costs more than missing again, so traffic that never repeats must pay for few
 * stores: after each store the number of misses that are skipped doubles, from 8 to 1,024, and any hit sets it back to 8.
 *
 * How many are skipped is drawn, from none to twice as many: a client that could count its misses could see to it that what it compares with
 * is never replaced (known-fields.ts).
 */
import type { RandomSource } from '../balance/policy.ts'

const leastPause = 8
const mostPause = 1_024

export class Curiosity {
  readonly #leastPause: number
  readonly #mostPause: number
  readonly #random: RandomSource
  /** Misses still to be skipped. */
  #left = 0
  /** On average. */
  #pause: number

  constructor(least = leastPause, most = mostPause, random: RandomSource = Math.random) {
    this.#leastPause = least
    this.#mostPause = most
    this.#pause = least
    this.#random = random
  }

  /** A hit. */
  recognised(): void {
    this.#pause = this.#leastPause
  }

  /** A miss. @returns whether to store it */
  asks(): boolean {
    if (this.#left > 0) {
      this.#left--
      return false
    }
    this.#left = Math.floor(this.#random() * (2 * this.#pause - 1))
    this.#pause = Math.min(2 * this.#pause, this.#mostPause)
    return true
  }
}
