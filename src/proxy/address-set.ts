/**
 * A set of addresses and networks (CIDR), such as the proxies that may say who the client is.
 *
 * Node's BlockList takes 2 us for each question, since it makes an object of the address; what it has said of the addresses seen
 * lately is remembered.
 *
 * Invariant: at most `rememberedMax` addresses are remembered. Beyond, all are forgotten at once.
 */
import { BlockList, isIPv6 } from 'node:net'

const rememberedMax = 4_096

export class AddressSet {
  readonly empty: boolean
  readonly #list = new BlockList()
  readonly #remembered = new Map<string, boolean>()

  /** @param entries `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`; checked by the configuration */
  constructor(entries: readonly string[]) {
    this.empty = entries.length === 0
    for (const entry of entries) {
      const [address, length] = entry.split('/') as [string, string | undefined]
      const family = isIPv6(address) ? 'ipv6' : 'ipv4'
      if (length === undefined) this.#list.addAddress(address, family)
      else this.#list.addSubnet(address, Number(length), family)
    }
  }

  /** @param address as `clientAddress` gives it; '' (a Unix socket, a closed connection) is in no set */
  has(address: string): boolean {
    if (this.empty || address === '') return false
    return this.#remembered.get(address) ?? this.#find(address)
  }

  #find(address: string): boolean {
    const found = this.#list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
    if (this.#remembered.size >= rememberedMax) this.#remembered.clear()
    this.#remembered.set(address, found)
    return found
  }
}
