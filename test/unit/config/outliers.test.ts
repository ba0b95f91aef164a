import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onlyProblem, planOf, upstreamWith } from './read.ts'

function outliersOf(outliers: unknown) {
  return planOf(upstreamWith({ outliers })).upstreams[0]?.outliers
}

test('outliers_defaults, values, off', () => {
  const defaults = { failures: 5, timeMs: 10_000, maxTimeMs: 60_000, maxOut: 0.5, slowFactor: null }
  assert.deepEqual(outliersOf({}), defaults)
  assert.deepEqual(outliersOf({ failures: 2, maxOut: 1 }), { ...defaults, failures: 2, maxOut: 1 })
  assert.deepEqual(outliersOf({ slowFactor: 2.5 }), { ...defaults, slowFactor: 2.5 })
  assert.equal(outliersOf(false), null)
})

test('outliers_slowFactor: 5 by default with two-choices only; false turns it off', () => {
  const slowFactorOf = (changes: Record<string, unknown>) =>
    planOf(upstreamWith(changes)).upstreams[0]?.outliers?.slowFactor
  for (const outliers of [undefined, {}, { failures: 2 }]) {
    assert.equal(slowFactorOf({ balance: 'two-choices', outliers }), 5)
  }
  assert.equal(slowFactorOf({ balance: 'two-choices', outliers: { slowFactor: 3 } }), 3)
  assert.equal(slowFactorOf({ balance: 'two-choices', outliers: { slowFactor: false } }), null)
  assert.equal(slowFactorOf({ balance: 'two-choices', outliers: false }), undefined)
  const sticky = { policy: 'sticky', fallback: 'two-choices' }
  for (const balance of ['round-robin', 'least-connections', 'random', 'ewma', 'hash', 'sticky', sticky]) {
    assert.equal(slowFactorOf({ balance }), null)
    assert.equal(slowFactorOf({ balance, outliers: { slowFactor: 7 } }), 7)
  }
})

test('outliers_a time above maxTime is the longest, too', () => {
  assert.deepEqual(outliersOf({ time: '2m' }), {
    failures: 5,
    timeMs: 120_000,
    maxTimeMs: 120_000,
    maxOut: 0.5,
    slowFactor: null,
  })
})

test('outliers_out of range: one problem, with its place', () => {
  onlyProblem(upstreamWith({ outliers: { failures: 0 } }), 'upstreams.app.outliers.failures')
  onlyProblem(upstreamWith({ outliers: { maxOut: 2 } }), 'upstreams.app.outliers.maxOut')
  for (const slowFactor of [1, true, null, '5']) {
    onlyProblem(upstreamWith({ outliers: { slowFactor } }), 'upstreams.app.outliers.slowFactor')
  }
  onlyProblem(upstreamWith({ outliers: true }), 'upstreams.app.outliers')
})
