import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { ListenerPlan } from '../plan/listener-plan.ts'
import type { AccessLogPlan, MetricsPlan, Plan } from '../plan/plan.ts'
import type { FixedResponse, PriorityPlan, RoutePlan, RouteTarget } from '../plan/route-plan.ts'
import type {
  EndpointPlan,
  HealthPlan,
  HedgingPlan,
  OutliersPlan,
  UpstreamPlan,
} from '../plan/upstream-plan.ts'
import { balancePlan } from './balance-plan.ts'
import { clientsOfAll, clientsOfRoute } from './clients-plan.ts'
import { concurrencyPlan } from './concurrency-plan.ts'
import { parseDuration } from './duration.ts'
import { readEndpointUrl } from './endpoint-url.ts'
import { limits } from './limits.ts'
import type { Config, RouteConfig, UpstreamConfig } from './schema.ts'
import type { HedgingConfig } from './schema-hedging.ts'
import { type ListenerConfig, listener, longListener } from './schema-listener.ts'
import { metricsSettings } from './schema-metrics.ts'
import { defaultSlowFactor } from './schema-outliers.ts'
import { upstreamSettings } from './schema-upstream.ts'
import { parseSize } from './size.ts'
import { tlsPlan } from './tls-files.ts'
import { upstreamTlsPlan } from './upstream-tls.ts'

/** Of https (RFC 9110, section 4.2.2). */
const httpsPort = 443

/**
 * The plan of a configuration that `loadConfig` has accepted: short forms written out, durations in milliseconds,
 * `"auto"` workers counted on this machine. Relative paths begin in `directory`. Throws only if it is given one that was not.
 */
export function compile(config: Config, directory = '.'): Plan {
  const upstreams = Object.entries(config.upstreams).map(([name, upstream]) =>
    upstreamPlan(name, upstream, directory),
  )
  return {
    listeners: (Array.isArray(config.listen) ? config.listen : [config.listen]).map((form) =>
      listenerPlan(form, directory),
    ),
    workers:
      config.workers === 'auto' ? Math.min(availableParallelism(), limits.workers.max) : config.workers,
    drainTimeoutMs: milliseconds(config.drainTimeout),
    upstreams,
    routes:
      config.routes.length > 0
        ? config.routes.map((route) => routePlan(config, route))
        : upstreams.map((upstream) => everythingTo(config, upstream)),
    limits: {
      headBytes: bytes(config.limits.headBytes),
      headerCount: config.limits.headers,
      targetBytes: bytes(config.limits.targetBytes),
      bodyBytes: bytes(config.limits.bodyBytes),
      minRate: {
        bytesPerSecond: bytes(config.limits.minRate.bytes),
        overMs: milliseconds(config.limits.minRate.over),
      },
      connections: config.limits.connections,
      connectionRequests: config.limits.connectionRequests,
      connectionAgeMs: milliseconds(config.limits.connectionAge),
    },
    websocket: {
      connections: config.websocket.connections,
      payloadBytes: bytes(config.websocket.payload),
      idleMs: milliseconds(config.websocket.idle),
    },
    forwarding: { trustedProxies: config.trustedProxies, ...config.forwarding },
    log: { level: config.log.level, access: accessLogPlan(config.log.access) },
    ...(config.metrics === undefined ? undefined : { metrics: metricsPlan(config.metrics) }),
  }
}

function metricsPlan(config: NonNullable<Config['metrics']>): MetricsPlan {
  return typeof config === 'number' ? metricsSettings.parse({ port: config }) : config
}

function listenerPlan(form: number | string | ListenerConfig, directory: string): ListenerPlan {
  const config = typeof form === 'object' ? form : listener.parse(longListener(form))
  const { tls, redirectToHttps, unix, mode = '0600', proxyProtocol } = config
  const path = unix === undefined ? null : resolve(directory, unix)
  return {
    host: path === null ? config.host : `unix:${path}`,
    port: path === null ? config.port : 0,
    ...(path === null ? undefined : { unix: { path, mode: Number.parseInt(mode, 8) } }),
    ...(proxyProtocol === undefined ? undefined : { proxyProtocolFrom: proxyProtocol.from }),
    ...(tls === undefined ? undefined : { tls: tlsPlan(tls, directory) }),
    ...(redirectToHttps === undefined
      ? undefined
      : { redirectPort: redirectToHttps === true ? httpsPort : redirectToHttps }),
  }
}

