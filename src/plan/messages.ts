/**
 * What the two planes say to each other: a few messages in the life of a worker, never one per request.
 *
 *     control -> worker   plan (first message, and again on reload) · health · drain · report · measure · ping
 *     worker -> control   listening (once per listener) · ready · rejected · stats · drained · pong
 */
import type { ListenerPlan } from './listener-plan.ts'
import type { Plan } from './plan.ts'
import type { RequestStats } from './request-stats.ts'

/** Endpoint ids that are out at this moment. Whoever is not named is healthy. */
export type Unhealthy = readonly string[]

export type ToWorker =
  | { readonly type: 'plan'; readonly plan: Plan; readonly unhealthy: Unhealthy }
  | { readonly type: 'health'; readonly id: string; readonly healthy: boolean }
  | { readonly type: 'drain' }
  /** It logs its statistics. */
  | { readonly type: 'report' }
  /** To be answered with `stats`. */
  | { readonly type: 'measure' }
  /** To be answered with `pong`: whether it still turns its event loop. */
  | { readonly type: 'ping' }

export type FromWorker =
  | { readonly type: 'listening'; readonly listener: ListenerPlan }
  /** Every listener of the plan accepts. */
  | { readonly type: 'ready' }
  /** The plan could not be put into effect: the old one (if any) goes on. */
  | { readonly type: 'rejected'; readonly reason: string }
  | { readonly type: 'stats'; readonly stats: WorkerStats }
  /** In-flight is 0 (or time was up), the listeners are closed: the worker exits now. */
  | { readonly type: 'drained' }
  | { readonly type: 'pong' }

/** One worker's statistics, counted since it started. */
export interface WorkerStats {
  /** Exchanges that have begun and not ended. 0 at rest: the master invariant. */
  readonly inFlight: number
  /** Of these, waiting in an admission queue. */
  readonly queued: number
  /** Open client connections. */
  readonly connections: number
  /** Bridged WebSockets, handshakes under way included. Each is in flight from its handshake to its end. */
  readonly webSockets: number
  /** Exchanges by outcome name; only those that occurred. */
  readonly outcomes: Readonly<Record<string, number>>
  readonly upstreams: readonly UpstreamStats[]
  readonly endpoints: readonly EndpointStats[]
  /** Upstreams all of whose endpoints are ejected by this worker, and that are sent requests in spite of it. */
  readonly failingOpen: readonly string[]
  /** Of upstreams to which requests are copied. */
  readonly mirrors: readonly MirrorStats[]
  /** Of every table of limits per client. */
  readonly clientLimits: readonly ClientStats[]
  readonly rssBytes: number
  readonly heapUsedBytes: number
}

export interface UpstreamStats {
  readonly name: string
  /** Admitted and not ended. */
  readonly inFlight: number
  readonly queued: number
  /** What it may have in flight at the moment. */
  readonly concurrency: number
  /** Where `concurrency` is adaptive: its latency without a queue and without Weir's own work, in milliseconds; null until it is known. */
  readonly baseMs?: number | null
  readonly retries: RetryStats
  /** Where hedging is on. */
  readonly hedging?: HedgingStats
  /** Where metrics are served, since they are. */
  readonly requests?: RequestStats
}

/** Of requests; the second tries of WebSockets' handshakes are not among them. */
export interface RetryStats {
  /** Attempts that were begun since the one before had failed. */
  readonly sent: number
  /** Due, but not sent for lack of budget: the request failed, or got the status that was to be retried. */
  readonly withheld: number
}

export interface HedgingStats {
  /** How long a head may be awaited, in milliseconds; null until enough is known. */
  readonly afterMs: number | null
  readonly sent: number
  /** Of those sent, the ones that gave the answer. */
  readonly won: number
  /** Due, but not sent for lack of a free place, another endpoint or budget. */
  readonly withheld: number
}

export interface MirrorStats {
  readonly upstream: string
  readonly sent: number
  /** Not made, since the upstream had no free place. */
  readonly dropped: number
  /** Of those sent, without a whole answer. */
  readonly failed: number
}

export interface ClientStats {
  /** `all`, or the route's host and path. */
  readonly scope: string
  readonly dryRun: boolean
  /** Requests that were refused for their client's rate, or with `dryRun` would have been. */
  readonly aboveRate: number
  /** The same for requests in flight. */
  readonly aboveInFlight: number
  /** Clients that are remembered, and how many can be. */
  readonly keys: number
  readonly keysMax: number
  /** Clients that were forgotten too early, for lack of room. */
  readonly evicted: number
  /** Requests that were not counted, for lack of room. */
  readonly uncounted: number
}

export interface EndpointStats {
  readonly id: string
  /** The active check's verdict. */
  readonly healthy: boolean
  /** That of this worker's requests. `probing`: one request at a time. */
  readonly outlier: 'in' | 'out' | 'probing'
  /** Times that requests have ejected it since the worker started. */
  readonly ejections: number
  readonly inFlight: number
  /** Attempts begun here. */
  readonly attempts: number
  /** Established, of the pool; those that idle, too. */
  readonly connections: number
  /** Requests that undici has and has not ended: those in flight, but for the ones about to leave. */
  readonly dispatched: number
  /** Of these, the ones beyond what their connections take at once. 0: the admission queue is the only one. */
  readonly queued: number
}
