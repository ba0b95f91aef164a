import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configSchema } from '../../../src/config/schema.ts'
import { configWith, onlyProblem, planOf, problemsOf, routesWith, upstreamWith } from './read.ts'

test('schema empty_object gives every default of the top level', () => {
  assert.deepEqual(configSchema.parse({}), {
    listen: 8080,
    workers: 1,
    drainTimeout: '20s',
    upstreams: {},
    routes: [],
    limits: {
      headBytes: '16KiB',
      headers: 98,
      targetBytes: '8KiB',
      bodyBytes: '0B',
      minRate: { bytes: '1KiB', over: '60s' },
      connections: 16_384,
      connectionRequests: 0,
      connectionAge: '0s',
    },
    websocket: { connections: 10_000, payload: '16MiB', idle: '2m' },
    trustedProxies: [],
    forwarding: { forwarded: false, via: false, requestId: false },
    log: { level: 'info', access: 'errors' },
  })
})

test('schema endpoints_alone give every default of an upstream', () => {
  const endpoints = [{ url: 'http://127.0.0.1:9001' }]
  const { upstreams } = configSchema.parse({ upstreams: { app: { endpoints } } })
  assert.deepEqual(upstreams.app, {
    endpoints: [{ url: 'http://127.0.0.1:9001', weight: 1, backup: false, drain: false }],
    balance: 'round-robin',
    slowStart: '10s',
    outliers: { failures: 5, time: '10s', maxTime: '1m', maxOut: 0.5 },
    connections: 64,
    pipelining: 1,
    concurrency: 'off',
    timeouts: { connect: '5s', headers: '30s', body: '60s', idle: '4s' },
    queue: { limit: 1024, timeout: '5s', target: '0s', interval: '100ms' },
    retries: { attempts: 1, budget: 0.2, minPerSecond: 3, bodyBytes: '64KiB', on: [] },
    hedging: false,
    health: { interval: '10s', timeout: '2s', unhealthyAfter: 3, healthyAfter: 2 },
  })
})

/** Sections in which one key is set: all the others keep their defaults. */
const partial: [condition: string, settings: Record<string, unknown>, expected: Record<string, unknown>][] = [
  [
    'timeouts',
    { timeouts: { body: '1s' } },
    { connectMs: 5000, headersMs: 30_000, bodyMs: 1000, idleMs: 4000 },
  ],
  ['queue', { queue: { limit: 0 } }, { limit: 0, timeoutMs: 5000, targetMs: 0, intervalMs: 100 }],
  [
    'health',
    { health: { path: '/up' } },
    { path: '/up', intervalMs: 10_000, timeoutMs: 2000, unhealthyAfter: 3, healthyAfter: 2 },
  ],
]

for (const [key, settings, expected] of partial) {
  test(`schema ${key}_with_one_key keeps the other defaults`, () => {
    const [upstream] = planOf(upstreamWith(settings)).upstreams
    assert.deepEqual(upstream?.[key as 'timeouts' | 'queue' | 'health'], expected)
  })
}

test('schema listener_with_one_key keeps the other default', () => {
  const listen = [{ host: '::1' }, { port: 9000 }]
  assert.deepEqual(planOf(configWith({ listen })).listeners, [
    { host: '::1', port: 8080 },
    { host: '0.0.0.0', port: 9000 },
  ])
})

test('schema log_with_one_key keeps the other default', () => {
  assert.deepEqual(planOf(configWith({ log: { level: 'warn' } })).log, {
    level: 'warn',
    access: { errors: true, sample: 0 },
  })
})