function upstreamPlan(name: string, config: UpstreamConfig, directory: string): UpstreamPlan {
  const settings = Array.isArray(config) ? upstreamSettings.parse({ endpoints: config }) : config
  const { balance, connections, pipelining, timeouts, queue, retries, outliers, health } = settings
  const concurrency = concurrencyPlan(settings.concurrency)
  return {
    name,
    endpoints: settings.endpoints.map((endpoint) => endpointPlan(name, endpoint)),
    balance: balancePlan(name, balance),
    slowStartMs: milliseconds(settings.slowStart),
    connections,
    pipelining,
    ...(concurrency === undefined ? undefined : { concurrency }),
    timeouts: {
      connectMs: milliseconds(timeouts.connect),
      headersMs: milliseconds(timeouts.headers),
      bodyMs: milliseconds(timeouts.body),
      idleMs: milliseconds(timeouts.idle),
    },
    queue: {
      limit: queue.limit,
      timeoutMs: milliseconds(queue.timeout),
      targetMs: milliseconds(queue.target),
      intervalMs: milliseconds(queue.interval),
    },
    retries: { ...retries, bodyBytes: bytes(retries.bodyBytes) },
    ...(settings.hedging === false ? undefined : { hedging: hedgingPlan(settings.hedging) }),
    ...(settings.tls === undefined ? undefined : { tls: upstreamTlsPlan(settings.tls, directory) }),
    ...(settings.proxyProtocol === undefined ? undefined : { proxyProtocol: settings.proxyProtocol }),
    outliers: outliers === false ? null : outliersPlan(outliers, balance),
    health: health === false ? null : healthPlan(health),
  }
}

type UpstreamSettings = Exclude<UpstreamConfig, readonly unknown[]>

function endpointPlan(upstream: string, config: UpstreamSettings['endpoints'][number]): EndpointPlan {
  const { url, weight, backup, drain } = typeof config === 'string' ? oneShareOf(config) : config
  const read = readEndpointUrl(url)
  if (read.fault !== null) throw new Error(`endpoint ${url} of upstream ${upstream}: ${read.fault}`)
  return {
    id: `${upstream}/${read.origin}`,
    origin: read.origin,
    weight,
    ...(backup ? { backup } : undefined),
    ...(drain ? { drain } : undefined),
  }
}

function oneShareOf(url: string) {
  return { url, weight: 1, backup: false, drain: false }
}

function hedgingPlan({ percentile, min, max, methods }: Exclude<HedgingConfig, false>): HedgingPlan {
  return { share: percentile / 100, minMs: milliseconds(min), maxMs: milliseconds(max), methods }
}

function outliersPlan(
  config: Exclude<UpstreamSettings['outliers'], false>,
  balance: UpstreamSettings['balance'],
): OutliersPlan {
  const timeMs = milliseconds(config.time)
  const maxTimeMs = Math.max(timeMs, milliseconds(config.maxTime))
  const { failures, maxOut, slowFactor = defaultSlowFactor(balance) } = config
  return { failures, timeMs, maxTimeMs, maxOut, slowFactor: slowFactor === false ? null : slowFactor }
}

function healthPlan(config: Exclude<UpstreamSettings['health'], false>): HealthPlan {
  return {
    path: config.path ?? null,
    intervalMs: milliseconds(config.interval),
    timeoutMs: milliseconds(config.timeout),
    unhealthyAfter: config.unhealthyAfter,
    healthyAfter: config.healthyAfter,
  }
}

function routePlan(all: Config, config: RouteConfig): RoutePlan {
  const { host, path, upstream, respond } = config
  return {
    host: host?.toLowerCase() ?? null,
    path: path ?? null,
    forwardPath: config.forwardPath,
    timeoutMs: milliseconds(config.timeout),
    ...(config.priority === 'normal' ? undefined : { priority: priorityPlan(config.priority) }),
    ...clientsOfRoute(all, config),
    ...(config.mirror === undefined ? undefined : { mirror: config.mirror }),
    target:
      respond === undefined
        ? upstreamTarget(upstream ?? '', config.upstreamHeader)
        : { kind: 'respond', respond: fixedResponse(respond) },
  }
}

function priorityPlan(config: RouteConfig['priority']): PriorityPlan {
  if (typeof config === 'string') return config
  return {
    header: config.header.toLowerCase(),
    values: Object.entries(config.values),
    default: config.default,
  }
}

function upstreamTarget(
  upstream: NonNullable<RouteConfig['upstream']>,
  header: string | undefined,
): RouteTarget {
  if (typeof upstream === 'string') return { kind: 'upstream', upstream }
  const split = { parts: upstream, header: header?.toLowerCase() ?? null }
  return { kind: 'upstream', upstream: upstream[0]?.upstream ?? '', split }
}

/** No routes: `crossCheck` has made sure that there is one upstream, so this is the only route. */
function everythingTo(all: Config, { name }: UpstreamPlan): RoutePlan {
  return {
    host: null,
    path: null,
    forwardPath: 'received',
    timeoutMs: 0,
    ...clientsOfAll(all),
    target: { kind: 'upstream', upstream: name },
  }
}

function fixedResponse({ status, headers, body }: NonNullable<RouteConfig['respond']>): FixedResponse {
  return { status, headers: Object.entries(headers), body }
}

function accessLogPlan(config: Config['log']['access']): AccessLogPlan {
  if (typeof config === 'object') return { errors: true, sample: config.sample }
  return { errors: config !== 'off', sample: config === 'all' ? 1 : 0 }
}

function milliseconds(text: string): number {
  const ms = parseDuration(text)
  if (ms === null) throw new Error(`${JSON.stringify(text)} is no duration`)
  return ms
}

function bytes(text: string): number {
  const size = parseSize(text)
  if (size === null) throw new Error(`${JSON.stringify(text)} is no size`)
  return size
}
