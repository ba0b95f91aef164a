import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outcomes } from '../../../../src/plan/outcome.ts'
import type { AccessPlan, ClientLimitsPlan, RoutePlan } from '../../../../src/plan/route-plan.ts'
import { AddressSet } from '../../../../src/proxy/address-set.ts'
import type { Guard, Guarded } from '../../../../src/proxy/clients/guard.ts'
import { Guards } from '../../../../src/proxy/clients/guards.ts'
import { upstreamRoute } from '../../../support/fakes/plans.ts'

const nobody = new AddressSet([])
const limits: ClientLimitsPlan = {
  scope: 'all',
  rate: { requests: 2, perMs: 60_000, burst: 2 },
  inFlight: 0,
  by: 'address',
  keys: 1024,
  dryRun: false,
}

function request(address: string, headers: string[] = []): Guarded {
  return { address, head: { headers, claims: [] }, limiter: null, limiterSlot: -1, answerFields: [] }
}

function route(changes: Partial<RoutePlan>): RoutePlan {
  return { ...upstreamRoute(null, null), ...changes }
}

function guard(changes: Partial<RoutePlan>): Guard {
  const [only] = new Guards().update([route(changes)])
  return only as Guard
}

function verdicts(subject: Guard, requests: readonly Guarded[]): string[] {
  return requests.map((one) => subject.refuses(one, nobody)?.code ?? 'passes')
}

for (const [what, access, expected] of [
  ['nothing in it', { allow: [], deny: [] }, 'passes passes passes'],
  ['allow', { allow: ['10.0.0.0/8'], deny: [] }, 'passes passes forbidden'],
  ['deny', { allow: [], deny: ['10.0.0.1'] }, 'forbidden passes passes'],
  ['both', { allow: ['10.0.0.0/8'], deny: ['10.0.0.1'] }, 'forbidden passes forbidden'],
] as [string, AccessPlan, string][]) {
  test(`access_${what}`, () => {
    const requests = ['10.0.0.1', '10.0.0.2', '192.0.2.1'].map((address) => request(address))
    assert.equal(verdicts(guard({ access }), requests).join(' '), expected)
  })
}

test('no address_in no list', () => {
  assert.deepEqual(verdicts(guard({ access: { allow: ['0.0.0.0/0'], deny: [] } }), [request('')]), [
    'forbidden',
  ])
  assert.deepEqual(verdicts(guard({ access: { allow: [], deny: ['0.0.0.0/0'] } }), [request('')]), ['passes'])
})

test('rate_by address, with the fields of RFC 9110 and the draft', () => {
  const subject = guard({ clientLimits: { ...limits, rate: { requests: 2, perMs: 60_000, burst: 3 } } })
  const requests = ['a', 'a', 'a', 'a', 'b'].map((address) => request(address))
  assert.deepEqual(verdicts(subject, requests), ['passes', 'passes', 'passes', 'rate_limited', 'passes'])
  assert.deepEqual(requests[3]?.answerFields, [
    ['retry-after', '30'],
    ['ratelimit-policy', '"rate";q=2;w=60'],
    ['ratelimit', '"rate";r=0;t=30'],
  ])
  assert.equal(requests[3]?.limiter, null)
})

test('rate_of less than a second: a window of one', () => {
  const subject = guard({ clientLimits: { ...limits, rate: { requests: 1, perMs: 100, burst: 1 } } })
  const requests = [request('a'), request('a')]
  verdicts(subject, requests)
  assert.deepEqual(requests[1]?.answerFields, [
    ['retry-after', '1'],
    ['ratelimit-policy', '"rate";q=10;w=1'],
    ['ratelimit', '"rate";r=0;t=1'],
  ])
})

