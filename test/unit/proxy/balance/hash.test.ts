import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Hash } from '../../../../src/proxy/balance/hash.ts'
import { seededRandom } from '../../../support/fakes/clock.ts'
import { candidates, TestCandidate, tally } from './candidates.ts'
import { request } from './requests.ts'

const unbounded = 1_000

function hash(endpoints: readonly TestCandidate[], loadFactor = unbounded, seed = 31): Hash<TestCandidate> {
  const balancer = new Hash<TestCandidate>({ by: { header: 'x-key' }, loadFactor }, seededRandom(seed))
  balancer.rebuild(endpoints)
  return balancer
}

const withKey = (key: string | number) => request({ headers: ['x-key', `${key}`] })

/** Where each of so many keys belongs. */
function owners(balancer: Hash<TestCandidate>, count: number): string[] {
  return Array.from({ length: count }, (_, key) => balancer.pick(null, withKey(key))?.id ?? '-')
}

function group(count: number): TestCandidate[] {
  return Array.from({ length: count }, (_, index) => new TestCandidate(`app/http://10.0.0.${index}:80`))
}

test('same key_same endpoint, in another worker and whatever the order of the list', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.integer(), fc.integer(), (count, seed, other) => {
      const shuffled = group(count).reverse()
      assert.deepEqual(owners(hash(group(count), 1.25, seed), 50), owners(hash(shuffled, 1.25, other), 50))
    }),
  )
})

test('one more endpoint_only its own keys move, about 1/n', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(12), (count, place) => {
      const before = group(count + 1)
      const [added] = before.splice(place % (count + 1), 1) as [TestCandidate]
      const keys = 2_000
      const was = owners(hash(before), keys)
      const is = owners(hash([...before, added]), keys)
      const moved = is.filter((owner, key) => owner !== was[key])
      assert.deepEqual(new Set(moved), new Set([added.id]), 'keys move to the new one and to nobody else')
      const share = moved.length / keys
      const fair = 1 / (count + 1)
      assert.ok(share > 0.7 * fair && share < 1.35 * fair, `${share} of the keys moved, ${fair} is fair`)
    }),
    { numRuns: 50 },
  )
})

test('many keys_in proportion to the weights', () => {
  const counts = tally(owners(hash(candidates(5, 3, 2)), 20_000))
  for (const [name, fair] of Object.entries({ a: 10_000, b: 6_000, c: 4_000 })) {
    assert.ok(Math.abs((counts[name] ?? 0) - fair) < fair * 0.2, JSON.stringify(counts))
  }
})

test('bounded load_nobody above loadFactor times his share of what is in flight, rounded up', () => {
  const popular = fc.array(fc.nat(3), { minLength: 1, maxLength: 200, size: 'max' })
  const weights = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(weights, popular, fc.constantFrom(1.05, 1.25, 2), (each, keys, loadFactor) => {
      const endpoints = candidates(...each)
      const balancer = hash(endpoints, loadFactor)
      const weight = each.reduce((sum, one) => sum + one)
      let inFlight = 0
      for (const key of keys) {
        const picked = balancer.pick(null, withKey(key)) as TestCandidate
        picked.inFlight++
        inFlight++
        const bound = Math.ceil(((loadFactor * inFlight) / weight) * picked.weight)
        assert.ok(picked.inFlight <= bound, `${picked.inFlight} in flight, ${bound} allowed of ${inFlight}`)
      }
    }),
  )
})

test('owner above its bound_always the same next one, and back when there is room', () => {
  const endpoints = candidates(1, 1, 1, 1)
  const balancer = hash(endpoints, 1.25)
  const owner = balancer.pick(null, withKey('k')) as TestCandidate
  owner.inFlight = 10
  const next = balancer.pick(null, withKey('k')) as TestCandidate
  assert.notEqual(next, owner)
  for (let time = 0; time < 5; time++) assert.equal(balancer.pick(null, withKey('k')), next)
  owner.inFlight = 0
  assert.equal(balancer.pick(null, withKey('k')), owner)
})

test('owner failed_the next one along the ring, which is where the key goes without it', () => {
  const endpoints = candidates(1, 1, 1)
  const owner = hash(endpoints).pick(null, withKey('k')) as TestCandidate
  const next = hash(endpoints).pick(owner, withKey('k'))
  assert.equal(next, hash(endpoints.filter((each) => each !== owner)).pick(null, withKey('k')))
})

test('those below their bound are full_better one above it than none', () => {
  const [a, b] = candidates(1, 10) as [TestCandidate, TestCandidate]
  a.inFlight = 5
  b.inFlight = 6
  b.capacity = 6
  assert.equal(hash([a, b], 1.05).pick(null, withKey('k')), a)
})

test('no key_spread at random', (t) => {
  const seed = 33
  t.diagnostic(`seed ${seed}`)
  const balancer = hash(candidates(1, 1, 1), unbounded, seed)
  const counts = tally(Array.from({ length: 3_000 }, () => balancer.pick(null, request())?.name ?? '-'))
  for (const count of Object.values(counts)) assert.ok(count > 700, JSON.stringify(counts))
  assert.ok(balancer.pick(null, null) !== null)
})

test('most endpoints with the highest weights_the ring stays small, and each is on it', () => {
  const endpoints = Array.from(
    { length: 1_000 },
    (_, index) => new TestCandidate(`e${index}`, index === 0 ? 1 : 256),
  )
  const balancer = hash(endpoints)
  assert.ok(new Set(owners(balancer, 20_000)).size > 980)
})
