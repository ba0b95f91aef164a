import type { TestContext } from 'node:test'
import { seedOf } from './seed.ts'

/** Random numbers that can be had again: see seed.ts. */
export class Dice {
  #state: number

  constructor(t: TestContext) {
    this.#state = seedOf(t)
  }

  /** A whole number from 0 to n - 1. */
  below(n: number): number {
    this.#state = (Math.imul(this.#state, 1_103_515_245) + 12_345) >>> 0
    return (this.#state >>> 8) % n
  }
}
