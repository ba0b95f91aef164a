export interface ListenerPlan {
  /** An address or a name that resolves to one: `0.0.0.0`, `127.0.0.1`, `::`. */
  readonly host: string
  readonly port: number
  /** Absent: plain HTTP. */
  readonly tls?: TlsPlan
  /** Absent: requests are served. Otherwise they are answered 308, to the same URL under https on this port. */
  readonly redirectPort?: number
  /** A Unix socket; `host` is then `unix:` and its path, `port` 0. The first worker alone has it. */
  readonly unix?: UnixPlan
  /** Addresses and networks of peers whose PROXY protocol headers are believed. Absent: nobody's. */
  readonly proxyProtocolFrom?: readonly string[]
}

export interface UnixPlan {
  /** Absolute. */
  readonly path: string
  /** Permissions of the socket's file. */
  readonly mode: number
}

export interface TlsPlan {
  /** At least one. The first is for clients that ask for none of the others' names. */
  readonly certificates: readonly CertificatePlan[]
  /** null: no client certificate is asked for. Otherwise one is mandatory, signed by an authority in this file. */
  readonly clientCaFile: string | null
  readonly minVersion: '1.2' | '1.3'
  /** Of what stood in the files, so that a listener whose files have changed is another listener. */
  readonly contentHash: string
}

export interface CertificatePlan {
  /** Lower case; exact, or `*.` and a name. */
  readonly serverNames: readonly string[]
  /** Absolute paths of PEM files. */
  readonly certFile: string
  readonly keyFile: string
  readonly passphrase: string | null
}
