import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RoutePlan } from '../../../src/plan/route-plan.ts'
import { fixedPaths, hostName, type Route, Router } from '../../../src/proxy/router.ts'
import { Upstream } from '../../../src/proxy/upstream.ts'
import { fixedRoute, upstreamPlan, upstreamRoute } from '../../support/fakes/plans.ts'

const names = ['one', 'two', 'three']
const upstreams = new Map(
  names.map((name) => [name, new Upstream(upstreamPlan({ name }), new Set(), () => 0)]),
)

/** The name of the upstream that a request goes to; null where no route matches. */
function target(routes: readonly RoutePlan[], host: string, path: string): string | null {
  const route: Route | null = new Router(routes, upstreams).match(host, path)
  return route === null ? null : (route.upstream?.name ?? `${route.reply?.status}`)
}

test('several match_the first wins', () => {
  const routes = [
    upstreamRoute(null, '/a/*', 'one'),
    upstreamRoute(null, '/a/b', 'two'),
    upstreamRoute(null, null, 'three'),
  ]
  assert.equal(target(routes, '', '/a/b'), 'one')
  assert.equal(target(routes, '', '/x'), 'three')
})

test('none matches_null', () => {
  assert.equal(target([upstreamRoute('a.example', '/x', 'one')], 'b.example', '/x'), null)
  assert.equal(target([], '', '/'), null)
})

test('fixed answer_has no upstream', () => {
  const route = new Router([fixedRoute('/isolated')], upstreams).match('', '/isolated')
  assert.equal(route?.upstream, null)
  assert.equal(route?.reply?.status, 200)
})

const paths: [condition: string, pattern: string, path: string, matches: boolean][] = [
  ['exact', '/a', '/a', true],
  ['exact below', '/a', '/a/b', false],
  ['exact with a slash more', '/a', '/a/', false],
  ['exact in other case: paths are case-sensitive', '/a', '/A', false],
  ['prefix below', '/api/*', '/api/users/1', true],
  ['prefix itself with slash', '/api/*', '/api/', true],
  ['prefix itself without slash', '/api/*', '/api', true],
  ['prefix that goes on as another name', '/api/*', '/apix', false],
  ['prefix cut short', '/api/*', '/ap', false],
  ['prefix elsewhere', '/api/*', '/x/api/', false],
  ['prefix of all', '/*', '/anything', true],
  ['prefix of all, root', '/*', '/', true],
]

for (const [condition, pattern, path, matches] of paths) {
  test(`path ${condition}_${matches ? 'matches' : 'does not match'}`, () => {
    assert.equal(target([upstreamRoute(null, pattern, 'one')], '', path), matches ? 'one' : null)
  })
}

const hosts: [condition: string, pattern: string, host: string, matches: boolean][] = [
  ['exact', 'app.example', 'app.example', true],
  ['exact in other case', 'app.example', 'App.EXAMPLE', true],
  ['exact with a port', 'app.example', 'app.example:8080', true],
  ['exact with the dot of a fully qualified name', 'app.example', 'app.example.', true],
  ['exact with dot and port', 'app.example', 'app.example.:443', true],
  ['exact below', 'app.example', 'x.app.example', false],
  ['wildcard one level below', '*.example.com', 'a.example.com', true],
  ['wildcard several levels below', '*.example.com', 'a.b.example.com:80', true],
  ['wildcard itself', '*.example.com', 'example.com', false],
  ['wildcard with nothing in front of its dot', '*.example.com', '.example.com', false],
  ['wildcard as the end of another name', '*.example.com', 'badexample.com', false],
  ['IPv4', '127.0.0.1', '127.0.0.1:80', true],
  ['IPv6 literal', '[::1]', '[::1]', true],
  ['IPv6 literal with port', '[::1]', '[::1]:8080', true],
  ['IPv6 literal, other address', '[::1]', '[::2]:8080', false],
  ['none sent', 'app.example', '', false],
  ['escaped', 'app.example', '%61pp%2Eexampl%65', true],
  ['escaped in capitals, with dot and port', 'app.example', '%41PP.example%2e:8080', true],
  ['wildcard, escaped', '*.example.com', 'a%2eex%61mple.com', true],
  ['escaped twice', 'app.example', '%2561pp.example', false],
  ['international, in escapes of its UTF-8', 'xn--bcher-kva.example', 'b%C3%BCcher.example', true],
  ['with what international names leave out', 'app.example', 'ap%C2%ADp.example', true],
  ['broken escape', 'app.example', '%zzapp.example', false],
  ['escaped port', 'app.example', 'app.example%3A80', false],
  ['address in another spelling', '127.0.0.1', '2130706433', false],
]

for (const [condition, pattern, host, matches] of hosts) {
  test(`host ${condition}_${matches ? 'matches' : 'does not match'}`, () => {
    assert.equal(target([upstreamRoute(pattern, null, 'one')], host, '/'), matches ? 'one' : null)
  })
}

test('host and path_both must match', () => {
  const routes = [upstreamRoute('a.example', '/x/*', 'one')]
  assert.equal(target(routes, 'a.example', '/x/y'), 'one')
  assert.equal(target(routes, 'a.example', '/y'), null)
  assert.equal(target(routes, 'b.example', '/x/y'), null)
})

test('byHost_set exactly if a route looks at the host', () => {
  assert.equal(new Router([upstreamRoute(null, '/x', 'one')], upstreams).byHost, false)
  assert.equal(
    new Router([upstreamRoute(null, '/x', 'one'), upstreamRoute('a', null, 'one')], upstreams).byHost,
    true,
  )
})

const hostNames: [host: string, name: string][] = [
  ['', ''],
  [':80', ':80'],
  ['.', ''],
  ['[::1', '[::1'],
  ['a:b:c', 'a'],
  ['%', '%'],
  ['%zz%61', '%zza'],
  ['A%C3%3a%', 'a\u00e3:%'],
  ['a%2e%2e', 'a.'],
]

for (const [host, name] of hostNames) {
  test(`hostName of ${JSON.stringify(host)}_${JSON.stringify(name)}`, () => {
    assert.deepEqual([hostName(host), hostName(host), hostName('b'), hostName(host)], [name, name, 'b', name])
  })
}

test('fixedPaths_those of fixed answers, once each, that a pattern of the binding’s router means as they stand', () => {
  const fixed = [
    '/isolated',
    '/a/b.c',
    '/isolated',
    '/api/*',
    '/:id',
    '/a/:id',
    '/a*',
    '/%41',
    '/',
    '//a',
    '/a/',
    '/é',
    '/a?b',
  ]
  const routes = [
    ...fixed.map((path) => fixedRoute(path)),
    fixedRoute(null),
    upstreamRoute(null, '/up', 'one'),
  ]
  assert.deepEqual(fixedPaths(routes), ['/isolated', '/a/b.c'])
  assert.equal(fixedPaths(Array.from({ length: 1_000 }, (_, index) => fixedRoute(`/${index}`))).length, 16)
})
