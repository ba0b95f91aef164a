/** Random, weighted: each free endpoint with a chance in proportion to its weight. Keeps no state at all. */
import type { Balancer, Candidate, RandomSource } from './policy.ts'
import { draw, drawableWeight } from './weighted-draw.ts'

export class Random<C extends Candidate> implements Balancer<C> {
  readonly #random: RandomSource
  #endpoints: readonly C[] = []

  constructor(random: RandomSource) {
    this.#random = random
  }

  rebuild(available: readonly C[]): void {
    this.#endpoints = available
  }

  pick(except: C | null): C | null {
    const endpoints = this.#endpoints
    const total = drawableWeight(endpoints, except)
    if (total === 0) return null
    return endpoints[draw(endpoints, except, -1, this.#random() * total)] as C
  }
}
