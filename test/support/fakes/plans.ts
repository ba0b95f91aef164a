/** Plans for tests: small, complete, and changed only in what a test is about. */
import type { BalancePlan, BalancePolicy } from '../../../src/plan/balance-plan.ts'
import type { ListenerPlan } from '../../../src/plan/listener-plan.ts'
import type { Plan } from '../../../src/plan/plan.ts'
import type { FixedResponse, RoutePlan } from '../../../src/plan/route-plan.ts'
import type { EndpointPlan, QueuePlan, UpstreamPlan } from '../../../src/plan/upstream-plan.ts'

export const timeouts = { connectMs: 1_000, headersMs: 2_000, bodyMs: 3_000, idleMs: 4_000 } as const

export function endpointPlan(name: string, port = 9, weight = 1): EndpointPlan {
  return { id: `app/${name}`, origin: `http://127.0.0.1:${port}`, weight }
}

/** Every policy, with settings where it has any. */
export const balancePlans: Readonly<Record<BalancePolicy, BalancePlan>> = {
  'round-robin': 'round-robin',
  'least-connections': 'least-connections',
  random: 'random',
  'two-choices': 'two-choices',
  ewma: 'ewma',
  hash: { policy: 'hash', by: 'address', loadFactor: 1.25 },
  sticky: { policy: 'sticky', cookie: 'weir', secret: 'a secret of sixteen', fallback: 'round-robin' },
}

/** Room for ten; the delay is not controlled. */
export function queuePlan(changes: Partial<QueuePlan> = {}): QueuePlan {
  return { limit: 10, timeoutMs: 5_000, targetMs: 0, intervalMs: 100, ...changes }
}

/** One endpoint `app/a`, round-robin, one connection, nothing pipelined, room for ten in the queue, no health check. */
export function upstreamPlan(changes: Partial<UpstreamPlan> = {}): UpstreamPlan {
  return {
    name: 'app',
    endpoints: [endpointPlan('a')],
    balance: 'round-robin',
    slowStartMs: 10_000,
    connections: 1,
    pipelining: 1,
    timeouts,
    queue: queuePlan(),
    retries: { attempts: 1, budget: 0.2, minPerSecond: 3, bodyBytes: 65_536, on: [] },
    outliers: { failures: 5, timeMs: 10_000, maxTimeMs: 60_000, maxOut: 0.5, slowFactor: null },
    health: null,
    ...changes,
  }
}

/** A route to the upstream `app`. */
export function upstreamRoute(host: string | null, path: string | null, upstream = 'app'): RoutePlan {
  return { host, path, forwardPath: 'received', timeoutMs: 0, target: { kind: 'upstream', upstream } }
}

export function fixedRoute(path: string | null, respond: Partial<FixedResponse> = {}): RoutePlan {
  return {
    host: null,
    path,
    forwardPath: 'received',
    timeoutMs: 0,
    target: { kind: 'respond', respond: { status: 200, headers: [], body: '', ...respond } },
  }
}

export function loopback(port: number): ListenerPlan {
  return { host: '127.0.0.1', port }
}

/** Everything to the upstream `app`; no listener. */
export function plan(changes: Partial<Plan> = {}): Plan {
  return {
    listeners: [],
    workers: 1,
    drainTimeoutMs: 1_000,
    upstreams: [upstreamPlan()],
    routes: [upstreamRoute(null, null)],
    limits: {
      headBytes: 16_384,
      headerCount: 98,
      targetBytes: 8_192,
      bodyBytes: 0,
      minRate: { bytesPerSecond: 1_024, overMs: 60_000 },
      connections: 16_384,
      connectionRequests: 0,
      connectionAgeMs: 0,
    },
    websocket: { connections: 10_000, payloadBytes: 16 * 1024 ** 2, idleMs: 120_000 },
    forwarding: { trustedProxies: [], forwarded: false, via: false, requestId: false },
    log: { level: 'info', access: { errors: true, sample: 0 } },
    ...changes,
  }
}
