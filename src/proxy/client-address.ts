/**
 * The client's address as text. One system call per call (the binding asks the kernel each time), so it is called only
 * where the text goes somewhere.
 */
import type { HttpResponse } from '../native/uws.ts'
import { type ListenerFacts, plainListener } from './listener-facts.ts'

/** `192.0.2.7` or `2001:db8::7`; an IPv4 client of a dual-stack listener is given as IPv4. */
export function clientAddress(res: HttpResponse, by: ListenerFacts = plainListener): string {
  const peer = addressText(new Uint8Array(res.getRemoteAddress()))
  // The binding reads the header from anybody at any time: only a listed peer is believed (native-notes/14-proxy-protocol.md).
  if (by.proxies === null || !by.proxies.has(peer)) return peer
  return addressText(new Uint8Array(res.getProxiedRemoteAddress())) || peer
}

/** @param bytes 4 or 16 of them, in network order; anything else (a closed socket) gives ''. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
  if (bytes.length !== 16) return ''
  if (isMapped(bytes)) return `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`
  const groups: string[] = []
  for (let index = 0; index < 16; index += 2) {
    groups.push((((bytes[index] as number) << 8) | (bytes[index + 1] as number)).toString(16))
  }
  // The URL parser writes the canonical form of RFC 5952.
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1)
}

/** ::ffff:0:0/96 (RFC 4291, section 2.5.5.2). */
function isMapped(bytes: Uint8Array): boolean {
  for (let index = 0; index < 10; index++) if (bytes[index] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}
