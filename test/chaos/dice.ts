import type { TestContext } from 'node:test'

/** Random numbers that can be had again: the seed is printed, and WEIR_TEST_SEED sets it. */
export class Dice {
  #state: number

  constructor(t: TestContext) {
    const seed = Number(process.env.WEIR_TEST_SEED ?? 1 + (Date.now() % 1_000_000))
    t.diagnostic(`WEIR_TEST_SEED=${seed}`)
    this.#state = seed
  }

  /** A whole number from 0 to n - 1. */
  below(n: number): number {
    this.#state = (Math.imul(this.#state, 1_103_515_245) + 12_345) >>> 0
    return (this.#state >>> 8) % n
  }
}