test('in flight_until it is over', () => {
  const subject = guard({ clientLimits: { ...limits, rate: null, inFlight: 1 } })
  const [first, second, third] = [request('a'), request('a'), request('a')] as const
  assert.equal(subject.refuses(first, nobody), null)
  assert.equal(subject.refuses(second, nobody), outcomes.tooManyInFlight)
  assert.deepEqual(second.answerFields, [
    ['retry-after', '1'],
    ['ratelimit-policy', '"in-flight";q=1;qu="concurrent-requests"'],
    ['ratelimit', '"in-flight";r=0'],
  ])
  first.limiter?.leave(first.limiterSlot)
  assert.equal(subject.refuses(third, nobody), null)
})

test('by header or cookie_without it by the address', () => {
  const byHeader = guard({ clientLimits: { ...limits, by: { header: 'x-key' } } })
  const keys = ['k', 'k', 'k', 'l'].map((key, n) => request(`192.0.2.${n}`, ['x-key', key]))
  assert.equal(verdicts(byHeader, keys).join(' '), 'passes passes rate_limited passes')
  const without = [[], ['x-key', ''], []].map((headers) => request('192.0.2.1', headers))
  assert.equal(verdicts(byHeader, without).join(' '), 'passes passes rate_limited')
  const byCookie = guard({ clientLimits: { ...limits, by: { cookie: 'sid' } } })
  const cookies = ['a=1; sid=x', 'sid=x', 'sid=x; b=2', 'sid=y', 'sid='].map((cookie, n) =>
    request(`192.0.2.${n}`, ['cookie', cookie]),
  )
  assert.equal(verdicts(byCookie, cookies).join(' '), 'passes passes rate_limited passes passes')
})

test('by header or cookie_another client’s address for its value takes none of his tokens', () => {
  const byHeader = guard({ clientLimits: { ...limits, by: { header: 'x-key' } } })
  const byCookie = guard({ clientLimits: { ...limits, by: { cookie: 'sid' } } })
  for (const [victim, value] of [
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2::7', '2001:db8:1:2'],
  ] as const) {
    const forged = (headers: string[]) => Array.from({ length: 3 }, () => request('198.51.100.1', headers))
    const expected = 'passes passes rate_limited'
    assert.equal(verdicts(byHeader, forged(['x-key', value])).join(' '), expected)
    assert.equal(verdicts(byCookie, forged(['cookie', `sid=${value}`])).join(' '), expected)
    for (const subject of [byHeader, byCookie]) {
      const own = Array.from({ length: 3 }, () => request(victim))
      assert.equal(verdicts(subject, own).join(' '), expected, `${victim} has all of its own`)
    }
  }
})

test('dry run_counted, and passes', () => {
  const guards = new Guards()
  const [subject] = guards.update([route({ clientLimits: { ...limits, dryRun: true } })])
  const requests = Array.from({ length: 5 }, () => request('a'))
  assert.deepEqual(verdicts(subject as Guard, requests), Array(5).fill('passes'))
  const [stats] = guards.stats()
  assert.deepEqual([stats?.aboveRate, stats?.dryRun, stats?.keys], [3, true, 1])
  for (const { limiter, limiterSlot } of requests) limiter?.leave(limiterSlot)
})

test('routes that share_count together; a reload that leaves the limits as they are keeps the counts', () => {
  const guards = new Guards()
  const plan = [
    route({ path: '/a', clientLimits: limits }),
    route({ path: '/b', clientLimits: limits }),
    route({ path: '/c', clientLimits: { ...limits, scope: '*/c' } }),
    route({ path: '/d' }),
  ]
  const [a, b, c, d] = guards.update(plan)
  assert.equal(d, null)
  assert.deepEqual(verdicts(a as Guard, [request('x')]), ['passes'])
  assert.deepEqual(verdicts(b as Guard, [request('x')]), ['passes'])
  assert.deepEqual(verdicts(c as Guard, [request('x')]), ['passes'])
  const [again] = guards.update(plan.slice(0, 1))
  assert.deepEqual(verdicts(again as Guard, [request('x')]), ['rate_limited'])
  assert.equal(guards.stats().length, 1)
  const [anew] = guards.update([route({ clientLimits: { ...limits, keys: 2048 } })])
  assert.deepEqual(verdicts(anew as Guard, [request('x')]), ['passes'])
})
