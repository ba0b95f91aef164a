import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configWith, onlyProblem, planOf, routesWith } from './read.ts'

const written = { rate: { requests: 100 } }
const compiled = {
  scope: 'all',
  rate: { requests: 100, perMs: 1_000, burst: 100 },
  inFlight: 0,
  by: 'address',
  keys: 65_536,
  dryRun: false,
}

test('nothing written_no guard', () => {
  const [route] = planOf(configWith({})).routes
  assert.deepEqual([route?.access, route?.clientLimits], [undefined, undefined])
})

test('at the top level_for every route, the one that is not written too', () => {
  const access = { allow: ['10.0.0.0/8'], deny: [] }
  const [only] = planOf(configWith({ clientLimits: written, access: { allow: ['10.0.0.0/8'] } })).routes
  assert.deepEqual([only?.access, only?.clientLimits], [access, compiled])
  const routes = [{ path: '/a', upstream: 'app' }, { upstream: 'app' }]
  for (const route of planOf(configWith({ clientLimits: written, routes })).routes)
    assert.deepEqual(route.clientLimits, compiled)
})

test('in a route_in place of that; false: none', () => {
  const routes = [
    {
      host: 'A.example.com',
      path: '/a',
      upstream: 'app',
      clientLimits: { inFlight: 3, by: { header: 'X-Key' } },
    },
    { path: '/b', upstream: 'app', clientLimits: false, access: { deny: ['::1'] } },
    { upstream: 'app', access: {} },
  ]
  const plan = planOf(configWith({ clientLimits: written, access: { deny: ['10.0.0.1'] }, routes })).routes
  assert.deepEqual(plan[0]?.clientLimits, {
    ...compiled,
    scope: 'a.example.com/a',
    rate: null,
    inFlight: 3,
    by: { header: 'x-key' },
  })
  assert.deepEqual(plan[0]?.access, { allow: [], deny: ['10.0.0.1'] })
  assert.deepEqual([plan[1]?.clientLimits, plan[1]?.access], [undefined, { allow: [], deny: ['::1'] }])
  assert.deepEqual([plan[2]?.clientLimits, plan[2]?.access], [compiled, undefined])
})

test('every setting', () => {
  const rate = { requests: 5, per: '1m', burst: 20 }
  const clientLimits = { rate, inFlight: 7, by: { cookie: 'Sid' }, keys: 4096, dryRun: true }
  const [route] = planOf(configWith({ clientLimits })).routes
  assert.deepEqual(route?.clientLimits, {
    scope: 'all',
    rate: { requests: 5, perMs: 60_000, burst: 20 },
    inFlight: 7,
    by: { cookie: 'Sid' },
    keys: 4096,
    dryRun: true,
  })
})

test('what is wrong_one problem, with its place', () => {
  onlyProblem(configWith({ clientLimits: {} }), 'clientLimits')
  onlyProblem(configWith({ clientLimits: { dryRun: true } }), 'clientLimits')
  onlyProblem(configWith({ clientLimits: { rte: { requests: 5 } } }), 'clientLimits.rte')
  onlyProblem(configWith({ clientLimits: { rate: {} } }), 'clientLimits.rate.requests')
  onlyProblem(configWith({ clientLimits: { rate: { requests: 0 } } }), 'clientLimits.rate.requests')
  onlyProblem(configWith({ clientLimits: { inFlight: 1, by: 'path' } }), 'clientLimits.by')
  const by = { header: 'X-Forwarded-For' }
  const claim = onlyProblem(configWith({ clientLimits: { inFlight: 1, by } }), 'clientLimits.by.header')
  assert.match(claim.expected, /^the name of a header that clients send$/)
  assert.match(claim.hint ?? '', /"address" is the client that "trustedProxies" name/)
  onlyProblem(configWith({ access: { allow: ['10.0.0.0/33'] } }), 'access.allow[0]')
  onlyProblem(routesWith({ upstream: 'app', clientLimits: {} }), 'routes[0].clientLimits')
  onlyProblem(routesWith({ upstream: 'app', clientLimits: true }), 'routes[0].clientLimits')
})
