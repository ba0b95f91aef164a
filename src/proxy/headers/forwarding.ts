/**
 * What the endpoint is told about where a request comes from: X-Forwarded-For (where the peer has an address), -Proto and -Host always
 * (de facto standard), Forwarded (RFC 7239), Via (RFC 9110, section 7.6.3) and X-Request-Id where the configuration asks for them.
 *
 * Anybody can write these fields, so what a client claims is dropped, all of X-Forwarded-* and Forwarded. Only a peer in
 * `trustedProxies` is believed: its fields are kept and extended by what Weir sees itself, which is that peer. X-Request-Id is a field like
 * any other where the configuration does not ask for it.
 */
import { randomUUID } from 'node:crypto'
import type { ForwardingPlan } from '../../plan/plan.ts'
import { AddressSet } from '../address-set.ts'

/** The parts of a request's head that this reads and adds to. */
export interface Forwardable {
  readonly host: string
  /** Name and value alternately: goes to the endpoint. */
  readonly headers: string[]
  /** Name and value alternately: fields of the client's that say where the request comes from. */
  readonly claims: readonly string[]
  requestId: string
  /** Whether Connection names the field. @param name in lower case */
  nominates(name: string): boolean
}

/**
 * Whether a field says where a request comes from, and so must not be passed on unseen. `X_Forwarded_For` is one, too: what hands fields on
 * as variables (CGI, WSGI) makes the same of it. A proxy that writes `X-Forwarded-For` passes that on unseen, so that it is believed from nobody.
 * @param name in lower case
 */
export function isClaim(name: string): boolean {
  switch (name.length) {
    case 9:
      return name === 'forwarded'
    case requestIdLength:
      return name === 'x-request-id' || (name.charCodeAt(0) === 0x78 && isRequestId(name))
    default:
      return name.length > requestIdLength && name.charCodeAt(0) === 0x78 && isForwarded(name)
  }
}

/** Of all claims only X-Request-Id and its other spellings are as long. */
const requestIdLength = 12

function isRequestId(name: string): boolean {
  return name.includes('_') && /^x[-_]request[-_]id$/.test(name)
}

function isForwarded(name: string): boolean {
  return name.startsWith('x-forwarded-') || (name.includes('_') && /^x[-_]forwarded[-_]/.test(name))
}

export class Forwarding {
  readonly #plan: ForwardingPlan
  readonly trusted: AddressSet

  constructor(plan: ForwardingPlan) {
    this.#plan = plan
    this.trusted = new AddressSet(plan.trustedProxies)
  }

  /**
   * Adds the fields to `head.headers`.
   * @param address the peer's; '' if it has none (a Unix socket)
   * @param scheme how it reached Weir: `http` or `https`
   */
  apply(head: Forwardable, address: string, scheme: string): void {
    const { headers, claims } = head
    const trusted = claims.length > 0 && this.trusted.has(address)
    let chain = ''
    let proto = scheme
    let host = head.host
    let forwarded = ''
    let requestId = ''
    for (let index = 0; index < claims.length; index += 2) {
      const name = claims[index] as string
      const value = claims[index + 1] as string
      if (name.length === requestIdLength) {
        if (this.#plan.requestId) {
          if (trusted && name === 'x-request-id') requestId = value
        } else if (!head.nominates(name)) headers.push(name, value)
        continue
      }
      if (!trusted) continue
      switch (name) {
        case 'x-forwarded-for':
          chain = listed(chain, value)
          break
        case 'x-forwarded-proto':
          proto = value
          break
        case 'x-forwarded-host':
          host = value
          break
        case 'forwarded':
          forwarded = listed(forwarded, value)
          break
        default:
          if (!name.includes('_')) headers.push(name, value)
      }
    }
    // Whoever has no address is not trusted, so that there is no chain either: an empty field would say nothing.
    if (address === '') headers.push('x-forwarded-proto', proto, 'x-forwarded-host', host)
    else
      headers.push(
        'x-forwarded-for',
        listed(chain, address),
        'x-forwarded-proto',
        proto,
        'x-forwarded-host',
        host,
      )
    if (this.#plan.forwarded) forwarded = element(forwarded, address, head.host, scheme)
    if (forwarded !== '') headers.push('forwarded', forwarded)
    if (this.#plan.via) headers.push('via', '1.1 weir')
    if (this.#plan.requestId) {
      requestId ||= randomUUID()
      head.requestId = requestId
    }
    if (requestId !== '') headers.push('x-request-id', requestId)
  }
}

/** Several lines of a field are one list (RFC 9110, section 5.3). */
function listed(before: string, value: string): string {
  if (before === '') return value
  return value === '' ? before : `${before}, ${value}`
}

/** RFC 7239, section 4: an IPv6 address is in brackets and quoted, an unknown one says so. */
function element(before: string, address: string, host: string, scheme: string): string {
  const node = address === '' ? 'unknown' : address.includes(':') ? `"[${address}]"` : address
  return listed(before, `for=${node};host="${host}";proto=${scheme}`)
}
