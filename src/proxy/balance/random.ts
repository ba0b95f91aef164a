/** Random, weighted: each free endpoint with a chance in proportion to its weight. Keeps no state at all. */
import type { Balancer, Candidate, RandomSource } from './policy.ts'

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
    let total = 0
    for (const endpoint of endpoints) {
      if (endpoint !== except && endpoint.free) total += endpoint.weight
    }
    if (total === 0) return null
    let remaining = this.#random() * total
    let last: C | null = null
    for (const endpoint of endpoints) {
      if (endpoint === except || !endpoint.free) continue
      last = endpoint
      remaining -= endpoint.weight
      if (remaining < 0) return endpoint
    }
    // Only rounding leads here: random() * total came out as total.
    return last
  }
}
