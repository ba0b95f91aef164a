import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { readConfig } from '../../../src/config/load.ts'
import type { Plan } from '../../../src/plan/plan.ts'
import {
  accepted,
  configWith,
  planOf,
  routesWith,
  smallestFile,
  upstreamWith,
  writtenOutFile,
} from './read.ts'

/** The plan of CONTRACT's written-out file, spelled out by hand. */
const writtenOutPlan: Plan = {
  listeners: [{ host: '0.0.0.0', port: 8080 }],
  workers: 1,
  drainTimeoutMs: 20_000,
  upstreams: [
    {
      name: 'app',
      endpoints: [
        { id: 'app/http://127.0.0.1:9001', origin: 'http://127.0.0.1:9001', weight: 1 },
        { id: 'app/http://127.0.0.1:9002', origin: 'http://127.0.0.1:9002', weight: 1 },
      ],
      balance: 'round-robin',
      slowStartMs: 10_000,
      outliers: { failures: 5, timeMs: 10_000, maxTimeMs: 60_000, maxOut: 0.5, slowFactor: null },
      connections: 64,
      pipelining: 1,
      timeouts: { connectMs: 5000, headersMs: 30_000, bodyMs: 60_000, idleMs: 4000 },
      queue: { limit: 1024, timeoutMs: 5000, targetMs: 0, intervalMs: 100 },
      retries: { attempts: 1, budget: 0.2, minPerSecond: 3, bodyBytes: 65_536, on: [] },
      health: { path: null, intervalMs: 10_000, timeoutMs: 2000, unhealthyAfter: 3, healthyAfter: 2 },
    },
  ],
  routes: [
    {
      host: null,
      path: '/isolated',
      forwardPath: 'received',
      timeoutMs: 0,
      target: { kind: 'respond', respond: { status: 200, headers: [], body: '' } },
    },
    {
      host: null,
      path: null,
      forwardPath: 'received',
      timeoutMs: 0,
      target: { kind: 'upstream', upstream: 'app' },
    },
  ],
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
}

test('compile written_out_file gives the plan it spells out', () => {
  assert.deepEqual(accepted(readConfig(writtenOutFile)), writtenOutPlan)
})

test('compile smallest_file gives the same plan but for the isolated route', () => {
  const plan = accepted(readConfig(smallestFile))
  assert.deepEqual(plan, { ...writtenOutPlan, routes: writtenOutPlan.routes.slice(1) })
})

test('compile any_plan survives the process border', () => {
  const plan = accepted(readConfig(writtenOutFile))
  assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan)
})

test('compile listen_in_each_form gives listeners', () => {
  const forms: [listen: unknown, listeners: Plan['listeners']][] = [
    [80, [{ host: '0.0.0.0', port: 80 }]],
    [{ host: '::1', port: 80 }, [{ host: '::1', port: 80 }]],
    [
      [80, { host: '127.0.0.1', port: 81 }],
      [
        { host: '0.0.0.0', port: 80 },
        { host: '127.0.0.1', port: 81 },
      ],
    ],
  ]
  for (const [listen, listeners] of forms)
    assert.deepEqual(planOf(configWith({ listen })).listeners, listeners)
})

test('compile metrics_in_each_form gives an address, and without it none', () => {
  assert.deepEqual(planOf(configWith({ metrics: 9464 })).metrics, { host: '127.0.0.1', port: 9464 })
  assert.deepEqual(planOf(configWith({ metrics: { port: 0 } })).metrics, { host: '127.0.0.1', port: 0 })
  const everywhere = { host: '::', port: 9464 }
  assert.deepEqual(planOf(configWith({ metrics: everywhere })).metrics, everywhere)
  assert.equal('metrics' in planOf(configWith({})), false)
})

test('compile listen_missing is port 8080', () => {
  assert.deepEqual(planOf(configWith({})).listeners, [{ host: '0.0.0.0', port: 8080 }])
})

test('compile workers_auto is one per core', () => {
  assert.equal(planOf(configWith({ workers: 'auto' })).workers, Math.min(availableParallelism(), 1024))
  assert.equal(planOf(configWith({ workers: 7 })).workers, 7)
})

