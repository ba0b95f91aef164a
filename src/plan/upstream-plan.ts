import type { BalancePlan } from './balance-plan.ts'
import type { ProxyVersion } from './proxy-header.ts'

export interface UpstreamPlan {
  readonly name: string
  readonly endpoints: readonly EndpointPlan[]
  readonly balance: BalancePlan
  /** How long an endpoint that has recovered takes to come back to its whole weight. 0: it does so at once. */
  readonly slowStartMs: number
  /** Connections per endpoint and worker, 1 or more. */
  readonly connections: number
  /** Requests in flight on one connection, 1 or more (1: none ahead). */
  readonly pipelining: number
  /** What it gets at once, per worker, where that is less than its connections take. Absent: it is not limited. */
  readonly concurrency?: ConcurrencyPlan
  readonly timeouts: TimeoutsPlan
  readonly queue: QueuePlan
  readonly retries: RetriesPlan
  /** When a request is sent to another endpoint as well. Absent: never. */
  readonly hedging?: HedgingPlan
  /** How https endpoints are trusted; absent: by the authorities that Node ships, and no client certificate. */
  readonly tls?: UpstreamTlsPlan
  /**
   * Each connection begins with a PROXY header of this version and serves one request; `pipelining` is 1 then.
   * Absent: no header, and connections are kept and shared.
   */
  readonly proxyProtocol?: ProxyVersion
  /** null: what requests come to says nothing about an endpoint. */
  readonly outliers: OutliersPlan | null
  /** null: no active check, every endpoint counts as healthy. */
  readonly health: HealthPlan | null
}

/** A fixed limit, 1 or more, or the bounds of one that is learned. */
export type ConcurrencyPlan = number | AdaptivePlan

/** Whole numbers, 1 <= min <= initial <= max. */
export interface AdaptivePlan {
  readonly min: number
  readonly max: number
  readonly initial: number
  /** A latency up to this many times the one without a queue is none. 1.1 or more. */
  readonly tolerance: number
}

export interface EndpointPlan {
  /** Unique in the plan and stable across reloads: `<upstream>/<origin>`. Health verdicts are addressed to it. */
  readonly id: string
  /**
   * Scheme (http or https), host and port, without a path: `http://127.0.0.1:9001`. Or a Unix socket:
   * `unix:/run/app.sock`. See origin.ts.
   */
  readonly origin: string
  /** Share of the traffic relative to its siblings. 0: none but what a sticky cookie sends there. */
  readonly weight: number
  /** Takes its share only while no endpoint without this is available. Absent: false. */
  readonly backup?: boolean
  /** Takes nothing but what a sticky cookie sends there. Absent: false. */
  readonly drain?: boolean
}

/** All in milliseconds; 0 means none. */
export interface TimeoutsPlan {
  /** From the start of an attempt to an established connection. */
  readonly connectMs: number
  /** From a request sent to the response's head. */
  readonly headersMs: number
  /** Between two pieces of a body, either way. */
  readonly bodyMs: number
  /** How long an unused connection to the endpoint is kept. */
  readonly idleMs: number
}

/** The contents of the files, so that a changed file is a changed plan, and new connections. */
export interface UpstreamTlsPlan {
  /** PEM; null: the authorities that Node ships. */
  readonly ca: string | null
  readonly cert: string | null
  readonly key: string | null
  readonly passphrase: string | null
  /** The name that is asked for and that the certificate must have; null: the endpoint's host. */
  readonly servername: string | null
  readonly verify: boolean
}

export interface RetriesPlan {
  /** After the first attempt; 0 turns retries off. */
  readonly attempts: number
  /** Share of the requests, 0 to 1, that may be sent again. */
  readonly budget: number
  /** That may be sent again per second and worker in any case. */
  readonly minPerSecond: number
  /** A body up to this length may be kept to be sent again. */
  readonly bodyBytes: number
  /** Statuses that count as failures: 502, 503, 504. */
  readonly on: readonly number[]
}

/** Within the budget of the retries: see proxy/hedging/hedging.ts. */
export interface HedgingPlan {
  /** Of the answers, 0.5 to 0.999, that have begun by the time that a request is hedged. */
  readonly share: number
  /** No hedge is sent earlier. */
  readonly minMs: number
  /** None waits longer, even where `minMs` is longer. 0: the share alone decides. */
  readonly maxMs: number
  readonly methods: HedgedMethods
}

export const hedgedMethods = ['idempotent', 'safe'] as const
export type HedgedMethods = (typeof hedgedMethods)[number]

export interface QueuePlan {
  /** Requests that may wait, per worker. 0: none. */
  readonly limit: number
  readonly timeoutMs: number
  /** A wait above this is too long, if it is so all through an interval. 0: any wait is in order. */
  readonly targetMs: number
  readonly intervalMs: number
}

/** Passive outlier detection: see proxy/outliers.ts. */
export interface OutliersPlan {
  /** In a row, that eject an endpoint. */
  readonly failures: number
  /** For how long, the first time. */
  readonly timeMs: number
  /** At most. */
  readonly maxTimeMs: number
  /** Of the upstream's endpoints, 0 to 1, that may be out for their answers. */
  readonly maxOut: number
  /** An endpoint that typically takes so many times as long as the others is ejected, too. null: none is for that. */
  readonly slowFactor: number | null
}

export interface HealthPlan {
  /** null: a TCP connect is the check. Otherwise a GET of this target that must answer 2xx or 3xx. */
  readonly path: string | null
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Consecutive failures that take an endpoint out. */
  readonly unhealthyAfter: number
  /** Consecutive successes that bring it back. */
  readonly healthyAfter: number
}
