/** The client's address as text. The binding asks the kernel each time, unless all peers are the same one (peers.ts). */
import type { HttpResponse } from '../native/uws.ts'
import { type ListenerFacts, plainListener } from './listener-facts.ts'

/** The last IPv4 address and its text: under load, one client's requests come in a row. */
let lastBits = -1
let lastText = ''

/** `192.0.2.7` or `2001:db8::7`; an IPv4 client of a dual-stack listener is given as IPv4. */
export function clientAddress(res: HttpResponse, listener: ListenerFacts = plainListener): string {
  const peer = listener.peers.sole ?? peerAddress(res)
  // The binding reads the header from anybody at any time: only a listed peer is believed (native-notes/14-proxy-protocol.md).
  if (listener.proxies === null || !listener.proxies.has(peer)) return peer
  return addressText(new Uint8Array(res.getProxiedRemoteAddress())) || peer
}

/** Of the connection itself; '' if it has none (a Unix socket) or is gone. */
export function peerAddress(res: Pick<HttpResponse, 'getRemoteAddress'>): string {
  return addressText(new Uint8Array(res.getRemoteAddress()))
}

/** @param bytes 4 or 16 of them, in network order; anything else (a closed socket) gives ''. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return ipv4Text(bytes)
  if (bytes.length !== 16) return ''
  if (isMapped(bytes)) return `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`
  const groups: string[] = []
  for (let index = 0; index < 16; index += 2) {
    groups.push((((bytes[index] as number) << 8) | (bytes[index + 1] as number)).toString(16))
  }
  // The URL parser writes the canonical form of RFC 5952.
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1)
}

function ipv4Text(bytes: Uint8Array): string {
  const a = bytes[0] as number
  const b = bytes[1] as number
  const c = bytes[2] as number
  const d = bytes[3] as number
  const bits = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
  if (bits !== lastBits) {
    lastBits = bits
    lastText = `${a}.${b}.${c}.${d}`
  }
  return lastText
}

/** ::ffff:0:0/96 (RFC 4291, section 2.5.5.2). */
function isMapped(bytes: Uint8Array): boolean {
  for (let index = 0; index < 10; index++) if (bytes[index] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}
