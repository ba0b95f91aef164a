/**
 * A route's requests shared among several upstreams by weight, such as a canary: each request is a throw of its own, unless a header
 * names one of the upstreams. Within the upstream that it gets a request stays, with its retries.
 *
 * Invariant: the shares are 0 to 1 and rise; the last that is above 0 is 1.
 */
import type { SplitPlan } from '../plan/route-plan.ts'
import type { RandomSource } from './balance/policy.ts'
import { headerOf } from './balance/request-key.ts'
import type { Upstream } from './upstream.ts'

export class Split {
  readonly #upstreams: readonly Upstream[]
  /** Below which random number each is taken. */
  readonly #shares: readonly number[]
  /** In lower case; null: none. */
  readonly #header: string | null
  readonly #random: RandomSource

  constructor({ parts, header }: SplitPlan, upstreams: ReadonlyMap<string, Upstream>, random: RandomSource) {
    const total = parts.reduce((sum, { weight }) => sum + weight, 0)
    let before = 0
    this.#upstreams = parts.map(({ upstream }) => upstreams.get(upstream) as Upstream)
    this.#shares = parts.map(({ weight }) => {
      before += weight
      return before / total
    })
    this.#header = header
    this.#random = random
  }

  /** @param headers names in lower case and values, alternately */
  choose(headers: readonly string[]): Upstream {
    const wish = this.#header === null ? null : headerOf(headers, this.#header)
    if (wish !== null) {
      for (const upstream of this.#upstreams) if (upstream.name === wish) return upstream
    }
    const number = this.#random()
    let index = 0
    while (number >= (this.#shares[index] as number)) index++
    return this.#upstreams[index] as Upstream
  }
}
