/**
 * Smooth weighted round-robin, the algorithm that nginx made known: at every pick each endpoint gains its weight, the
 * highest wins and pays the sum of all weights. Weights 5, 1, 1 give a a b a c a a, never five in a row. O(n) in the
 * number of endpoints, without multiplication or memory of the past beyond one integer each.
 *
 * Invariant: the credits sum to 0 after every pick that passed nobody over.
 */
import type { Balancer, Candidate, RandomSource } from './policy.ts'

export class RoundRobin<C extends Candidate> implements Balancer<C> {
  readonly #random: RandomSource
  #endpoints: readonly C[] = []
  #credits: number[] = []

  constructor(random: RandomSource) {
    this.#random = random
  }

  rebuild(available: readonly C[]): void {
    this.#endpoints = available
    this.#credits = available.map(() => 0)
    // Several workers (or balancers) must not all begin with the first endpoint.
    const turns = Math.floor(this.#random() * available.length)
    for (let turn = 0; turn < turns; turn++) this.#take(null, true)
  }

  pick(except: C | null): C | null {
    return this.#take(except, false)
  }

  #take(except: C | null, evenFull: boolean): C | null {
    const endpoints = this.#endpoints
    const credits = this.#credits
    let total = 0
    let best = -1
    for (let index = 0; index < endpoints.length; index++) {
      const endpoint = endpoints[index] as C
      if (endpoint === except || !(endpoint.free || evenFull)) continue
      total += endpoint.weight
      const credit = (credits[index] as number) + endpoint.weight
      credits[index] = credit
      if (best === -1 || credit > (credits[best] as number)) best = index
    }
    if (best === -1) return null
    credits[best] = (credits[best] as number) - total
    return endpoints[best] as C
  }
}
