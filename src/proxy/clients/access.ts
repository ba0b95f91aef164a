/** Which addresses may come: those of `allow`, or all if it is empty, but none of `deny`. */
import type { AccessPlan } from '../../plan/route-plan.ts'
import { AddressSet } from '../address-set.ts'

export class Access {
  readonly #allow: AddressSet
  readonly #deny: AddressSet

  constructor({ allow, deny }: AccessPlan) {
    this.#allow = new AddressSet(allow)
    this.#deny = new AddressSet(deny)
  }

  /** @param address '' (a Unix socket) is in no list */
  permits(address: string): boolean {
    return !this.#deny.has(address) && (this.#allow.empty || this.#allow.has(address))
  }
}
