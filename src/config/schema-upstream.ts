import { z } from 'zod'
import { proxyVersions } from '../plan/proxy-header.ts'
import { readEndpointUrl } from './endpoint-url.ts'
import { limits } from './limits.ts'
import { choice, duration, flag, integer, list, section, text } from './nodes.ts'
import { balance } from './schema-balance.ts'
import { concurrency } from './schema-concurrency.ts'
import { hedging } from './schema-hedging.ts'
import { outliers } from './schema-outliers.ts'
import { queue } from './schema-queue.ts'
import { retries } from './schema-retries.ts'
import { upstreamTls } from './schema-upstream-tls.ts'
import { checkPathFault } from './target.ts'

const endpointUrl = text({
  expected: 'an endpoint, "http://host[:port]", "https://host[:port]" or "unix:/path"',
  fault: (url) => readEndpointUrl(url).fault,
  maxLength: 300,
  pattern: '^(https?://|unix:/)',
}).describe(
  'Where the endpoint listens: "http://host[:port]" or "https://host[:port]", port 80 or 443 by default, or ' +
    '"unix:/run/app.sock", HTTP over a Unix socket. No path, query or credentials: the ' +
    "request's own path is sent unchanged. A name is resolved whenever a connection is opened.",
)

const weight = integer(limits.weight)
  .default(1)
  .describe(
    'Share of the traffic relative to the other endpoints of the upstream: 3 gets three times what 1 gets. 0 to 256; ' +
      'default 1; 0: only what a cookie of "sticky" sends there. "round-robin", "random" and "hash" follow it exactly ' +
      'or on average; the others compare the requests in flight divided by the weight.',
  )

const backup = flag()
  .default(false)
  .describe(
    'Takes requests only while no endpoint without "backup" is available; several backups share them by weight. Default false. ' +
      'Health checks include it, and a cookie of "sticky" that names it is followed.',
  )

const drain = flag()
  .default(false)
  .describe(
    'Takes no new requests. What is in flight is finished, and with "sticky" requests whose cookie names it still come, so that ' +
      'sessions can end there. Default false. Set it and reload before taking a server down; the weight stays in the file for ' +
      'later. With every endpoint draining, requests are answered 503.',
  )

const endpointSettings = section({ url: endpointUrl, weight, backup, drain })

const endpoint = z
  .union([endpointUrl, endpointSettings.describe('An endpoint with its settings.')], {
    error:
      'an endpoint: a URL such as "http://127.0.0.1:9001", or an object with the keys url, weight, backup, drain',
  })
  .describe('One address of the upstream: a URL, or an object with "url", "weight", "backup" and "drain".')

const endpoints = list(endpoint, 'endpoints', limits.endpoints).describe(
  'The addresses that share the traffic, 1 to 1000, each once.',
)

const timeouts = section({
  connect: duration(limits.timeoutMs)
    .default('5s')
    .describe(
      'From the start of an attempt to an established connection. Default "5s"; up to "24h"; "0s": no limit, and then ' +
        'an endpoint that silently drops packets holds the request for as long as the kernel keeps trying.',
    ),
  headers: duration(limits.timeoutMs)
    .default('30s')
    .describe(
      'From a request sent to the head of the endpoint\'s answer. Default "30s"; up to "24h"; "0s": no limit. Above ' +
        'it the client gets 504. Set it above the slowest legitimate answer: the endpoint goes on working.',
    ),
  body: duration(limits.timeoutMs)
    .default('60s')
    .describe(
      'Between two pieces of a body, in either direction; not for the whole body. Default "60s"; up to "24h"; "0s": no ' +
        'limit. Streams that are silent for long (server-sent events) need a higher one or a heartbeat.',
    ),
  idle: duration(limits.timeoutMs)
    .default('4s')
    .describe(
      'How long an unused connection to an endpoint is kept. Default "4s"; up to "24h"; "0s": no limit. Keep it below ' +
        "the endpoint's own keep-alive time-out (5s in Node and uvicorn, 75s in nginx): when the endpoint closes first, " +
        'a request can be lost on the way.',
    ),
})
  .prefault({})
  .describe('How long to wait for an endpoint, step by step. Every key has a default.')

