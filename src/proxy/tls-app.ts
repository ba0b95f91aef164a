/** A uWebSockets.js app that speaks TLS, with one certificate or several chosen by the name that the client asks for. */
import type { TemplatedApp, Uws } from '../native/uws.ts'
import type { CertificatePlan, TlsPlan } from '../plan/listener-plan.ts'

type SslOptions = NonNullable<Parameters<Uws['SSLApp']>[0]>

/**
 * The binding has no option for the lowest version, but its cipher list is that of TLS 1.2 alone. This one can never be
 * chosen, since it wants a key that was agreed on beforehand and there is none: what is left is TLS 1.3.
 */
const noTls12Ciphers = 'ECDHE-PSK-AES128-CBC-SHA'

/** @throws {Error} if the first certificate or its key cannot be used. Of the others the binding reports nothing. */
export function makeTlsApp(
  uws: Uws,
  tls: TlsPlan,
  register: (app: TemplatedApp) => TemplatedApp,
): TemplatedApp {
  const [first, ...others] = tls.certificates as [CertificatePlan, ...CertificatePlan[]]
  const app = register(uws.SSLApp(sslOptions(first, tls)))
  for (const certificate of others) {
    for (const name of certificate.serverNames) {
      app.addServerName(name, sslOptions(certificate, tls))
      // A server name begins with a router of its own, and an empty one.
      register(app.domain(name))
    }
  }
  return app
}

function sslOptions({ certFile, keyFile, passphrase }: CertificatePlan, tls: TlsPlan): SslOptions {
  return {
    cert_file_name: certFile,
    key_file_name: keyFile,
    ...(passphrase === null ? undefined : { passphrase }),
    ...(tls.clientCaFile === null ? undefined : { ca_file_name: tls.clientCaFile }),
    ...(tls.minVersion === '1.2' ? undefined : { ssl_ciphers: noTls12Ciphers }),
  }
}