/** Each setting with what lies just inside its range, and what lies just outside. */
type Make = (value: unknown) => Record<string, unknown>
const app = 'upstreams.app'
const ranges: [path: string, make: Make, inside: unknown[], outside: unknown[]][] = [
  ['listen', (listen) => configWith({ listen }), [0, 1, 65_535], [-1, 65_536, 80.5]],
  ['listen.port', (port) => configWith({ listen: { port } }), [0, 65_535], [-1, 65_536, '80', null]],
  ['workers', (workers) => configWith({ workers }), [1, 1024, 'auto'], [0, 1025, 1.5, -1, 'all', null]],
  [
    'drainTimeout',
    (drainTimeout) => configWith({ drainTimeout }),
    ['1ms', '24h'],
    ['0s', '24.1h', '86401s', 20, '', null, '0.5ms'],
  ],
  ...['connect', 'headers', 'body', 'idle'].map((key): [string, Make, unknown[], unknown[]] => [
    `${app}.timeouts.${key}`,
    (value) => upstreamWith({ timeouts: { [key]: value } }),
    ['0s', '1ms', '24h'],
    ['25h', '5', 5, false, '-1s'],
  ]),
  [
    `${app}.endpoints[0].weight`,
    (weight) => upstreamWith({ endpoints: [{ url: 'http://a', weight }] }),
    [1, 256],
    [-1, 257, 1.5, '1'],
  ],
  [
    `${app}.balance`,
    (balance) => upstreamWith({ balance }),
    ['round-robin', 'least-connections', 'random', 'two-choices', 'ewma', 'hash', 'sticky'],
    ['', 'Random', 1, []],
  ],
  [`${app}.connections`, (connections) => upstreamWith({ connections }), [1, 10_000], [0, 10_001, 0.5, '64']],
  [`${app}.pipelining`, (pipelining) => upstreamWith({ pipelining }), [1, 128], [0, 129, 1.5]],
  [`${app}.queue.limit`, (limit) => upstreamWith({ queue: { limit } }), [0, 1_000_000], [-1, 1_000_001]],
  [`${app}.queue.target`, (target) => upstreamWith({ queue: { target } }), ['0s', '24h'], ['25h', 5]],
  [
    `${app}.queue.interval`,
    (interval) => upstreamWith({ queue: { interval } }),
    ['10ms', '24h'],
    ['9ms', '25h'],
  ],
  [`${app}.queue.timeout`, (timeout) => upstreamWith({ queue: { timeout } }), ['1ms', '24h'], ['0s', '25h']],
  [
    `${app}.health.interval`,
    (interval) => upstreamWith({ health: { interval } }),
    ['10ms', '24h'],
    ['9ms', '0s', '25h'],
  ],
  [
    `${app}.health.timeout`,
    (timeout) => upstreamWith({ health: { timeout } }),
    ['1ms', '24h'],
    ['0s', '25h'],
  ],
  [
    `${app}.health.unhealthyAfter`,
    (unhealthyAfter) => upstreamWith({ health: { unhealthyAfter } }),
    [1, 100],
    [0, 101],
  ],
  [
    `${app}.health.healthyAfter`,
    (healthyAfter) => upstreamWith({ health: { healthyAfter } }),
    [1, 100],
    [0, 101],
  ],
  [
    `${app}.health.path`,
    (path) => upstreamWith({ health: { path } }),
    ['/', '/up?deep=1'],
    ['up', '', '/a b', 1],
  ],
  [`${app}.health`, (health) => upstreamWith({ health }), [false, {}], [true, null, 'off', []]],
  [
    'routes[0].respond.status',
    (status) => routesWith({ respond: { status } }),
    [200, 599],
    [199, 600, '200', null],
  ],
  [
    'routes[0].respond.body',
    (body) => routesWith({ respond: { status: 200, body } }),
    ['', 'x'.repeat(65_536)],
    ['x'.repeat(65_537), 1, {}],
  ],
  [
    'routes[0].respond.headers.X-A',
    (value) => routesWith({ respond: { status: 200, headers: { 'X-A': value } } }),
    ['', 'x'.repeat(4096)],
    ['x'.repeat(4097), 'a\nb', 1, ['a']],
  ],
  [
    'metrics',
    (metrics) => configWith({ metrics }),
    [0, 9464, 65_535],
    [-1, 65_536, '9464', true, null, [9464]],
  ],
  [
    'metrics.port',
    (port) => configWith({ metrics: { port } }),
    [0, 9464, 65_535],
    [-1, 65_536, '9464', null],
  ],
  [
    'metrics.host',
    (host) => configWith({ metrics: { host, port: 9464 } }),
    ['0.0.0.0', '::1', 'localhost'],
    ['', 'a b', '127.0.0.1:80', 1],
  ],
  ['log.level', (level) => configWith({ log: { level } }), ['trace', 'silent'], ['verbose', 30]],
  [
    'log.access',
    (access) => configWith({ log: { access } }),
    ['off', 'errors', 'all'],
    ['none', true, null, 0.5],
  ],
  [
    'log.access.sample',
    (sample) => configWith({ log: { access: { sample } } }),
    [0, 0.01, 1],
    [-0.1, 1.1, '0.5'],
  ],
  ['$schema', ($schema) => configWith({ $schema }), ['./config.schema.json', 'https://x/y'], [1, null]],
]

