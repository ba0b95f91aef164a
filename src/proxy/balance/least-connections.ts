/**
 * Least connections, weighted: the endpoint with the fewest requests in flight per unit of weight. Where several are
 * equal the turn goes round, so that an idle group shares evenly instead of always waking its first member.
 */
import type { Balancer, Candidate } from './policy.ts'

export class LeastConnections<C extends Candidate> implements Balancer<C> {
  #endpoints: readonly C[] = []
  /** Where the search begins: one behind the last pick. */
  #start = 0

  rebuild(available: readonly C[]): void {
    this.#endpoints = available
    this.#start = 0
  }

  pick(except: C | null): C | null {
    const endpoints = this.#endpoints
    const count = endpoints.length
    let best = -1
    for (let step = 0; step < count; step++) {
      const index = (this.#start + step) % count
      const endpoint = endpoints[index] as C
      if (endpoint === except || !endpoint.free) continue
      if (best === -1 || lighter(endpoint, endpoints[best] as C)) best = index
    }
    if (best === -1) return null
    this.#start = (best + 1) % count
    return endpoints[best] as C
  }
}

/** a.inFlight / a.weight < b.inFlight / b.weight, in whole numbers. */
export function lighter(a: Candidate, b: Candidate): boolean {
  return a.inFlight * b.weight < b.inFlight * a.weight
}