test('compile short_upstream equals the long one', () => {
  const short = planOf({ upstreams: { app: ['http://a', { url: 'http://b', weight: 3 }] } })
  const long = planOf({
    upstreams: { app: { endpoints: [{ url: 'http://a' }, { url: 'http://b', weight: 3 }] } },
  })
  assert.deepEqual(short, long)
  assert.deepEqual(short.upstreams[0]?.endpoints, [
    { id: 'app/http://a', origin: 'http://a', weight: 1 },
    { id: 'app/http://b', origin: 'http://b', weight: 3 },
  ])
})

test('compile endpoint_in_any_spelling has one origin and id', () => {
  for (const url of ['http://App:80', 'http://app/', 'http://APP:080/']) {
    assert.deepEqual(planOf({ upstreams: { x: [url] } }).upstreams[0]?.endpoints, [
      { id: 'x/http://app', origin: 'http://app', weight: 1 },
    ])
  }
})

test('compile settings_of_an_upstream arrive in milliseconds', () => {
  const [upstream] = planOf(
    upstreamWith({
      balance: 'random',
      slowStart: '10s',
      connections: 2,
      pipelining: 3,
      timeouts: { connect: '250ms', headers: '1.5s', body: '0s', idle: '1m' },
      queue: { limit: 4, timeout: '2s', target: '5ms', interval: '1s' },
      health: { path: '/up', interval: '1s', timeout: '100ms', unhealthyAfter: 5, healthyAfter: 6 },
    }),
  ).upstreams
  assert.deepEqual(upstream, {
    name: 'app',
    endpoints: [{ id: 'app/http://127.0.0.1:9001', origin: 'http://127.0.0.1:9001', weight: 1 }],
    balance: 'random',
    slowStartMs: 10_000,
    outliers: { failures: 5, timeMs: 10_000, maxTimeMs: 60_000, maxOut: 0.5, slowFactor: null },
    connections: 2,
    pipelining: 3,
    timeouts: { connectMs: 250, headersMs: 1500, bodyMs: 0, idleMs: 60_000 },
    queue: { limit: 4, timeoutMs: 2000, targetMs: 5, intervalMs: 1000 },
    retries: { attempts: 1, budget: 0.2, minPerSecond: 3, bodyBytes: 65_536, on: [] },
    health: { path: '/up', intervalMs: 1000, timeoutMs: 100, unhealthyAfter: 5, healthyAfter: 6 },
  })
})

test('compile health_false is no check', () => {
  assert.equal(planOf(upstreamWith({ health: false })).upstreams[0]?.health, null)
})

test('compile routes_empty and one upstream is one route for everything', () => {
  assert.deepEqual(planOf(configWith({ routes: [] })).routes, [
    {
      host: null,
      path: null,
      forwardPath: 'received',
      timeoutMs: 0,
      target: { kind: 'upstream', upstream: 'app' },
    },
  ])
})

test('compile routes keep their order, hosts go to lower case and paths stay', () => {
  const plan = planOf(
    routesWith(
      { host: '*.Example.COM', path: '/API/*', forwardPath: 'cleaned', upstream: 'app' },
      {
        path: '/old',
        respond: { status: 301, headers: { Location: '/new', 'X-B': '2', 'x-a': '' }, body: 'gone' },
      },
    ),
  )
  const headers = [
    ['Location', '/new'],
    ['X-B', '2'],
    ['x-a', ''],
  ]
  assert.deepEqual(plan.routes, [
    {
      host: '*.example.com',
      path: '/API/*',
      forwardPath: 'cleaned',
      timeoutMs: 0,
      target: { kind: 'upstream', upstream: 'app' },
    },
    {
      host: null,
      path: '/old',
      forwardPath: 'received',
      timeoutMs: 0,
      target: { kind: 'respond', respond: { status: 301, headers, body: 'gone' } },
    },
  ])
})

const accessLogs: [access: unknown, plan: Plan['log']['access']][] = [
  ['off', { errors: false, sample: 0 }],
  ['errors', { errors: true, sample: 0 }],
  ['all', { errors: true, sample: 1 }],
  [{ sample: 0.01 }, { errors: true, sample: 0.01 }],
]

for (const [access, plan] of accessLogs) {
  test(`compile access_log_${JSON.stringify(access)} is ${JSON.stringify(plan)}`, () => {
    assert.deepEqual(planOf(configWith({ log: { access } })).log.access, plan)
  })
}
