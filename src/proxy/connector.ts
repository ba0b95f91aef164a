/** How a socket to an endpoint comes about: which address, and who is trusted there. */
import { isIP, type Socket } from 'node:net'
import {
  buildConnector,
  type ConnectCallback,
  type ConnectOptions,
  type UndiciConnector,
} from '../native/undici.ts'
import { originUrl, socketPath, unbracketed } from '../plan/origin.ts'
import { trustOptions } from '../plan/trust.ts'
import type { UpstreamPlan, UpstreamTlsPlan } from '../plan/upstream-plan.ts'

/**
 * The name that stands in a dispatch's `servername`: constant per endpoint, or undici would take the client's Host, and
 * connect anew whenever it changes. null for plain HTTP.
 */
export function serverName(origin: string, tls: UpstreamTlsPlan | undefined): string | null {
  const { protocol, hostname } = new URL(origin)
  return protocol === 'https:' ? (tls?.servername ?? hostname) : null
}

/**
 * Opens a socket to an endpoint. `preface` goes out first, ahead of TLS too. Calls back once, whatever happens.
 */
export type Connect = (options: ConnectOptions, preface: Buffer | null, callback: ConnectCallback) => void

/** Sockets, plain or with TLS by the scheme. Sessions are resumed (RFC 8446, section 2.2): undici keeps them here. */
export function connector(
  origin: string,
  { timeouts, tls }: Pick<UpstreamPlan, 'timeouts' | 'tls'>,
): Connect {
  const name = serverName(origin, tls)
  const path = socketPath(origin)
  const connect = buildConnector({
    ...(path === null ? undefined : { socketPath: path }),
    timeout: timeouts.connectMs,
    allowH2: false,
    ...trustOptions(tls),
  }) as Connector
  const plainly: Connect = (options, preface, callback) => {
    connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null)
      if (preface !== null) socket.write(preface)
      callback(null, socket)
    })
  }
  if (name === null) return plainly
  const securely = overTls(connect, name)
  return (options, preface, callback) => {
    if (preface === null) return securely(options, callback)
    const port = options.port || httpsPort
    plainly({ ...options, protocol: 'http:', port }, preface, (...[error, socket]) => {
      if (error !== null) callback(error, null)
      else securely({ ...options, httpSocket: socket }, callback)
    })
  }
}

/** Opens a socket for whoever speaks to an endpoint without undici. Calls back once, when it is connected (TLS included). */
export function openSocket(
  connect: Connect,
  origin: string,
  preface: Buffer | null,
  callback: (error: Error | null, socket: Socket | null) => void,
): void {
  const { protocol, hostname, host, port } = new URL(originUrl(origin))
  // As undici does before it connects: an IPv6 address in its brackets would be looked up as a name.
  connect({ protocol, hostname: unbracketed(hostname), host, port }, preface, callback)
}

/** undici's types leave out what its connectors return. */
type Connector = (options: ConnectOptions, callback: ConnectCallback) => Socket

const httpsPort = '443'

function overTls(connect: Connector, name: string): UndiciConnector {
  // An address is no server name (RFC 6066, section 3); the certificate is then verified against the address.
  const asked = isIP(unbracketed(name)) === 0 ? name : ''
  return (options, callback) => {
    let settled = false
    const settle: ConnectCallback = (...[error, socket]) => {
      if (settled) return
      settled = true
      // undici would keep the request for another server name, and it never learns of the failure.
      if (error !== null && 'code' in error && error.code === 'ERR_TLS_CERT_ALTNAME_INVALID')
        callback(new Error(error.message), null)
      else if (error !== null) callback(error, null)
      else callback(null, socket)
    }
    const socket = connect({ ...options, servername: asked }, settle)
    // A socket under TLS that is destroyed here takes it along without an error, and undici would wait for ever.
    socket.once('close', () => settle(new Error('closed within the TLS handshake'), null))
  }
}