const healthCheck = section({
  path: text({
    expected: 'a path that begins with "/", such as "/healthz"',
    fault: checkPathFault,
    maxLength: limits.pathLength,
    pattern: '^/',
  })
    .optional()
    .describe(
      'Check with a GET of this path, which must answer 2xx or 3xx. By default there is no path and a TCP connection ' +
        'that opens is enough, which says nothing about the service behind it.',
    ),
  interval: duration(limits.healthIntervalMs)
    .default('10s')
    .describe(
      'The pause between two checks of an endpoint, give or take a fifth. "10ms" to "24h"; default "10s". While checks contradict ' +
        'its state, failures while it is up or successes while it is out, the pause is a quarter of that, though no less than 500 ms unless ' +
        '"interval" is: with the defaults a dead endpoint is out some 5 s after its first failed check, and up to "timeout" more for ' +
        'each check that nobody answers.',
    ),
  timeout: duration(limits.healthTimeoutMs)
    .default('2s')
    .describe('How long a check may take before it counts as failed. "1ms" to "24h"; default "2s".'),
  unhealthyAfter: integer(limits.healthStreak)
    .default(3)
    .describe(
      'Failures in a row that take an endpoint out. 1 to 100; default 3. With 1, a single lost packet does; when every ' +
        'endpoint is out, requests are answered 503.',
    ),
  healthyAfter: integer(limits.healthStreak)
    .default(2)
    .describe('Successes in a row that bring an endpoint back. 1 to 100; default 2.'),
})

const health = z
  .union(
    [
      z.literal(false).describe('No active check: every endpoint counts as healthy.'),
      healthCheck.describe('Settings of the check.'),
    ],
    {
      error: 'false, or an object with the keys path, interval, timeout, unhealthyAfter, healthyAfter',
    },
  )
  .prefault({})
  .describe(
    'The active check of every endpoint. By default a TCP connection some 10 seconds after the one before; an HTTP GET with "path"; false ' +
      'turns it off, and then requests keep going to an endpoint that is down.',
  )

/** An upstream in its long form. The short form, an array, is `endpoints` with everything else at its default. */
export const upstreamSettings = section({
  endpoints,
  balance,
  slowStart: duration(limits.slowStartMs)
    .default('10s')
    .describe(
      'An endpoint that was down (by its health checks, ejected by "outliers", or refusing connections for more than a second) ' +
        'comes back with a tenth of its weight, and has all of it after this time. Default "10s"; up to "24h"; "0s": at once. ' +
        'It does not apply at the start, to an endpoint that a reload adds, nor to "hash", whose keys would move with the weight.',
    ),
  connections: integer(limits.connections)
    .default(64)
    .describe(
      'Connections per endpoint and per worker, opened as they are needed. 1 to 10000; default 64. With 4 workers an ' +
        'endpoint may see 256: keep the product below what it can serve. Requests beyond it wait in the queue.',
    ),
  pipelining: integer(limits.pipelining)
    .default(1)
    .describe(
      'Requests in flight on one connection (RFC 9112, section 9.3.2). 1 to 128; default 1: no pipelining. More saves CPU ' +
        'where many requests come at a time and answers take about the same short time: requests that leave together ' +
        'share a connection, and so do others while all connections are in use. A slow answer holds up those behind it ' +
        'on its connection. The endpoint must support pipelining.',
    ),
  concurrency,
  timeouts,
  queue,
  retries,
  hedging,
  tls: upstreamTls.optional(),
  proxyProtocol: choice(proxyVersions)
    .optional()
    .describe(
      'Begin each connection with a header of the PROXY protocol, text ("v1") or binary ("v2"), that carries the ' +
        "client's address (ports and the address it connected to are sent as 0). Endpoints must expect it: others " +
        'reject it as a malformed request. A connection then serves one request and closes behind it, so "pipelining" must be 1. ' +
        'Health checks send UNKNOWN (LOCAL in "v2"). With https the header comes before TLS. Default: none.',
    ),
  outliers,
  health,
})

export const upstream = z
  .union([endpoints, upstreamSettings.describe('An upstream with its settings.')], {
    error: 'an array of endpoint URLs, or an object with "endpoints"',
  })
  .describe(
    'A named group of endpoints that serve the same thing: an array of endpoints, or an object with "endpoints" and ' +
      'settings. The array is short for the object with every default.',
  )
