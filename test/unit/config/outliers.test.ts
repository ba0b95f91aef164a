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
  onlyProblem(upstreamWith({ outliers: { slowFactor: 1 } }), 'upstreams.app.outliers.slowFactor')
  onlyProblem(upstreamWith({ outliers: true }), 'upstreams.app.outliers')
})
