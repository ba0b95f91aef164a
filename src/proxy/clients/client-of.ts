/**
 * Who the client of a request is, where a proxy in front of Weir may say so: the last address in X-Forwarded-For that is none of
 * `trustedProxies`. Each proxy adds its peer on the right, so that what stands left of the first stranger is that stranger's claim.
 */
import { isIP } from 'node:net'
import type { AddressSet } from '../address-set.ts'

/**
 * @param peer the connection's, as `clientAddress` gives it
 * @param chain X-Forwarded-For, its lines joined with commas; '' if none
 * @returns the peer, unless it is trusted and names another
 */
export function clientOf(peer: string, chain: string, trusted: AddressSet): string {
  if (chain === '' || !trusted.has(peer)) return peer
  let client = peer
  let end = chain.length
  while (end > 0) {
    const comma = chain.lastIndexOf(',', end - 1)
    const address = addressIn(chain.slice(comma + 1, end).trim())
    // No address: whoever wrote it is the last that is known.
    if (address === '') return client
    client = address
    if (!trusted.has(address)) return client
    end = comma
  }
  return client
}

/** Lines of a field put together, from names and values alternately. */
export function forwardedFor(claims: readonly string[]): string {
  let chain = ''
  for (let index = 0; index < claims.length; index += 2) {
    if (claims[index] !== 'x-forwarded-for') continue
    chain = chain === '' ? (claims[index + 1] as string) : `${chain},${claims[index + 1]}`
  }
  return chain
}

/** `192.0.2.7`, `192.0.2.7:80`, `2001:db8::7`, `[2001:db8::7]:80`; '' for anything else. Mapped IPv4 is IPv4. */
function addressIn(text: string): string {
  let address = text
  if (text.startsWith('[')) address = text.slice(1, text.indexOf(']'))
  else if (text.includes('.') && text.indexOf(':') === text.lastIndexOf(':'))
    address = text.split(':', 1)[0] as string
  if (isIP(address) === 0 || address.includes('%')) return ''
  return mayBeMapped.test(address) ? unmapped(address) : address
}

/** What mapped IPv4 (::ffff:0:0/96, RFC 4291, section 2.5.5.2) begins with, in whatever form it is written. */
const mayBeMapped = /^[0:]+:ffff:/i
const mapped = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/

/** @param address IPv6; as it is where it is no mapped IPv4 */
function unmapped(address: string): string {
  // The URL parser writes the canonical form of RFC 5952, but for the last 32 bits, which stay hexadecimal.
  const groups = mapped.exec(new URL(`http://[${address}]/`).hostname)
  if (groups === null) return address
  const high = Number.parseInt(groups[1] as string, 16)
  const low = Number.parseInt(groups[2] as string, 16)
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`
}

/**
 * What an address is counted as: IPv4 as it is, IPv6 by its /64, of which a single client has all (RFC 6177, RFC 7934).
 * @param address as `clientOf` gives it
 */
export function countedAddress(address: string): string {
  if (!address.includes(':')) return address
  const [before = '', after] = address.toLowerCase().split('::', 2)
  const groups = before === '' ? [] : before.split(':')
  if (after !== undefined) {
    const rest = after === '' ? [] : after.split(':')
    // The last two groups may be written as IPv4.
    const written = groups.length + rest.length + Number(after.includes('.'))
    for (let missing = written; missing < 8; missing++) groups.push('0')
    groups.push(...rest)
  }
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}
