/**
 * Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam, SODA 2018; arXiv 1608.01350).
 *
 * Every endpoint has many points on a ring of 2^32, as in ketama; a key belongs to the first point at or behind its hash. When
 * one of n endpoints goes or comes, only its own keys move, about 1/n of all. An endpoint that has `loadFactor` times its share
 * of what is in flight (rounded up) is passed over, and the key goes on along the ring: always to the same next one.
 *
 * A key that a request does not have is drawn at random. The number in flight is this worker's own, so a key that is very
 * popular may be spread over fewer or more endpoints in another worker; whose it is while nobody is overloaded is the same in all.
 *
 * Invariants
 *   - `#points` is in ascending order, and `#owners` runs parallel to it: indices into `#endpoints`.
 *   - the ring depends on ids and weights only, not on the order of the list, the worker, or what was before.
 */
import type { HashPlan } from '../../plan/balance-plan.ts'
import { hashText } from './hash-text.ts'
import type { Balanced, Balancer, Candidate, RandomSource } from './policy.ts'
import { type KeyOf, keyOf } from './request-key.ts'

/** Points per unit of weight: shares vary by some 1 / sqrt(256), 6 %. */
const pointsPerWeight = 256
/** Of the whole ring, or one for each endpoint. Beyond it there are fewer per unit of weight. */
const pointsMax = 65_536
const ringSize = 2 ** 32

export class Hash<C extends Candidate> implements Balancer<C> {
  /** Keys would move with the weight, twenty times in a slow start. */
  readonly steady = true
  readonly #keyOf: KeyOf
  readonly #loadFactor: number
  readonly #random: RandomSource
  #endpoints: readonly C[] = []
  #weight = 0
  #points = new Uint32Array(0)
  #owners = new Uint16Array(0)

  constructor({ by, loadFactor }: Pick<HashPlan, 'by' | 'loadFactor'>, random: RandomSource) {
    this.#keyOf = keyOf(by)
    this.#loadFactor = loadFactor
    this.#random = random
  }

  rebuild(inTurn: readonly C[]): void {
    this.#endpoints = inTurn
    this.#weight = inTurn.reduce((sum, { weight }) => sum + weight, 0)
    const perWeight = Math.min(pointsPerWeight, pointsMax / this.#weight)
    // Point and owner in one number (32 bits and up to 16), which sorts without a comparator.
    const ring: number[] = []
    for (const [owner, { id, weight }] of inTurn.entries()) {
      const count = Math.max(1, Math.round(weight * perWeight))
      for (let point = 0; point < count; point++) ring.push(hashText(`${id} ${point}`) * 65_536 + owner)
    }
    const sorted = Float64Array.from(ring).sort()
    this.#points = Uint32Array.from(sorted, (entry) => Math.floor(entry / 65_536))
    this.#owners = Uint16Array.from(sorted, (entry) => entry % 65_536)
  }

  pick(except: C | null, request: Balanced | null = null): C | null {
    const endpoints = this.#endpoints
    if (endpoints.length === 0) return null
    let inFlight = 0
    for (let index = 0; index < endpoints.length; index++) inFlight += (endpoints[index] as C).inFlight
    /** In flight per unit of weight. Below it without rounding is below it rounded up. */
    const bound = (this.#loadFactor * (inFlight + 1)) / this.#weight
    const key = request === null ? -1 : this.#keyOf(request)
    const start = this.#at(key === -1 ? this.#random() * ringSize : key)
    const owner = endpoints[this.#owners[start] as number] as C
    return takes(owner, except, bound) ? owner : this.#next(start, except, bound)
  }

  /** The first point at or behind a hash. */
  #at(hash: number): number {
    const points = this.#points
    let low = 0
    let high = points.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((points[middle] as number) < hash) low = middle + 1
      else high = middle
    }
    return low === points.length ? 0 : low
  }

  /** The next along the ring that takes it; if all with room are above the bound, the next with room. */
  #next(start: number, except: C | null, bound: number): C | null {
    const endpoints = this.#endpoints
    let limit = Number.NaN
    for (let index = 0; index < endpoints.length; index++) {
      const endpoint = endpoints[index] as C
      if (takes(endpoint, except, bound)) {
        limit = bound
        break
      }
      if (takes(endpoint, except, Number.POSITIVE_INFINITY)) limit = Number.POSITIVE_INFINITY
    }
    if (Number.isNaN(limit)) return null
    const owners = this.#owners
    for (let at = start; ; at = at + 1 < owners.length ? at + 1 : 0) {
      const owner = endpoints[owners[at] as number] as C
      if (takes(owner, except, limit)) return owner
    }
  }
}

function takes(endpoint: Candidate, except: Candidate | null, bound: number): boolean {
  return endpoint !== except && endpoint.free && endpoint.inFlight < bound * endpoint.weight
}
