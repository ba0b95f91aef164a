/**
 * The power of two choices (P2C; Mitzenmacher, IEEE TPDS 12(10), 2001): two endpoints drawn at random by their weights, and of
 * these the one with fewer requests in flight per unit of weight; the first drawn if they are equal. Several workers, each of
 * which sees only what is in flight of its own, do not all run to the same endpoint as they would with `least-connections`.
 *
 * Being about numbers in flight, it cannot keep a slow endpoint out: whoever takes ten times as long gets a tenth of what
 * another gets, not nothing (Little's law). Hence it comes with `outliers.slowFactor`, which ejects such an endpoint.
 */
import { lighter } from './least-connections.ts'
import type { Balancer, Candidate, RandomSource } from './policy.ts'
import { draw, drawableWeight } from './weighted-draw.ts'

export class TwoChoices<C extends Candidate> implements Balancer<C> {
  readonly #random: RandomSource
  #endpoints: readonly C[] = []

  constructor(random: RandomSource) {
    this.#random = random
  }

  rebuild(inTurn: readonly C[]): void {
    this.#endpoints = inTurn
  }

  pick(except: C | null): C | null {
    const endpoints = this.#endpoints
    const total = drawableWeight(endpoints, except)
    if (total === 0) return null
    const first = draw(endpoints, except, -1, this.#random() * total)
    const one = endpoints[first] as C
    const rest = total - one.weight
    if (rest === 0) return one
    const other = endpoints[draw(endpoints, except, first, this.#random() * rest)] as C
    return lighter(other, one) ? other : one
  }
}