for (const [path, make, inside, outside] of ranges) {
  for (const value of inside) {
    test(`schema ${path}_is_${label(value)} is accepted`, () => {
      planOf(make(value))
    })
  }
  for (const value of outside) {
    test(`schema ${path}_is_${label(value)} is refused`, () => {
      const problem = onlyProblem(make(value), path)
      assert.notEqual(problem.expected, '')
      assert.notEqual(problem.found, '')
    })
  }
}

function label(value: unknown): string {
  const json = JSON.stringify(value)
  return json.length > 20 ? `${json.slice(0, 8)}...(${json.length})` : json
}

/** How many there may be of what the user names or lists. */
const counts: [path: string, max: number, make: (count: number) => Record<string, unknown>][] = [
  ['listen', 64, (count) => configWith({ listen: times(count, (index) => 1000 + index) })],
  [
    'upstreams',
    1000,
    (count) => ({
      upstreams: Object.fromEntries(times(count, (index) => [`u${index}`, ['http://a']])),
      routes: [{ upstream: 'u0' }],
    }),
  ],
  [
    'upstreams.app',
    1000,
    (count) => configWith({ upstreams: { app: times(count, (index) => `http://a:${index + 1}`) } }),
  ],
  [
    'upstreams.app.endpoints',
    1000,
    (count) => upstreamWith({ endpoints: times(count, (index) => `http://a:${index + 1}`) }),
  ],
  [
    'routes',
    10_000,
    (count) => routesWith(...times(count, (index) => ({ path: `/${index}`, upstream: 'app' }))),
  ],
  [
    'routes[0].respond.headers',
    64,
    (count) => {
      const headers = Object.fromEntries(times(count, (index) => [`X-${index}`, '']))
      return routesWith({ respond: { status: 200, headers } })
    },
  ],
]

for (const [path, max, make] of counts) {
  test(`schema ${path}_of_${max} is accepted, one more is refused`, () => {
    planOf(make(max))
    assert.match(onlyProblem(make(max + 1), path).expected, new RegExp(`\\b${max}\\b`))
  })
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

test('schema empty_lists are refused where one is needed', () => {
  onlyProblem(configWith({ listen: [] }), 'listen')
  onlyProblem(configWith({ upstreams: { app: [] } }), 'upstreams.app')
  onlyProblem(upstreamWith({ endpoints: [] }), 'upstreams.app.endpoints')
})

for (const name of [
  'a',
  'my-app',
  'v1.2_x',
  'constructor',
  'toString',
  'hasOwnProperty',
  '0',
  'a'.repeat(64),
]) {
  test(`schema upstream_named_${name.slice(0, 20)} is accepted and routed to`, () => {
    const plan = planOf({ upstreams: { [name]: ['http://a'] }, routes: [{ path: '/x', upstream: name }] })
    assert.deepEqual(
      plan.upstreams.map((upstream) => upstream.name),
      [name],
    )
  })
}

for (const name of ['', 'a b', 'a/b', 'ä', 'a\n', 'a'.repeat(65)]) {
  test(`schema upstream_named_${label(name)} is refused once, not again in its routes`, () => {
    const problems = problemsOf({
      upstreams: { [name]: ['http://a'] },
      routes: [{ path: '/x', upstream: 'b' }],
    })
    assert.match(problems[0]?.expected ?? '', /1 to 64 letters, digits/)
    assert.deepEqual(
      problems.map((problem) => problem.path),
      [problems[0]?.path, 'routes[0].upstream'],
    )
  })
}
