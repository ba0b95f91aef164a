/** What several values must be together. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configWith, onlyProblem, planOf, problemsOf, routesWith, upstreamWith } from './read.ts'

const toApp = { upstream: 'app' }

interface Case {
  readonly condition: string
  readonly value: unknown
  readonly path: string
  readonly expected: RegExp
  readonly found: RegExp
  readonly hint: RegExp | null
}

const cases: Case[] = [
  {
    condition: 'route_to_unknown_upstream',
    value: routesWith({ upstream: 'ap' }),
    path: 'routes[0].upstream',
    expected: /^one of the upstreams: app$/,
    found: /^"ap"$/,
    hint: /^did you mean "app"\?$/,
  },
  {
    condition: 'route_to_inherited_name',
    value: routesWith({ upstream: 'constructor' }),
    path: 'routes[0].upstream',
    expected: /^one of the upstreams: app$/,
    found: /^"constructor"$/,
    hint: null,
  },
  {
    condition: 'route_to_upstream_where_there_is_none',
    value: { routes: [toApp] },
    path: 'routes[0].upstream',
    expected: /there is none/,
    found: /^"app"$/,
    hint: null,
  },
  {
    condition: 'route_with_both_targets',
    value: routesWith({ ...toApp, respond: { status: 200 } }),
    path: 'routes[0]',
    expected: /^exactly one of upstream and respond$/,
    found: /^both$/,
    hint: /^remove one/,
  },
  {
    condition: 'route_with_no_target',
    value: routesWith({ path: '/x' }),
    path: 'routes[0]',
    expected: /^exactly one of upstream and respond$/,
    found: /^neither$/,
    hint: /^name the upstream/,
  },
  {
    condition: 'metrics_at_the_default_port_of_clients',
    value: configWith({ metrics: 8080 }),
    path: 'metrics',
    expected: /^a port that no listener has$/,
    found: /^8080$/,
    hint: /9464/,
  },
  {
    condition: 'metrics_at_a_listener_on_another_address',
    value: configWith({
      listen: [80, { host: '::', port: 9464 }],
      metrics: { host: '127.0.0.1', port: 9464 },
    }),
    path: 'metrics.port',
    expected: /^a port that no listener has$/,
    found: /^9464$/,
    hint: /clients connect/,
  },
  {
    condition: 'listener_twice',
    value: configWith({ listen: [8080, { host: '127.0.0.1' }, { port: 8080 }] }),
    path: 'listen[2]',
    expected: /^each listener once$/,
    found: /^0\.0\.0\.0 port 8080 again, as in listen\[0\]$/,
    hint: null,
  },
  {
    condition: 'listener_twice_in_another_case',
    value: configWith({
      listen: [
        { host: 'localhost', port: 1 },
        { host: 'LOCALHOST', port: 1 },
      ],
    }),
    path: 'listen[1]',
    expected: /^each listener once$/,
    found: /again, as in listen\[0\]$/,
    hint: null,
  },
  {
    condition: 'endpoint_twice_in_short_form',
    value: configWith({ upstreams: { app: ['http://a:80', 'http://b', 'http://A/'] } }),
    path: 'upstreams.app[2]',
    expected: /^each endpoint once/,
    found: /^http:\/\/a again, as in upstreams\.app\[0\]$/,
    hint: null,
  },
  {
    condition: 'endpoint_twice_in_both_forms',
    value: upstreamWith({ endpoints: ['http://a', { url: 'http://a', weight: 2 }] }),
    path: 'upstreams.app.endpoints[1].url',
    expected: /higher weight/,
    found: /again, as in upstreams\.app\.endpoints\[0\]$/,
    hint: null,
  },
  ...[204, 205, 304].map((status) => ({
    condition: `body_with_${status}`,
    value: routesWith({ respond: { status, body: 'x' } }),
    path: 'routes[0].respond.body',
    expected: new RegExp(`^no body, since an answer with status ${status} has none$`),
    found: /^"x"$/,
    hint: /^remove the body/,
  })),
  {
    condition: 'header_twice_in_another_case',
    value: routesWith({ respond: { status: 200, headers: { 'X-A': '1', 'x-a': '2' } } }),
    path: 'routes[0].respond.headers.x-a',
    expected: /^each header once/,
    found: /as in routes\[0\]\.respond\.headers\.X-A$/,
    hint: null,
  },
  {
    condition: 'nothing_to_do',
    value: {},
    path: 'upstreams',
    expected: /^at least one upstream, or routes$/,
    found: /^nothing$/,
    hint: /^for example/,
  },
  {
    condition: 'upstreams_and_routes_empty',
    value: { upstreams: {}, routes: [] },
    path: 'upstreams',
    expected: /^at least one upstream, or routes$/,
    found: /^\{\}$/,
    hint: /^for example/,
  },
  {
    condition: 'several_upstreams_without_routes',
    value: { upstreams: { a: ['http://a'], b: ['http://b'] } },
    path: 'routes',
    expected: /^routes, since there are several upstreams$/,
    found: /^nothing$/,
    hint: /"upstream":"a".*"upstream":"b"/,
  },
  {
    condition: 'route_behind_a_catch_all',
    value: routesWith({ path: '/a', ...toApp }, toApp, { path: '/b', ...toApp }, { path: '/c', ...toApp }),
    path: 'routes[2]',
    expected: /^a route that can match$/,
    found: /^routes\[1\], with neither host nor path/,
    hint: /^move routes\[1\] to the end$/,
  },
  {
    condition: 'route_with_host_and_path_of_an_earlier_one',
    value: routesWith({ host: 'A.com', path: '/a', ...toApp }, { host: 'a.com', path: '/a', ...toApp }),
    path: 'routes[1]',
    expected: /^a route that can match$/,
    found: /^routes\[0\], with the same host and path/,
    hint: /^remove one/,
  },
  ...['/%61', '//a', '/b/../a'].map((spelling) => ({
    condition: `route_with_${spelling}_behind_one_with_/a`,
    value: routesWith({ path: '/a', ...toApp }, { path: spelling, ...toApp }),
    path: 'routes[1]',
    expected: /^a route that can match$/,
    found: /^routes\[0\], with the same host and path/,
    hint: /^remove one/,
  })),
  ...[['http://a'], [{ url: 'http://a' }, 'unix:/run/app.sock']].map((endpoints) => ({
    condition: `tls_beside_${JSON.stringify(endpoints)}`,
    value: upstreamWith({ endpoints, tls: { verify: false } }),
    path: 'upstreams.app.tls',
    expected: /^tls beside an endpoint with https$/,
    found: /^none with https among the endpoints$/,
    hint: /connections are not encrypted/,
  })),
]

for (const { condition, value, path, expected, found, hint } of cases) {
  test(`checks ${condition} is refused`, () => {
    const problem = onlyProblem(value, path)
    assert.match(problem.expected, expected)
    assert.match(problem.found, found)
    if (hint === null) assert.equal(problem.hint, null)
    else assert.match(problem.hint ?? 'no hint', hint)
  })
}

const accepted: [condition: string, value: unknown][] = [
  ['any_free_port_for_metrics_too', configWith({ listen: 0, metrics: 0 })],
  ['metrics_beside_a_unix_socket', configWith({ listen: 'unix:/run/weir.sock', metrics: 8080 })],
  ['any_free_port_twice', configWith({ listen: [0, 0, { host: '127.0.0.1', port: 0 }] })],
  ['same_port_on_two_addresses', configWith({ listen: [{ host: '127.0.0.1' }, { host: '::1' }] })],
  [
    'same_endpoint_in_two_upstreams',
    { upstreams: { a: ['http://x'], b: ['http://x'] }, routes: [{ upstream: 'a' }] },
  ],
  [
    'upstream_without_a_route',
    { upstreams: { a: ['http://x'], b: ['http://y'] }, routes: [{ upstream: 'b' }] },
  ],
  ['fixed_answers_without_upstreams', { routes: [{ respond: { status: 200 } }] }],
  ['empty_body_with_204', routesWith({ respond: { status: 204, body: '' } })],
  [
    'narrower_route_behind_a_wider_one',
    routesWith({ path: '/api/*', ...toApp }, { path: '/api/v1', ...toApp }),
  ],
  [
    'same_path_on_two_hosts',
    routesWith({ host: 'a.com', path: '/', ...toApp }, { host: 'b.com', path: '/', ...toApp }),
  ],
  ['paths_that_differ_in_case', routesWith({ path: '/A', ...toApp }, { path: '/a', ...toApp })],
  ['tls_where_one_endpoint_has_https', upstreamWith({ endpoints: ['http://a', 'https://b'], tls: {} })],
  ['pipelining_with_any_policy', upstreamWith({ pipelining: 16, balance: 'random' })],
]

for (const [condition, value] of accepted) {
  test(`checks ${condition} is accepted`, () => {
    planOf(value)
  })
}

test('checks wrong_shape_elsewhere does not hide them', () => {
  const problems = problemsOf({
    listen: [1, 1, 'x'],
    upstreams: { app: ['http://a', 'http://a', 5], broken: 7 },
    routes: [{ upstream: 'broken' }, { upstream: 'nobody', path: 3 }, { host: 5 }],
    workers: 0,
  })
  assert.deepEqual(problems.map((problem) => problem.path).sort(), [
    'listen[1]',
    'listen[2]',
    'routes[1]',
    'routes[1].path',
    'routes[1].upstream',
    'routes[2]',
    'routes[2].host',
    'upstreams.app[1]',
    'upstreams.app[2]',
    'upstreams.broken',
    'workers',
  ])
})

test('checks upstreams_of_the_wrong_kind blame no route', () => {
  onlyProblem({ upstreams: ['http://a'], routes: [toApp] }, 'upstreams')
})

test('checks name_that_no_upstream_can_have is told once, as a matter of shape', () => {
  assert.match(
    onlyProblem(routesWith({ upstream: 'a b' }), 'routes[0].upstream').expected,
    /^the name of an upstream/,
  )
})

test('checks null_where_a_name_is_due is a matter of shape alone', () => {
  onlyProblem(routesWith({ upstream: null }), 'routes[0].upstream')
  onlyProblem(routesWith({ respond: null }), 'routes[0].respond')
})

test('checks a_thousand_upstreams are not all listed', () => {
  const upstreams = Object.fromEntries(
    Array.from({ length: 1000 }, (_, index) => [`u${index}`, ['http://a']]),
  )
  const { expected } = onlyProblem({ upstreams, routes: [{ upstream: 'zebra' }] }, 'routes[0].upstream')
  assert.match(expected, /^one of the upstreams: u0, .*, u9, \.\.\.$/)
})

test('proxyProtocol_a version, with one request per connection', () => {
  assert.equal(planOf(upstreamWith({ proxyProtocol: 'v2' })).upstreams[0]?.proxyProtocol, 'v2')
  assert.equal(planOf(upstreamWith({ proxyProtocol: 'v1', pipelining: 1 })).upstreams[0]?.proxyProtocol, 'v1')
  assert.equal('proxyProtocol' in (planOf(upstreamWith({})).upstreams[0] ?? {}), false)
  onlyProblem(upstreamWith({ proxyProtocol: 'v3' }), 'upstreams.app.proxyProtocol')
  const { found, hint } = onlyProblem(
    upstreamWith({ proxyProtocol: 'v1', pipelining: 2 }),
    'upstreams.app.pipelining',
  )
  assert.equal(found, '2')
  assert.match(hint ?? '', /raise "connections"/)
})
