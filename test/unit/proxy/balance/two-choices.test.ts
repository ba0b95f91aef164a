import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TwoChoices } from '../../../../src/proxy/balance/two-choices.ts'
import { seededRandom } from '../../../support/fakes/clock.ts'
import { candidates, picks, type TestCandidate, tally } from './candidates.ts'

function twoChoices(endpoints: readonly TestCandidate[], source: () => number): TwoChoices<TestCandidate> {
  const balancer = new TwoChoices<TestCandidate>(source)
  balancer.rebuild(endpoints)
  return balancer
}

test('two that differ_the one with fewer in flight per weight, whichever was drawn first', () => {
  const [a, b] = candidates(1, 3) as [TestCandidate, TestCandidate]
  a.inFlight = 2
  b.inFlight = 5
  for (const point of [0, 0.3, 0.9]) assert.equal(twoChoices([a, b], () => point).pick(null), b)
  b.inFlight = 7
  for (const point of [0, 0.3, 0.9]) assert.equal(twoChoices([a, b], () => point).pick(null), a)
})

test('the most loaded of all_never picked while two others have less', (t) => {
  const seed = 11
  t.diagnostic(`seed ${seed}`)
  const endpoints = candidates(1, 1, 1, 1)
  ;(endpoints[2] as TestCandidate).inFlight = 1
  assert.equal(tally(picks(twoChoices(endpoints, seededRandom(seed)), 1_000)).c, undefined)
})

test('idle group_shares by weight', (t) => {
  const seed = 12
  t.diagnostic(`seed ${seed}`)
  const counts = tally(picks(twoChoices(candidates(5, 3, 2), seededRandom(seed)), 20_000))
  // Five standard deviations are 354 at the most.
  assert.ok(Math.abs((counts.a ?? 0) - 10_000) < 354, JSON.stringify(counts))
  assert.ok(Math.abs((counts.c ?? 0) - 4_000) < 354, JSON.stringify(counts))
})

test('requests that stay_no endpoint is far above the mean', (t) => {
  const seed = 13
  t.diagnostic(`seed ${seed}`)
  const endpoints = candidates(...Array.from({ length: 20 }, () => 1))
  const balancer = twoChoices(endpoints, seededRandom(seed))
  for (let count = 0; count < 2_000; count++) (balancer.pick(null) as TestCandidate).inFlight++
  // ln ln n / ln 2 + O(1) above the mean of 100 (Azar et al. 1994); with one choice it would be some 27.
  assert.ok(Math.max(...endpoints.map(({ inFlight }) => inFlight)) <= 104)
})
