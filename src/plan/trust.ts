/** Whom a connection to an https endpoint trusts and what it shows, as Node's tls takes them. */
import type { UpstreamTlsPlan } from './upstream-plan.ts'

/** @param tls absent: the authorities that Node ships, and no client certificate */
export function trustOptions(tls: UpstreamTlsPlan | undefined) {
  return {
    rejectUnauthorized: tls?.verify ?? true,
    ...(tls?.ca == null ? undefined : { ca: tls.ca }),
    ...(tls?.cert == null ? undefined : { cert: tls.cert, key: tls.key ?? '' }),
    ...(tls?.passphrase == null ? undefined : { passphrase: tls.passphrase }),
  }
}
