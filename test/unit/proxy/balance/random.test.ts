import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../../../../src/proxy/balance/random.ts'
import { seededRandom } from '../../../support/fakes/clock.ts'
import { candidates, picks, type TestCandidate, tally } from './candidates.ts'

function random(endpoints: readonly TestCandidate[], source: () => number): Random<TestCandidate> {
  const balancer = new Random<TestCandidate>(source)
  balancer.rebuild(endpoints)
  return balancer
}

/** Is a count within five standard deviations of a binomial's mean? One wrong alarm in two million seeds. */
function isPlausible(count: number, trials: number, share: number): boolean {
  return Math.abs(count - trials * share) <= 5 * Math.sqrt(trials * share * (1 - share))
}

test('many picks_in proportion to the weights', (t) => {
  const seed = 20_261_123
  t.diagnostic(`seed ${seed}`)
  const trials = 20_000
  const counts = tally(picks(random(candidates(5, 3, 2), seededRandom(seed)), trials))
  for (const [name, share] of [
    ['a', 0.5],
    ['b', 0.3],
    ['c', 0.2],
  ] as const) {
    assert.ok(isPlausible(counts[name] ?? 0, trials, share), `${name}: ${counts[name]} of ${trials}`)
  }
})

test('many picks with one full_the others share by their weights', (t) => {
  const seed = 7
  t.diagnostic(`seed ${seed}`)
  const endpoints = candidates(5, 3, 1)
  ;(endpoints[0] as TestCandidate).capacity = 0
  const trials = 20_000
  const counts = tally(picks(random(endpoints, seededRandom(seed)), trials))
  assert.equal(counts.a, undefined)
  assert.ok(isPlausible(counts.b ?? 0, trials, 0.75), JSON.stringify(counts))
})

test('source at its edges_first and last endpoint', () => {
  const endpoints = candidates(1, 2, 3)
  assert.equal(random(endpoints, () => 0).pick(null)?.name, 'a')
  assert.equal(random(endpoints, () => 1 / 6).pick(null)?.name, 'b')
  assert.equal(random(endpoints, () => 0.999_999).pick(null)?.name, 'c')
})

test('rounding up to the total_still picks', () => {
  // 1 is what random() * total comes to when the product is rounded.
  assert.equal(random(candidates(1, 1), () => 1).pick(null)?.name, 'b')
})

test('before any rebuild_nothing is picked', () => {
  assert.equal(new Random<TestCandidate>(() => 0).pick(null), null)
})
