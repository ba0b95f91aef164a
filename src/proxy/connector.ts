/** How a socket to an endpoint comes about: which address, and who is trusted there. */
import { isIP } from 'node:net'
import { buildConnector } from 'undici'
import { socketPath } from '../plan/origin.ts'
import type { UpstreamPlan, UpstreamTlsPlan } from '../plan/plan.ts'

/**
 * The name that stands in a dispatch's `servername`: constant per endpoint, or undici would take the client's Host, and
 * connect anew whenever it changes. null for plain HTTP.
 */
export function serverName(origin: string, tls: UpstreamTlsPlan | undefined): string | null {
  const { protocol, hostname } = new URL(origin)
  return protocol === 'https:' ? (tls?.servername ?? hostname) : null
}

/** Opens sockets, plain or with TLS by the scheme. Sessions are resumed (RFC 8446, section 2.2): undici keeps them here. */
export function connector(
  origin: string,
  { timeouts, tls }: Pick<UpstreamPlan, 'timeouts' | 'tls'>,
): buildConnector.connector {
  const name = serverName(origin, tls)
  const path = socketPath(origin)
  const connect = buildConnector({
    ...(path === null ? undefined : { socketPath: path }),
    timeout: timeouts.connectMs,
    allowH2: false,
    rejectUnauthorized: tls?.verify ?? true,
    ...(tls?.ca == null ? undefined : { ca: tls.ca }),
    ...(tls?.cert == null ? undefined : { cert: tls.cert, key: tls.key ?? '' }),
    ...(tls?.passphrase == null ? undefined : { passphrase: tls.passphrase }),
  })
  if (name === null) return connect
  // An address is no server name (RFC 6066, section 3); the certificate is then verified against the address.
  const asked = isIP(name.replace(/^\[|\]$/g, '')) === 0 ? name : ''
  return (options, callback) => {
    connect({ ...options, servername: asked }, (...[error, socket]) => {
      // undici would keep the request for another server name, and it never learns of the failure.
      if (error !== null && 'code' in error && error.code === 'ERR_TLS_CERT_ALTNAME_INVALID')
        callback(new Error(error.message), null)
      else if (error !== null) callback(error, null)
      else callback(null, socket)
    })
  }
}
