import { isIP, isIPv6 } from 'node:net'
import { limits } from './limits.ts'

/** Underscores are no part of RFC 1123, and container platforms put them into names all the same. */
const label = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/

/** Whether the text is a host name: labels of 1 to 63 characters, the last not a number (that would be an address). */
export function isHostName(text: string): boolean {
  if (text.length > limits.hostLength) return false
  const labels = text.split('.')
  return labels.every((part) => label.test(part)) && !/^\d+$/.test(labels.at(-1) ?? '')
}

/** What is wrong with the address or name a listener binds, or null. */
export function listenHostFault(text: string): string | null {
  if (isIP(text) !== 0 || isHostName(text)) return null
  if (text === '' || text === '*') return 'write "0.0.0.0" for every IPv4 interface, "::" for IPv6'
  if (text.startsWith('[') && isIPv6(text.slice(1, -1))) return `write ${JSON.stringify(text.slice(1, -1))}`
  if (text.includes(':')) return 'the port has its own key, "port"'
  return 'for example "0.0.0.0", "127.0.0.1", "::" or "localhost"'
}

/** What is wrong with the host of a route (exact, or `*.` and a name), or null. */
export function routeHostFault(text: string): string | null {
  if (text === '*') return 'leave out "host" to match every host'
  const name = text.startsWith('*.') ? text.slice(2) : text
  if (isHostName(name) || (name === text && isAddressLiteral(text))) return null
  if (text.includes('://') || text.includes('/')) return 'only the host: the path has its own key, "path"'
  if (isIPv6(text)) return `write ${JSON.stringify(`[${text}]`)}, as it stands in the Host header`
  if (text.includes(':')) return 'leave out the port: a route matches on every listener'
  if (text.includes('*')) return 'a wildcard is the whole first label, as in "*.example.com"'
  if (/[^\x20-\x7e]/.test(text)) return 'write an international name in its "xn--" form, as clients send it'
  return 'for example "example.com" or "*.example.com"'
}

/** What is wrong with a name that clients ask for within the TLS handshake (exact, or `*.` and a name), or null. */
export function serverNameFault(text: string): string | null {
  if (isIP(text) !== 0 || isAddressLiteral(text))
    return 'no address: clients send none as a server name (RFC 6066, section 3), and get "cert"'
  return routeHostFault(text)
}

function isAddressLiteral(text: string): boolean {
  return isIP(text) === 4 || (text.startsWith('[') && text.endsWith(']') && isIPv6(text.slice(1, -1)))
}
