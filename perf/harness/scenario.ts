/**
 * What one row of the table measures, as data. The scenarios themselves stand in `perf/scenarios`; nothing in the
 * harness knows one of them by name, so a new row is a new object there.
 */

export interface Scenario {
  /** Unique over all suites: it is what the command line takes. */
  readonly name: string
  /** One line for `--list` and the results. */
  readonly what: string
  /** The scenario by whose figures of the same turn this one's are divided. A baseline names itself. */
  readonly baseline: string
  readonly subject: Subject
  readonly load: Load
  /**
   * `apart`: the subject has one core for itself, the load generator and the other origins have the rest.
   * `free`: the kernel places everything.
   */
  readonly placement: 'apart' | 'free'
}

/** What is measured: its process tree's CPU time is what the table shows. */
export type Subject =
  | { readonly kind: 'origin'; readonly origin: OriginShape }
  | { readonly kind: 'weir'; readonly weir: WeirShape; readonly origin: OriginShape }

/** An origin that answers every request with the same bytes. */
export interface OriginShape {
  /** Length of the answer's body in bytes, 1 or more. */
  readonly bytes: number
}

export interface WeirShape {
  /** Endpoints of the one upstream `app`, each an origin process of its own. 1 or more. */
  readonly endpoints: number
  /** Worker processes. */
  readonly workers: number
  /** Settings of `app` beside its endpoints, as in a configuration file. */
  readonly upstream: Readonly<Record<string, unknown>>
  /** `log.access` as in a configuration file. */
  readonly access: string | { readonly sample: number }
  /** Where Weir's standard output, which is its log, goes: a file in the temporary directory, or nowhere. */
  readonly output: 'file' | 'null'
  /** Environment variables beside the inherited ones. */
  readonly env: Readonly<Record<string, string>>
}

/** Keep-alive connections that each send the next request when the last one is answered: a closed loop. */
export interface Load {
  /** Threads of the load generator. */
  readonly threads: number
  readonly connections: number
  readonly path: string
}

export interface Suite {
  readonly name: string
  readonly what: string
  readonly scenarios: readonly Scenario[]
}
