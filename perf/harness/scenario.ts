/**
 * What the table measures, as data. The scenarios themselves stand in `perf/scenarios`; nothing in the harness knows
 * one of them by name, so a new one is a new object there.
 */

export interface Scenario {
  /** Unique over all suites: it is what the command line takes. */
  readonly name: string
  /** One line for `--list` and the results. */
  readonly what: string
  /**
   * The row by whose figures of the same turn this one's are divided where nginx does not run it: a scenario's name, or
   * `NAME@origin` for the same load on an origin alone. A baseline names itself.
   */
  readonly baseline: string
  /** The origins behind what is measured: all subjects of a scenario have the same ones. */
  readonly origin: OriginShape
  /** 1 or more, each a process of its own. */
  readonly endpoints: number
  /** Worker processes or threads of what is measured, and cores that it gets where there are enough. */
  readonly workers: number
  /** Clients speak TLS. */
  readonly tls: boolean
  /** Null: an origin itself is measured. */
  readonly weir: WeirShape | null
  /** Peers run it too, as far as they can what it asks for; false: it is about something that Weir alone has. */
  readonly peers: boolean
  /** How a peer that can protects the origins; absent: it does not. */
  readonly protection?: Protection
  readonly load: Load
  /** What Weir's CPU per request may be at most, divided by the yardstick's (rows.ts); absent: nothing is asked of it. */
  readonly mostCpuRatio?: number
}

/** For HAProxy, which has a queue. nginx has none that is free: what is above `max_conns` it answers with 502. */
export interface Protection {
  /** Requests that an endpoint gets at once (`maxconn` of a server). */
  readonly perEndpoint: number
  /** How long a request waits for that (`timeout queue`), in milliseconds. */
  readonly queueMs: number
}

/** An origin that answers every request with the same bytes, or as `varied` says. */
export interface OriginShape {
  /** Length of the answer's body in bytes, 1 or more; of answers that differ, the most. */
  readonly bytes: number
  /** So many answers that differ (varied.ts), by the number that the path ends in; absent: one. */
  readonly varied?: number
  /** It accepts WebSockets too, and sends every message back. */
  readonly webSocket: boolean
  /** It closes every connection behind its answer, which has to be a small one; absent: it keeps them. */
  readonly closes?: boolean
  /** FastAPI on uvicorn in the place of the cheapest origin that there is. Its answer is its own, whatever `bytes`. */
  readonly fastApi?: FastApiShape
  /** One of fixed capacity in its place, which answers with `bytes` of them. */
  readonly slots?: SlotsShape
  /** One in its place that lets requests for one path wait, and takes requests ahead (ordered-origin.ts). */
  readonly slow?: SlowShape
}

export interface SlowShape {
  readonly path: string
  /** From when the request came. */
  readonly ms: number
}

export interface SlotsShape {
  /** Requests that are worked on at once. */
  readonly slots: number
  readonly serviceMs: number
}

export interface FastApiShape {
  /** What the endpoints wait before each answer, in their order; those that are not named do not. */
  readonly delaysMs: readonly number[]
  /** CPU time that each answer takes in its place; absent: as little as one can. */
  readonly workMs?: number
}

/** What Weir alone is told. */
export interface WeirShape {
  /** Settings of the one upstream `app` beside its endpoints, as in a configuration file. */
  readonly upstream: Readonly<Record<string, unknown>>
  /** Settings of the route to it, in place of or beside `upstream: 'app'`. */
  readonly route?: Readonly<Record<string, unknown>>
  /** Settings of the top level beside those that every configuration here has. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Names of further upstreams, for `route` to name: the same endpoints, and defaults. */
  readonly others?: readonly string[]
  /** `log.access` as in a configuration file. */
  readonly access: string | { readonly sample: number }
  /** Where Weir's standard output, which is its log, goes: a file in the temporary directory, or nowhere. */
  readonly output: 'file' | 'null'
  /** Environment variables beside the inherited ones. */
  readonly env: Readonly<Record<string, string>>
}

/** Keep-alive connections that each send the next request when the last one is answered: a closed loop. */
export interface Load {
  /** `websocket`: messages take the place of requests, and their echoes that of answers. */
  readonly protocol: 'http' | 'websocket'
  /** Threads of the load generator. */
  readonly threads: number
  readonly connections: number
  readonly path: string
  readonly method: 'GET' | 'POST'
  /** Beside those that the generator sends by itself. */
  readonly headers: Readonly<Record<string, string>>
  /** Length of the request's body, or of a WebSocket's message, in bytes. */
  readonly bodyBytes: number
  /** So many requests that differ in their paths, below `path`, and header fields (varied.ts), over and over; absent: one. */
  readonly varied?: number
  /**
   * Addresses of this machine, each with a connection to the subject that has had an answer and is idle while the load lasts, so
   * that 127.0.0.1 is not the only one that it knows; absent: none.
   */
  readonly otherClients?: readonly string[]
}

export interface Suite {
  readonly name: string
  readonly what: string
  readonly scenarios: readonly Scenario[]
  /** How it is measured by default where it is the only one asked for: many short turns for small differences. */
  readonly form?: {
    readonly turns: number
    readonly seconds: number
    readonly warmupSeconds: number
    readonly passes: boolean
    /** Names of the peers that are measured beside Weir; absent: none. */
    readonly peers?: readonly string[]
  }
  /** What CPU per request may be at most, divided by the baseline's; absent: nothing is asked of it. */
  readonly mostCpuRatio?: number
}
