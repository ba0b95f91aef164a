/** What the user reads about values of the wrong shape, above all in unions. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { findingsOf } from '../../../src/config/issues.ts'
import { configWith, onlyProblem, problemsOf, routesWith, upstreamWith } from './read.ts'

interface Case {
  readonly condition: string
  readonly value: unknown
  readonly path: string
  readonly expected: RegExp
  readonly found: string
  readonly hint: string | null
}

const cases: Case[] = [
  {
    condition: 'listen_of_no_kind',
    value: configWith({ listen: true }),
    path: 'listen',
    expected: /^a port from 0 to 65535, an object with the keys host, port, or an array of these$/,
    found: 'true',
    hint: null,
  },
  {
    condition: 'listen_port_in_quotes',
    value: configWith({ listen: '8080' }),
    path: 'listen',
    expected: /^a port/,
    found: '"8080"',
    hint: 'write 8080 without quotes',
  },
  {
    condition: 'listen_object_with_wrong_port',
    value: configWith({ listen: { port: 'http' } }),
    path: 'listen.port',
    expected: /^a whole number from 0 to 65535$/,
    found: '"http"',
    hint: null,
  },
  {
    condition: 'listen_object_in_array_with_wrong_host',
    value: configWith({ listen: [80, { host: '127.0.0.1:80' }] }),
    path: 'listen[1].host',
    expected: /^an address or a host name/,
    found: '"127.0.0.1:80"',
    hint: 'the port has its own key, "port"',
  },
  {
    condition: 'listen_array_with_wrong_number',
    value: configWith({ listen: [80, 70_000] }),
    path: 'listen[1]',
    expected: /^a whole number from 0 to 65535$/,
    found: '70000',
    hint: null,
  },
  {
    condition: 'upstream_of_no_kind',
    value: { upstreams: { app: 'http://127.0.0.1:9001' } },
    path: 'upstreams.app',
    expected: /^an array of endpoint URLs, or an object with "endpoints"$/,
    found: '"http://127.0.0.1:9001"',
    hint: null,
  },
  {
    condition: 'endpoint_of_no_kind',
    value: { upstreams: { app: ['http://a', 9001] } },
    path: 'upstreams.app[1]',
    expected: /^an endpoint: a URL such as/,
    found: '9001',
    hint: null,
  },
  {
    condition: 'endpoint_string_with_wrong_url',
    value: { upstreams: { app: ['ftp://a'] } },
    path: 'upstreams.app[0]',
    expected: /^an endpoint, "http:\/\/host\[:port\]", "https:\/\/host\[:port\]" or "unix:\/path"$/,
    found: '"ftp://a"',
    hint: 'the scheme is "http", "https" or "unix", not "ftp"',
  },
  {
    condition: 'endpoint_object_with_wrong_url',
    value: upstreamWith({ endpoints: [{ url: 'a:80' }] }),
    path: 'upstreams.app.endpoints[0].url',
    expected: /^an endpoint, "http:\/\/host\[:port\]", "https:\/\/host\[:port\]" or "unix:\/path"$/,
    found: '"a:80"',
    hint: 'write "http://a:80"',
  },
  {
    condition: 'endpoint_object_without_url',
    value: upstreamWith({ endpoints: [{ weight: 2 }] }),
    path: 'upstreams.app.endpoints[0].url',
    expected: /^an endpoint/,
    found: 'nothing',
    hint: null,
  },
  {
    condition: 'endpoints_missing',
    value: { upstreams: { app: { connections: 1 } } },
    path: 'upstreams.app.endpoints',
    expected: /^an array of 1 to 1000 endpoints$/,
    found: 'nothing',
    hint: null,
  },
  {
    condition: 'access_misspelled',
    value: configWith({ log: { access: 'errrors' } }),
    path: 'log.access',
    expected: /^one of "off", "errors", "all", or an object/,
    found: '"errrors"',
    hint: 'did you mean "errors"?',
  },
  {
    condition: 'access_object_without_sample',
    value: configWith({ log: { access: {} } }),
    path: 'log.access.sample',
    expected: /^a number from 0 to 1$/,
    found: 'nothing',
    hint: null,
  },
  {
    condition: 'access_object_with_unknown_key',
    value: configWith({ log: { access: { sample: 0.5, rate: 1 } } }),
    path: 'log.access.rate',
    expected: /^one of: sample$/,
    found: '"rate"',
    hint: null,
  },
  {
    condition: 'workers_misspelled',
    value: configWith({ workers: 'atuo' }),
    path: 'workers',
    expected: /^a whole number from 1 to 1024, or "auto"$/,
    found: '"atuo"',
    hint: 'did you mean "auto"?',
  },
  {
    condition: 'workers_in_quotes',
    value: configWith({ workers: '4' }),
    path: 'workers',
    expected: /^a whole number/,
    found: '"4"',
    hint: 'write 4 without quotes',
  },
  {
    condition: 'health_true',
    value: upstreamWith({ health: true }),
    path: 'upstreams.app.health',
    expected: /^false, or an object with the keys path, interval/,
    found: 'true',
    hint: null,
  },
  {
    condition: 'balance_misspelled',
    value: upstreamWith({ balance: 'least_conections' }),
    path: 'upstreams.app.balance',
    expected:
      /^one of "round-robin", "least-connections", "random", "two-choices", "ewma", "hash", "sticky"$/,
    found: '"least_conections"',
    hint: 'did you mean "least-connections"?',
  },
  {
    condition: 'one_object_of_several_with_a_wrong_value',
    value: upstreamWith({ balance: { policy: 'hash', by: { cookie: 7 } } }),
    path: 'upstreams.app.balance.by.cookie',
    expected: /^the name of a cookie$/,
    found: '7',
    hint: null,
  },
  {
    condition: 'level_in_wrong_case',
    value: configWith({ log: { level: 'INFO' } }),
    path: 'log.level',
    expected: /^one of "trace"/,
    found: '"INFO"',
    hint: 'did you mean "info"?',
  },
  {
    condition: 'duration_without_unit',
    value: configWith({ drainTimeout: 20 }),
    path: 'drainTimeout',
    expected: /^a duration from "1ms" to "24h"/,
    found: '20',
    hint: 'add a unit: "20s" or "20ms"',
  },
  {
    condition: 'duration_in_quotes_without_unit',
    value: upstreamWith({ timeouts: { connect: '5' } }),
    path: 'upstreams.app.timeouts.connect',
    expected: /^a duration up to "24h".* or "0s" for none$/,
    found: '"5"',
    hint: 'add a unit: "5s" or "5ms"',
  },
  {
    condition: 'header_name_reserved',
    value: routesWith({ respond: { status: 200, headers: { 'Content-Length': '3' } } }),
    path: 'routes[0].respond.headers.Content-Length',
    expected: /^the name of a header/,
    found: '"Content-Length"',
    hint: 'Weir sets this header itself: leave it out',
  },
  {
    condition: 'header_that_is_never_looked_at',
    value: routesWith({ upstream: 'app', priority: { header: 'Expect', values: { a: 'low' } } }),
    path: 'routes[0].priority.header',
    expected: /^the name of a header that clients send/,
    found: '"Expect"',
    hint: 'Weir takes this header off when it reads a request, and it would never match',
  },
  {
    condition: 'header_value_with_line_break',
    value: routesWith({ respond: { status: 200, headers: { Location: '/x\r\nSet-Cookie: a=b' } } }),
    path: 'routes[0].respond.headers.Location',
    expected: /^the value of a header/,
    found: '"/x\\r\\nSet-Cookie: a=b"',
    hint: 'printable ASCII, spaces and tabs only: no line break, no accents',
  },
  {
    condition: 'header_value_no_text',
    value: routesWith({ respond: { status: 200, headers: { 'Retry-After': 5 } } }),
    path: 'routes[0].respond.headers.Retry-After',
    expected: /^the value of a header/,
    found: '5',
    hint: null,
  },
  {
    condition: 'unknown_key_nothing_like_it',
    value: configWith({ tls: true }),
    path: 'tls',
    expected:
      /^one of: \$schema, listen, workers, drainTimeout, upstreams, routes, access, clientLimits, limits, websocket, trustedProxies, forwarding, log, metrics$/,
    found: '"tls"',
    hint: null,
  },
  {
    condition: 'unknown_key_like_one_that_is_there',
    value: configWith({ workers: 1, worker: 2 }),
    path: 'worker',
    expected: /^one of: /,
    found: '"worker"',
    hint: null,
  },
  {
    condition: 'unknown_key_with_an_inherited_name',
    value: configWith({ constructor: 1 }),
    path: 'constructor',
    expected: /^one of: /,
    found: '"constructor"',
    hint: null,
  },
  {
    condition: 'top_level_array',
    value: [configWith({})],
    path: '',
    expected: /^an object with the keys/,
    found: '[{"upstreams":{"app":["http://127.0.0.1:9001"]}}]',
    hint: null,
  },
  {
    condition: 'route_no_object',
    value: routesWith('app'),
    path: 'routes[0]',
    expected:
      /^an object with the keys host, path, forwardPath, timeout, priority, access, clientLimits, upstream, upstreamHeader, mirror, respond$/,
    found: '"app"',
    hint: null,
  },
]

for (const { condition, value, path, expected, found, hint } of cases) {
  test(`issues ${condition} is one helpful problem`, () => {
    const problem = onlyProblem(value, path)
    assert.match(problem.expected, expected)
    assert.deepEqual({ found: problem.found, hint: problem.hint }, { found, hint })
  })
}

/** A key that is misspelled is one problem: nothing is said about the one that is therefore missing. */
const misspellings: [condition: string, value: unknown, path: string, meant: string][] = [
  ['upstreams', { upstream: { app: ['http://a'] } }, 'upstream', 'upstreams'],
  [
    'upstreams_with_routes',
    { upstrems: { app: ['http://a'] }, routes: [{ upstream: 'app' }] },
    'upstrems',
    'upstreams',
  ],
  [
    'routes_with_several_upstreams',
    { upstreams: { a: ['http://a'], b: ['http://b'] }, route: [{ upstream: 'a' }] },
    'route',
    'routes',
  ],
  ['endpoints', { upstreams: { app: { endpoint: ['http://a'] } } }, 'upstreams.app.endpoint', 'endpoints'],
  ['url', { upstreams: { app: [{ ulr: 'http://a' }] } }, 'upstreams.app[0].ulr', 'url'],
  ['route_upstream', routesWith({ upstrem: 'app' }), 'routes[0].upstrem', 'upstream'],
  ['route_respond', routesWith({ response: { status: 200 } }), 'routes[0].response', 'respond'],
  ['status', routesWith({ respond: { statsu: 200 } }), 'routes[0].respond.statsu', 'status'],
  [
    'route_path_before_other_routes',
    routesWith({ pth: '/a', upstream: 'app' }, { path: '/b', upstream: 'app' }),
    'routes[0].pth',
    'path',
  ],
]

