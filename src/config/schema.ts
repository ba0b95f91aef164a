/**
 * The outline of `config.json`. The descriptions are the manual: they go into `config.schema.json`, and an editor
 * shows them. Whoever adds a setting says what it is, its default, its range and its danger.
 *
 * Here stands what one value may be. What several values must be together stands in `checks.ts`.
 */
import { z } from 'zod'
import { logLevels } from '../plan/plan.ts'
import { limits } from './limits.ts'
import { choice, duration, fraction, integer, list, named, section } from './nodes.ts'
import { access, clientLimits } from './schema-clients.ts'
import { forwarding, trustedProxies } from './schema-forwarding.ts'
import { limits as requestLimits } from './schema-limits.ts'
import { listener, listenPort, listenUnix } from './schema-listener.ts'
import { metrics } from './schema-metrics.ts'
import { route } from './schema-route.ts'
import { upstreamName } from './schema-split.ts'
import { upstream } from './schema-upstream.ts'
import { websocket } from './schema-websocket.ts'

const listenForm = z
  .union([listenPort, listenUnix, listener], {
    error: 'a port from 0 to 65535, or an object such as {"host":"127.0.0.1","port":8080}',
  })
  .describe('One listener: a port, or an object with "host" and "port".')

const listeners = list(listenForm, 'listeners', limits.listeners).describe(
  'Several listeners, 1 to 64, each address and port once.',
)

const listen = z
  .union([listenPort, listenUnix, listener, listeners], {
    error: 'a port from 0 to 65535, an object with the keys host, port, or an array of these',
  })
  .prefault(8080)
  .describe(
    'Where clients connect: a port, an object with "host" and "port", or an array of up to 64 of these. Default 8080, on ' +
      'every IPv4 interface.',
  )

const workers = z
  .union(
    [
      integer(limits.workers).describe('This many workers, 1 to 1024.'),
      z.literal('auto').describe('A worker for each core that this process may use.'),
    ],
    { error: 'a whole number from 1 to 1024, or "auto"' },
  )
  .default(1)
  .describe(
    'Worker processes that share the listeners: 1 to 1024, or "auto" for one per core. Default 1. Connections, queues and ' +
      'balancing are per worker: twice the workers may open twice the connections to each endpoint.',
  )

const accessLog = z
  .union(
    [
      choice(['off', 'errors', 'all']).describe('None, those that failed, or all of them.'),
      section({
        sample: fraction().describe('Share of the other requests to log, 0 to 1: 0.01 is one in a hundred.'),
      }).describe('Errors always, of the rest a random sample.'),
    ],
    { error: 'one of "off", "errors", "all", or an object such as {"sample":0.01}' },
  )
  .default('errors')
  .describe(
    'Which requests are logged: "off": none; "errors": those answered 5xx or aborted; "all"; {"sample": 0.01}: errors ' +
      'and this share of the rest. Default "errors". "all" writes a line for each request, which is expensive at high rates.',
  )

const log = section({
  level: choice(logLevels)
    .default('info')
    .describe('The least severe message that is logged. Default "info". "silent" also hides failures.'),
  access: accessLog,
})
  .prefault({})
  .describe('Logs, as JSON lines on standard output.')

export const configSchema = section({
  $schema: z
    .string({ error: 'the path or URL of config.schema.json' })
    .optional()
    .describe(
      'For editors: "./config.schema.json" makes them complete and check this file. Weir does not read it.',
    ),
  listen,
  workers,
  drainTimeout: duration(limits.drainTimeoutMs)
    .default('20s')
    .describe(
      'How long requests in flight may take to finish after SIGTERM or SIGINT. "1ms" to "24h"; default "20s". What is left ' +
        'then is cut off. Keep it below what the service manager waits before it kills (Kubernetes: 30s, systemd: 90s).',
    ),
  upstreams: named(upstreamName, upstream, 'upstreams', limits.upstreams)
    .default({})
    .describe('The upstreams by name: groups of endpoints to which routes send requests. At most 1000.'),
  routes: list(route, 'routes', limits.routes)
    .default([])
    .describe(
      'Which request goes where. The first route that matches wins, so a route with neither host nor path comes last. What ' +
        'none matches gets 404. At most 10000. Default: with one upstream, everything goes to it; with several, ' +
        'routes are needed.',
    ),
  access: access.optional(),
  clientLimits: clientLimits.optional(),
  limits: requestLimits,
  websocket,
  trustedProxies,
  forwarding,
  log,
  metrics,
}).describe('The configuration of Weir, an HTTP load balancer.')

/** What the user wrote, with every default filled in. Durations and short forms stand as written. */
export type Config = z.output<typeof configSchema>
export type UpstreamConfig = Config['upstreams'][string]
export type RouteConfig = Config['routes'][number]
