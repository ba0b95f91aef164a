import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { makeBalancer } from '../../../../src/proxy/balance/make-balancer.ts'
import { RoundRobin } from '../../../../src/proxy/balance/round-robin.ts'
import { Sticky } from '../../../../src/proxy/balance/sticky.ts'
import { candidates, type TestCandidate } from './candidates.ts'
import { request } from './requests.ts'

const secret = 'a secret of some length'

function sticky(
  inTurn: readonly TestCandidate[],
  reachable: readonly TestCandidate[] = inTurn,
  signedWith = secret,
): Sticky<TestCandidate> {
  const balancer = new Sticky<TestCandidate>(
    { cookie: 'weir' },
    signedWith,
    new RoundRobin<TestCandidate>(() => 0),
  )
  balancer.rebuild(inTurn, reachable)
  return balancer
}

const token = (id: string, signedWith = secret) =>
  createHmac('sha256', signedWith).update(id).digest('base64url')
const withCookie = (value: string) => request({ headers: ['cookie', `a=1; weir=${value}; b=2`] })

test('no cookie_the fallback picks, and the answer sets a cookie that names the endpoint', () => {
  const asked = request()
  assert.equal(sticky(candidates(1, 1)).pick(null, asked)?.name, 'a')
  assert.equal(asked.setCookie?.toString(), `weir=${token('a')}; Path=/; HttpOnly; SameSite=Lax`)
})

test('over https_the cookie is Secure', () => {
  const asked = request({ scheme: 'https' })
  sticky(candidates(1, 1)).pick(null, asked)
  assert.match(asked.setCookie?.toString() ?? '', /; Secure$/)
})

test('cookie_its endpoint every time, and no other cookie', () => {
  const balancer = sticky(candidates(1, 1, 1))
  for (let time = 0; time < 5; time++) {
    const asked = withCookie(token('c'))
    assert.equal(balancer.pick(null, asked)?.name, 'c')
    assert.equal(asked.setCookie, null)
  }
})

test('cookie after a reload and in another worker_the same endpoint', () => {
  assert.equal(sticky(candidates(2, 1, 1, 1).reverse()).pick(null, withCookie(token('b')))?.name, 'b')
})

test('any forged cookie_the fallback, and a new cookie', () => {
  const other = token('b', 'another secret of length')
  const forged = fc.oneof(fc.string(), fc.constantFrom(other, token('gone'), 'b', '', token('b').slice(1)))
  fc.assert(
    fc.property(forged, (value) => {
      fc.pre(!value.includes(';'))
      const asked = withCookie(value)
      assert.equal(sticky(candidates(1, 1)).pick(null, asked)?.name, 'a')
      assert.match(asked.setCookie?.toString() ?? '', new RegExp(`^weir=${token('a')};`))
    }),
  )
})

test('endpoint down_the fallback, and a cookie for the new one', () => {
  const [a, b] = candidates(1, 1) as [TestCandidate, TestCandidate]
  const balancer = sticky([a, b])
  balancer.rebuild([a], [a])
  const asked = withCookie(token('b'))
  assert.equal(balancer.pick(null, asked), a)
  assert.match(asked.setCookie?.toString() ?? '', new RegExp(token('a')))
})

test('endpoint full, or the attempt there failed_the fallback, and the cookie stays', () => {
  const [a, b] = candidates(1, 1) as [TestCandidate, TestCandidate]
  const balancer = sticky([a, b])
  const retried = withCookie(token('b'))
  assert.equal(balancer.pick(b, retried), a)
  assert.equal(retried.setCookie, null)
  b.capacity = 0
  const asked = withCookie(token('b'))
  assert.equal(balancer.pick(null, asked), a)
  assert.equal(asked.setCookie, null)
})

test('endpoint full, a request that takes no place_there all the same', () => {
  const [a, b] = candidates(1, 1) as [TestCandidate, TestCandidate]
  b.capacity = 0
  const asked = request({ headers: ['cookie', `weir=${token('b')}`], takesPlace: false })
  assert.equal(sticky([a, b]).pick(null, asked), b)
})

test('endpoint that is reachable, but not in turn_those with a cookie only', () => {
  const [a, b] = candidates(1, 1) as [TestCandidate, TestCandidate]
  const balancer = sticky([a], [a, b])
  assert.equal(balancer.pick(null, withCookie(token('b'))), b)
  for (let time = 0; time < 3; time++) assert.equal(balancer.pick(null, request()), a)
})

test('second pick of a request_its cookie is that of the last', () => {
  const [a, b] = candidates(1, 1) as [TestCandidate, TestCandidate]
  const balancer = sticky([a, b])
  const asked = request()
  const first = balancer.pick(null, asked) as TestCandidate
  const second = balancer.pick(first, asked) as TestCandidate
  assert.notEqual(first, second)
  assert.match(asked.setCookie?.toString() ?? '', new RegExp(token(second.id)))
})

test('nobody has room_null, and no cookie', () => {
  const [a] = candidates(1) as [TestCandidate]
  a.capacity = 0
  const asked = request()
  assert.equal(sticky([a]).pick(null, asked), null)
  assert.equal(asked.setCookie, null)
})

test('fallback that observes_is told; one that does not costs nothing', () => {
  const plan = { policy: 'sticky', cookie: 'weir', secret, fallback: 'ewma' } as const
  assert.equal(typeof makeBalancer(plan, Math.random).observe, 'function')
  assert.equal(sticky(candidates(1)).observe, undefined)
})

test('no secret_a defect that is reported', () => {
  const plan = { policy: 'sticky', cookie: 'weir', secret: null, fallback: 'random' } as const
  assert.throws(() => makeBalancer(plan, Math.random), /no secret/)
})
