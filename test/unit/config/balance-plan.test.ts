import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BalancePlan } from '../../../src/plan/balance-plan.ts'
import { onlyProblem, planOf, upstreamWith } from './read.ts'

const hash = { policy: 'hash', by: 'address', loadFactor: 1.25 } as const
const sticky = { policy: 'sticky', cookie: 'weir-app', secret: null, fallback: 'round-robin' } as const
const secret = '0123456789abcdef'

const accepted: [balance: unknown, plan: BalancePlan][] = [
  ['ewma', 'ewma'],
  ['two-choices', 'two-choices'],
  ['hash', hash],
  [{ policy: 'hash' }, hash],
  [
    { policy: 'hash', by: 'path', loadFactor: 2 },
    { policy: 'hash', by: 'path', loadFactor: 2 },
  ],
  [
    { policy: 'hash', by: { header: 'X-User' } },
    { ...hash, by: { header: 'x-user' } },
  ],
  [
    { policy: 'hash', by: { cookie: 'SID' } },
    { ...hash, by: { cookie: 'SID' } },
  ],
  [
    { policy: 'hash', by: { query: 'q[]' } },
    { ...hash, by: { query: 'q[]' } },
  ],
  ['sticky', sticky],
  [
    { policy: 'sticky', cookie: 'sid', secret },
    { ...sticky, cookie: 'sid', secret },
  ],
  [
    { policy: 'sticky', fallback: 'ewma' },
    { ...sticky, fallback: 'ewma' },
  ],
  [
    { policy: 'sticky', fallback: { policy: 'hash', by: 'path' } },
    { ...sticky, fallback: { ...hash, by: 'path' } },
  ],
]

for (const [balance, plan] of accepted) {
  test(`balance ${JSON.stringify(balance)}_compiled`, () => {
    assert.deepEqual(planOf(upstreamWith({ balance })).upstreams[0]?.balance, plan)
  })
}

const at = 'upstreams.app.balance'
const refused: [balance: unknown, path: string, expected: RegExp, hint: RegExp | null][] = [
  ['ewmaa', at, /^one of "round-robin", .*"sticky"$/, /"ewma"/],
  [7, at, /^one of "round-robin"/, null],
  [{ policy: 'ewma' }, `${at}.policy`, /^one of "hash", "sticky"; the other policies have no settings/, null],
  [{ policy: 'hsah' }, `${at}.policy`, /^one of "hash", "sticky"/, null],
  [{ by: 'path' }, `${at}.policy`, /^one of "hash", "sticky"/, null],
  [{ policy: 'hash', by: 'adress' }, `${at}.by`, /^one of "address", "path", or an object/, /"address"/],
  [{ policy: 'hash', by: {} }, `${at}.by`, /^one of "address", "path", or an object/, null],
  [
    { policy: 'hash', by: { header: 'a', cookie: 'b' } },
    `${at}.by`,
    /one of the keys header, cookie, query/,
    null,
  ],
  [
    { policy: 'hash', by: { header: 'x user' } },
    `${at}.by.header`,
    /^the name of a header/,
    /letters, digits/,
  ],
  [{ policy: 'hash', by: { header: 'TE' } }, `${at}.by.header`, /^the name of a header/, /never match/],
  [{ policy: 'hash', by: { query: 'a&b' } }, `${at}.by.query`, /^the name of a parameter/, /"&"/],
  [{ policy: 'hash', loadFactor: 1 }, `${at}.loadFactor`, /^a number from 1.01 to 1000$/, null],
  [{ policy: 'hash', cookie: 'a' }, `${at}.cookie`, /^one of: policy, by, loadFactor$/, null],
  [{ policy: 'sticky', cookie: 'a;b' }, `${at}.cookie`, /^the name of a cookie$/, /letters, digits/],
  [{ policy: 'sticky', secret: 'short' }, `${at}.secret`, /^a text of 16 characters or more$/, /openssl/],
  [{ policy: 'sticky', fallback: 'sticky' }, `${at}.fallback`, /^one of "round-robin"/, null],
  [
    { policy: 'sticky', fallbck: 'ewma' },
    `${at}.fallbck`,
    /^one of: policy, cookie, secret, fallback$/,
    /"fallback"/,
  ],
]

for (const [balance, path, expected, hint] of refused) {
  test(`balance ${JSON.stringify(balance)}_refused`, () => {
    const problem = onlyProblem(upstreamWith({ balance }), path)
    assert.match(problem.expected, expected)
    if (hint === null) assert.equal(problem.hint, null)
    else assert.match(problem.hint ?? '', hint)
  })
}

test('endpoint settings_in the plan where they are set', () => {
  const endpoints = [
    'http://a',
    { url: 'http://b', weight: 0, backup: true, drain: true },
    { url: 'http://c', backup: false },
  ]
  assert.deepEqual(planOf(upstreamWith({ endpoints })).upstreams[0]?.endpoints, [
    { id: 'app/http://a', origin: 'http://a', weight: 1 },
    { id: 'app/http://b', origin: 'http://b', weight: 0, backup: true, drain: true },
    { id: 'app/http://c', origin: 'http://c', weight: 1 },
  ])
})

test('slow start_in milliseconds, or off', () => {
  assert.equal(planOf(upstreamWith({ slowStart: '1m' })).upstreams[0]?.slowStartMs, 60_000)
  assert.equal(planOf(upstreamWith({ slowStart: '0s' })).upstreams[0]?.slowStartMs, 0)
  onlyProblem(upstreamWith({ slowStart: 10 }), 'upstreams.app.slowStart')
})

test('every weight 0_refused; every endpoint draining is somebody’s wish', () => {
  const weightless = { url: 'http://a', weight: 0 }
  const problem = onlyProblem(upstreamWith({ endpoints: [weightless] }), 'upstreams.app.endpoints')
  assert.match(problem.hint ?? '', /"drain": true/)
  planOf(upstreamWith({ endpoints: [weightless, 'http://b'] }))
  planOf(upstreamWith({ endpoints: [{ url: 'http://a', drain: true }] }))
})
