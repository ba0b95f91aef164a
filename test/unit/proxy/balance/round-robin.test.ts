import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RoundRobin } from '../../../../src/proxy/balance/round-robin.ts'
import { candidates, picks, type TestCandidate, tally } from './candidates.ts'

const first = (): number => 0

function roundRobin(endpoints: readonly TestCandidate[], random = first): RoundRobin<TestCandidate> {
  const balancer = new RoundRobin<TestCandidate>(random)
  balancer.rebuild(endpoints)
  return balancer
}

test('weights 5_1_1 give the sequence of nginx: a a b a c a a, over and over', () => {
  const balancer = roundRobin(candidates(5, 1, 1))
  for (let cycle = 0; cycle < 3; cycle++) assert.equal(picks(balancer, 7).join(' '), 'a a b a c a a')
})

test('equal weights_take turns in order', () => {
  assert.equal(picks(roundRobin(candidates(1, 1, 1)), 7).join(''), 'abcabca')
})

test('before any rebuild_nothing is picked', () => {
  assert.equal(new RoundRobin<TestCandidate>(first).pick(null), null)
})

test('one endpoint_always it', () => {
  assert.equal(picks(roundRobin(candidates(7)), 3).join(''), 'aaa')
})

test('any weights_exact proportion over a cycle, from any beginning', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(weights, fc.double({ min: 0, max: 0.999, noNaN: true }), (list, seed) => {
      const endpoints = candidates(...list)
      const balancer = roundRobin(endpoints, () => seed)
      const cycle = list.reduce((sum, weight) => sum + weight, 0)
      // The beginning is somewhere within a cycle: two cycles hold every endpoint exactly twice its weight.
      const counts = tally(picks(balancer, 2 * cycle))
      for (const { name, weight } of endpoints) assert.equal(counts[name], 2 * weight)
    }),
  )
})

test('any weights_smooth: nobody waits longer than about its share of a cycle', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 6 })
  fc.assert(
    fc.property(weights, (list) => {
      const endpoints = candidates(...list)
      const cycle = list.reduce((sum, weight) => sum + weight, 0)
      const sequence = picks(roundRobin(endpoints), 3 * cycle)
      for (const { name, weight } of endpoints) {
        const places = sequence.flatMap((each, index) => (each === name ? [index] : []))
        for (let index = 1; index < places.length; index++) {
          const gap = (places[index] as number) - (places[index - 1] as number)
          // In a perfectly even row the gap is cycle / weight; the algorithm stays below twice that plus one.
          assert.ok(gap <= (2 * cycle) / weight + 1, `${name} of ${list.join(', ')} waited ${gap} picks`)
        }
      }
    }),
  )
})

test('several workers_begin at different endpoints', () => {
  const beginnings = [0, 0.34, 0.67].map(
    (random) =>
      picks(
        roundRobin(candidates(1, 1, 1), () => random),
        1,
      )[0],
  )
  assert.deepEqual(beginnings, ['a', 'b', 'c'])
})

test('endpoint that is full_passed over, and back in turn when it has room', () => {
  const endpoints = candidates(1, 1, 1)
  const balancer = roundRobin(endpoints)
  const [, b] = endpoints as [TestCandidate, TestCandidate, TestCandidate]
  b.capacity = 0
  assert.equal(picks(balancer, 4).join(''), 'acac')
  b.capacity = 1
  assert.ok(picks(balancer, 3).includes('b'))
})

test('endpoint that was full for long_makes up for nothing: it is not picked twice in a row', () => {
  const endpoints = candidates(1, 1)
  const balancer = roundRobin(endpoints)
  const b = endpoints[1] as TestCandidate
  b.capacity = 0
  picks(balancer, 1_000)
  b.capacity = 1
  assert.doesNotMatch(picks(balancer, 10).join(''), /aa|bb/)
})

test('except_passed over even when it has room', () => {
  const endpoints = candidates(1, 1)
  assert.equal(picks(roundRobin(endpoints), 3, endpoints[0] as TestCandidate).join(''), 'bbb')
})

test('all full_null', () => {
  const endpoints = candidates(1, 1)
  for (const endpoint of endpoints) endpoint.capacity = 0
  assert.equal(roundRobin(endpoints).pick(null), null)
})

test('rebuild while full_begins anew all the same', () => {
  const endpoints = candidates(1, 1)
  for (const endpoint of endpoints) endpoint.capacity = 0
  const balancer = roundRobin(endpoints, () => 0.6)
  for (const endpoint of endpoints) endpoint.capacity = 1
  assert.equal(picks(balancer, 2).join(''), 'ba')
})
