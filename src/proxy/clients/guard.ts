/** What stands before a route: who may come, and how often. A route without either has no guard. */
import { type Outcome, outcomes } from '../../plan/outcome.ts'
import type { AddressSet } from '../address-set.ts'
import type { Fields } from '../reply.ts'
import type { Access } from './access.ts'
import type { ClientLimiter } from './client-limiter.ts'
import { clientOf, forwardedFor } from './client-of.ts'

/** A request, as far as this looks at it and writes on it. */
export interface Guarded {
  readonly address: string
  readonly head: { readonly headers: readonly string[]; readonly claims: readonly string[] }
  /** Where it is counted as in flight; null: nowhere. */
  limiter: ClientLimiter | null
  limiterSlot: number
  /** For the answer of Weir's own. */
  answerFields: Fields
}

export class Guard {
  readonly #access: Access | null
  readonly #limiter: ClientLimiter | null

  constructor(access: Access | null, limiter: ClientLimiter | null) {
    this.#access = access
    this.#limiter = limiter
  }

  /**
   * @param trusted whose X-Forwarded-For is believed
   * @returns what becomes of the request; null: it may pass
   */
  refuses(request: Guarded, trusted: AddressSet): Outcome | null {
    const { head } = request
    const chain = head.claims.length === 0 ? '' : forwardedFor(head.claims)
    const client = clientOf(request.address, chain, trusted)
    if (this.#access?.permits(client) === false) return outcomes.forbidden
    const limiter = this.#limiter
    if (limiter === null) return null
    const outcome = limiter.enter(head, client)
    if (outcome !== null) {
      request.answerFields = limiter.fields(outcome)
    } else if (limiter.slot !== -1) {
      request.limiter = limiter
      request.limiterSlot = limiter.slot
    }
    return outcome
  }
}