for (const [condition, value, path, meant] of misspellings) {
  test(`issues ${condition}_misspelled causes no further problems`, () => {
    assert.equal(onlyProblem(value, path).hint, `did you mean ${JSON.stringify(meant)}?`)
  })
}

test('issues required_key_missing next to an unrelated unknown key is told as well', () => {
  const problems = problemsOf({ upstreams: { app: [{ colour: 'red' }] } })
  assert.deepEqual(problems.map((problem) => [problem.path, problem.found]).sort(), [
    ['upstreams.app[0].colour', '"colour"'],
    ['upstreams.app[0].url', 'nothing'],
  ])
})

test('issues long_keys_that_begin_alike are two problems', () => {
  const key = 'x'.repeat(100)
  assert.equal(problemsOf(configWith({ [`${key}1`]: 1, [`${key}2`]: 1 })).length, 2)
})

test('issues several_about_one_place keep the first', () => {
  const schema = z.object({
    a: z
      .string()
      .refine(() => false, 'one thing')
      .refine(() => false, 'another'),
  })
  const { error } = schema.safeParse({ a: 'x' })
  assert.equal(error?.issues.length, 2)
  assert.deepEqual(findingsOf(error.issues, { a: 'x' }), [
    { path: ['a'], expected: 'one thing', found: '"x"', hint: null },
  ])
})
