import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Arrivals, countArrivals } from '../../../../perf/harness/arrivals.ts'

function times(perSecond: number, seed: number, count: number): readonly number[] {
  const arrivals = new Arrivals(perSecond, seed)
  return Array.from({ length: count }, () => {
    const { dueMs } = arrivals
    arrivals.advance()
    return dueMs
  })
}

test('the same seed gives_the_same_times, another one others', () => {
  assert.deepEqual(times(100, 7, 50), times(100, 7, 50))
  assert.notDeepEqual(times(100, 7, 50), times(100, 8, 50))
})

test('gaps are_exponential: their mean and deviation are one over the rate', () => {
  const all = times(2_000, 1, 100_000)
  const gaps = all.map((time, index) => time - (all[index - 1] ?? 0))
  assert.ok(gaps.every((gap) => gap >= 0))
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
  const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length)
  assert.ok(Math.abs(mean - 0.5) < 0.01, `${mean}`)
  assert.ok(Math.abs(deviation - 0.5) < 0.01, `${deviation}`)
})

test('arrivals are_counted from a time on and before another', () => {
  const all = times(1_000, 3, 4_000)
  assert.equal(countArrivals(1_000, 3, 500, 2_000), all.filter((time) => time >= 500 && time < 2_000).length)
})
