/**
 * The header of the PROXY protocol that begins a connection to an endpoint and names the client
 * (https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt, sections 2.1 and 2.2).
 *
 * Only the client's address is known: the binding tells neither its port nor the address that it connected to on every
 * version in use (native-notes/19-proxy-header.md). Those are sent as zeros, which no receiver can mistake for something else.
 */
import { isIP } from 'node:net'

export const proxyVersions = ['v1', 'v2'] as const
export type ProxyVersion = (typeof proxyVersions)[number]

const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
/** Version 2 in the upper half, the command in the lower. */
const local = 0x20
const proxied = 0x21
/** A stream over IPv4, or over IPv6. */
const tcp4 = 0x11
const tcp6 = 0x21
/** Source and destination port. */
const portsBytes = 4

/** What a check of Weir's own sends, and a request whose client has no address: "UNKNOWN" and LOCAL. Not to be written to. */
const nobody: Readonly<Record<ProxyVersion, Buffer>> = {
  v1: Buffer.from('PROXY UNKNOWN\r\n'),
  v2: Buffer.from([...signature, local, 0, 0, 0]),
}

/** @param client its address as text, IPv4 or IPv6; '' (a Unix socket) and anything else is nobody's */
export function proxyHeader(version: ProxyVersion, client: string): Buffer {
  const family = isIP(client)
  if (family === 0) return nobody[version]
  if (version === 'v1') {
    return Buffer.from(
      family === 4 ? `PROXY TCP4 ${client} 0.0.0.0 0 0\r\n` : `PROXY TCP6 ${client} :: 0 0\r\n`,
    )
  }
  const address = family === 4 ? client.split('.').map(Number) : ipv6Bytes(client)
  const length = 2 * address.length + portsBytes
  const header = Buffer.alloc(signature.length + 4 + length)
  header.set([...signature, proxied, family === 4 ? tcp4 : tcp6, 0, length, ...address])
  return header
}

/** @param text valid, without a zone and without dots, as `addressText` writes it */
function ipv6Bytes(text: string): number[] {
  const [front = '', back] = text.split('::')
  const before = groups(front)
  const after = groups(back ?? '')
  const zeros = new Array<number>(8 - before.length - after.length).fill(0)
  return [...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff])
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}
