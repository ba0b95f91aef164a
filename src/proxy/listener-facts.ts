/** What a request's listener says of it: made once per listener, looked at per request. */
import type { HttpResponse } from '../native/uws.ts'
import type { ListenerPlan } from '../plan/listener-plan.ts'
import { AddressSet } from './address-set.ts'
import type { RequestCounter } from './connection-limits.ts'
import { Peers } from './peers.ts'

export interface ListenerFacts {
  readonly scheme: 'http' | 'https'
  /** A request needs a client's certificate. */
  readonly clientCertificate: boolean
  /** 0: no redirect. */
  readonly redirectPort: number
  /** Peers whose PROXY protocol header names the client; null: none. */
  readonly proxies: AddressSet | null
  /** Somebody stands in front who may read requests as well: the PROXY protocol, or a Unix socket, which is for neighbours. */
  readonly fronted: boolean
  /** Counts the requests of its connections; null: they cannot be told apart. */
  readonly counter: RequestCounter | null
  /** Is told of every connection that opens; nobody's where connections are not counted. */
  readonly peers: Peers
}

export const plainListener: ListenerFacts = Object.freeze({
  scheme: 'http',
  clientCertificate: false,
  redirectPort: 0,
  proxies: null,
  fronted: false,
  counter: null,
  peers: new Peers(),
})

export function listenerFacts({
  tls,
  redirectPort = 0,
  proxyProtocolFrom,
  unix,
}: ListenerPlan): ListenerFacts {
  const clientCertificate = tls !== undefined && tls.clientCaFile !== null
  return {
    scheme: tls === undefined ? 'http' : 'https',
    clientCertificate,
    redirectPort,
    proxies: proxyProtocolFrom === undefined ? null : new AddressSet(proxyProtocolFrom),
    fronted: proxyProtocolFrom !== undefined || unix !== undefined,
    counter: null,
    peers: new Peers(),
  }
}

/** Not in the binding's types; '' without a certificate. One that is there has been verified in the handshake. */
export function hasClientCertificate(res: HttpResponse): boolean {
  return (res as unknown as { getX509Certificate(): string }).getX509Certificate() !== ''
}
