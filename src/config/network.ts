import { isIP } from 'node:net'

/** What is wrong with an address or a network in CIDR form, or null. */
export function networkFault(text: string): string | null {
  const [address = '', length, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || address.includes('%') || rest.length > 0) {
    return 'an IPv4 or IPv6 address, perhaps with "/" and the length of the network: "10.0.0.0/8", "2001:db8::/32"'
  }
  const longest = family === 4 ? 32 : 128
  if (length !== undefined && !(/^\d{1,3}$/.test(length) && Number(length) <= longest)) {
    return `the length of the network is a number from 0 to ${longest}`
  }
  return null
}
