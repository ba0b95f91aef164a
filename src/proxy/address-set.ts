/** A set of addresses and networks (CIDR), such as the proxies that may say who the client is. */
import { BlockList, isIPv6 } from 'node:net'

export class AddressSet {
  readonly empty: boolean
  readonly #list = new BlockList()

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
    return !this.empty && address !== '' && this.#list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  }
}
