/**
 * The Plan: the immutable, compiled form of a configuration. Plain data (it crosses the process border as JSON),
 * with every default resolved, every duration in milliseconds and every name checked. The control plane makes it,
 * the workers build their state from it, and a reload replaces it whole.
 */

import type { ProxyVersion } from './proxy-header.ts'

/** The balancing policies. One file each in `proxy/balance/`. */
export const balancePolicies = [
  'round-robin',
  'least-connections',
  'random',
  'two-choices',
  'ewma',
  'hash',
  'sticky',
] as const
export type BalancePolicy = (typeof balancePolicies)[number]
/** Those that have no settings. */
export type PlainPolicy = Exclude<BalancePolicy, 'hash' | 'sticky'>
/** A policy; where there is nothing to set, its name alone. */
export type BalancePlan = PlainPolicy | HashPlan | StickyPlan

export interface HashPlan {
  readonly policy: 'hash'
  readonly by: HashKey
  /** An endpoint may have this many times the mean of what is in flight, above 1. */
  readonly loadFactor: number
}

/** What of a request is hashed. The name of a header is in lower case. */
export type HashKey =
  | 'address'
  | 'path'
  | { readonly header: string }
  | { readonly cookie: string }
  | { readonly query: string }

export interface StickyPlan {
  readonly policy: 'sticky'
  /** The name of the cookie. */
  readonly cookie: string
  /** Signs the cookie. null: none is configured, and the control process puts its own here before workers see it. */
  readonly secret: string | null
  /** Whom a request goes to that no cookie sends anywhere. */
  readonly fallback: PlainPolicy | HashPlan
}

export interface Plan {
  readonly listeners: readonly ListenerPlan[]
  /** Worker processes, 1 or more. `--inline` runs one, whatever this says. */
  readonly workers: number
  readonly drainTimeoutMs: number
  readonly upstreams: readonly UpstreamPlan[]
  /** In order: the first that matches wins. */
  readonly routes: readonly RoutePlan[]
  readonly limits: LimitsPlan
  readonly websocket: WebSocketPlan
  readonly forwarding: ForwardingPlan
  readonly log: LogPlan
}

/** What one client may have. Heads, targets and bodies above: 431, 431, 414, 413. */
export interface LimitsPlan {
  /** Request line and headers. */
  readonly headBytes: number
  readonly headerCount: number
  /** Path and query. */
  readonly targetBytes: number
  /** Infinity does not cross the process border: 0 means none. */
  readonly bodyBytes: number
  readonly minRate: MinRatePlan
  /** Client connections per worker. 0: any number. */
  readonly connections: number
  /** Of one client connection. 0: any number. */
  readonly connectionRequests: number
  /** Of one client connection. 0: any. */
  readonly connectionAgeMs: number
}

/** What a client must at least send or take while it is the one that is waited for. */
export interface MinRatePlan {
  /** 0: anything goes. */
  readonly bytesPerSecond: number
  /** How long it may fall short from a full credit. */
  readonly overMs: number
}

export interface WebSocketPlan {
  /** Bridged at a time, per worker. */
  readonly connections: number
  /** Of one message, either way. */
  readonly payloadBytes: number
  /** Without a sign of life of the client, 8,000 to 960,000. */
  readonly idleMs: number
}

/** What endpoints are told about where a request comes from. */
export interface ForwardingPlan {
  /** Addresses and networks (CIDR) whose X-Forwarded-*, Forwarded and X-Request-Id are believed. */
  readonly trustedProxies: readonly string[]
  /** Send Forwarded (RFC 7239). */
  readonly forwarded: boolean
  /** Send Via (RFC 9110, section 7.6.3). */
  readonly via: boolean
  /** Send X-Request-Id, and log it. */
  readonly requestId: boolean
}

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

export interface RoutePlan {
  /** null: any. Lower case, without port; `*.example.com` matches every name below `example.com`, not itself. */
  readonly host: string | null
  /** null: any. Exact, or a prefix when it ends in `/*` (`/api/*` matches `/api/` and below, and `/api` itself). */
  readonly path: string | null
  readonly target: RouteTarget
  /** What goes upstream: the target as the client sent it, or with the path that the route was matched on. */
  readonly forwardPath: ForwardPath
  /** From the request's head to the end of the response; 0: none. */
  readonly timeoutMs: number
  /** Absent: everybody may come. */
  readonly access?: AccessPlan
  /** To which upstream a share, 0 to 1, of the requests without a body is copied. Absent: none is. */
  readonly mirror?: { readonly upstream: string; readonly share: number }
  /** Who goes first when requests wait. Absent: `normal`. */
  readonly priority?: PriorityPlan
  /** Absent: as often as they like. */
  readonly clientLimits?: ClientLimitsPlan
}

/** The classes of the admission queue, the first goes first. */
export const priorityWords = ['high', 'normal', 'low'] as const
export type PriorityWord = (typeof priorityWords)[number]

export type PriorityPlan = PriorityWord | HeaderPriorityPlan

/** By the whole value of a header, whose name is in lower case. */
export interface HeaderPriorityPlan {
  readonly header: string
  readonly values: readonly (readonly [value: string, priority: PriorityWord])[]
  /** For every other value, and without the header. */
  readonly default: PriorityWord
}

/** Addresses and networks (CIDR). Who is denied is denied, whatever `allow` says; an empty `allow` is everybody. */
export interface AccessPlan {
  readonly allow: readonly string[]
  readonly deny: readonly string[]
}

/** Per client and worker. */
export interface ClientLimitsPlan {
  /** Routes with the same one count together: `all`, or a route's host and path. */
  readonly scope: string
  /** A token bucket; null: any rate. */
  readonly rate: { readonly requests: number; readonly perMs: number; readonly burst: number } | null
  /** 0: any number. */
  readonly inFlight: number
  /** What makes a client. The name of a header is in lower case. */
  readonly by: 'address' | { readonly header: string } | { readonly cookie: string }
  /** Clients that are remembered at a time. */
  readonly keys: number
  /** Count, but refuse nothing. */
  readonly dryRun: boolean
}

export const forwardPaths = ['received', 'cleaned'] as const
export type ForwardPath = (typeof forwardPaths)[number]

export type RouteTarget =
  /** With `split` to one of several, the first of which is `upstream`. */
  | { readonly kind: 'upstream'; readonly upstream: string; readonly split?: SplitPlan }
  | { readonly kind: 'respond'; readonly respond: FixedResponse }

export interface SplitPlan {
  /** Each upstream once; some weight is above 0. */
  readonly parts: readonly { readonly upstream: string; readonly weight: number }[]
  /** Whose value may name one of them; lower case. null: none. */
  readonly header: string | null
}

/** An answer that touches no upstream. */
export interface FixedResponse {
  /** 200 to 599. */
  readonly status: number
  /** Pairs, in order; validated: nothing here can split a response. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export interface LogPlan {
  readonly level: LogLevel
  readonly access: AccessLogPlan
}

export interface AccessLogPlan {
  /** Log exchanges that ended in a 5xx or were aborted. */
  readonly errors: boolean
  /** Share of all other exchanges that is logged, 0 to 1. */
  readonly sample: number
}
