import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EndpointHealth, type Thresholds } from '../../../../src/control/health/verdicts.ts'
import { seedOf } from '../../../support/seed.ts'

const thresholds: Thresholds = { unhealthyAfter: 3, healthyAfter: 2 }

test('verdicts none_healthy', () => {
  const health = new EndpointHealth()
  assert.deepEqual([health.healthy, health.changing, health.streak], [true, false, 0])
})

test('verdicts third_failure_in_a_row takes it out, second success in a row brings it back', () => {
  const health = new EndpointHealth()
  const seen = [false, false, true, false, false, false, false, true, false, true, true, true].map(
    (passed) => {
      const changed = health.observe(passed, thresholds)
      return `${passed ? '+' : '-'}${health.streak}${changed ? '!' : health.changing ? '?' : ''}`
    },
  )
  assert.deepEqual(seen, ['-1?', '-2?', '+1', '-1?', '-2?', '-3!', '-4', '+1?', '-1', '+1?', '+2!', '+3'])
})

test('thresholds lowered_below_the_streak count at the next verdict', () => {
  const health = new EndpointHealth()
  for (let i = 0; i < 4; i++) health.observe(false, { unhealthyAfter: 10, healthyAfter: 1 })
  assert.equal(health.healthy, true)
  assert.equal(health.observe(false, thresholds), true)
  assert.equal(health.healthy, false)
})

test('any sequence agrees with a model that rereads the whole history', (t) => {
  const seed = seedOf(t)
  const verdicts = fc.array(fc.boolean(), { maxLength: 60, size: 'max' })
  const threshold = fc.integer({ min: 1, max: 5 })
  fc.assert(
    fc.property(verdicts, threshold, threshold, (history, unhealthyAfter, healthyAfter) => {
      const health = new EndpointHealth()
      for (let n = 1; n <= history.length; n++) {
        const before = model(history.slice(0, n - 1), unhealthyAfter, healthyAfter)
        const expected = model(history.slice(0, n), unhealthyAfter, healthyAfter)
        const changed = health.observe(history[n - 1]!, { unhealthyAfter, healthyAfter })
        assert.equal(health.healthy, expected)
        assert.equal(changed, before !== expected)
        assert.equal(health.changing, history[n - 1] !== expected)
      }
    }),
    { seed, numRuns: 2000 },
  )
})

/** The state after a history, without counters: the last run of the needed length decides; before any, healthy. */
function model(history: readonly boolean[], unhealthyAfter: number, healthyAfter: number): boolean {
  for (let end = history.length; end > 0; end--) {
    const failures = history.slice(Math.max(0, end - unhealthyAfter), end)
    if (failures.length === unhealthyAfter && failures.every((passed) => !passed)) return false
    const successes = history.slice(Math.max(0, end - healthyAfter), end)
    if (successes.length === healthyAfter && successes.every((passed) => passed)) return true
  }
  return true
}
