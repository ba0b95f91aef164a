/**
 * The Plan: the immutable, compiled form of a configuration. Plain data (it crosses the process border as JSON),
 * with every default resolved, every duration in milliseconds and every name checked. The control plane makes it,
 * the workers build their state from it, and a reload replaces it whole.
 */

import type { ListenerPlan } from './listener-plan.ts'
import type { RoutePlan } from './route-plan.ts'
import type { UpstreamPlan } from './upstream-plan.ts'

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
  /** Absent: they are served nowhere. */
  readonly metrics?: MetricsPlan
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

/** Where the control process serves metrics. */
export interface MetricsPlan {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}
