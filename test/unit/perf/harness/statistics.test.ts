import assert from 'node:assert/strict'
import { test } from 'node:test'
import { median, medianInterval, percentile, ratios, spread } from '../../../../perf/harness/statistics.ts'

test('an odd number of values has_the_middle_one', () => {
  assert.equal(median([9, 1, 5]), 5)
})

test('an even number of values has_the_mean_of_the_middle_two', () => {
  assert.equal(median([8, 2, 4, 100]), 6)
})

test('values are sorted as_numbers', () => {
  assert.equal(median([100, 20, 3]), 20)
})

test('the list that is given stays_as_it_was', () => {
  const values = [3, 1, 2]
  median(values)
  assert.deepEqual(values, [3, 1, 2])
})

test('the median of nothing is_refused', () => {
  assert.throws(() => median([]), RangeError)
})

test('a spread names_the_ends', () => {
  assert.deepEqual(spread([3, 1, 2]), { median: 2, min: 1, max: 3 })
})

test('a machine that slows both of a pair down leaves_their_ratio', () => {
  const baseline = [100, 50, 100]
  const values = [40, 20, 40]
  assert.deepEqual(spread(ratios(values, baseline)), { median: 0.4, min: 0.4, max: 0.4 })
})

test('lists that are not pairs are_refused', () => {
  assert.throws(() => ratios([1, 2], [1]), /2 values cannot be paired with 1/)
})

test('a percentile is_the_least_value_that_so_many_are_not_above', () => {
  const values = Array.from({ length: 1000 }, (_, index) => index + 1)
  assert.deepEqual(
    [50, 99, 99.9, 100].map((percent) => percentile(values, percent)),
    [500, 990, 999, 1000],
  )
  assert.equal(percentile([7], 99.9), 7)
  assert.ok(Number.isNaN(percentile([], 50)))
})

test('the interval of a median is_by_order, and there is none for few values', () => {
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
  // Tables of the sign test have these.
  assert.equal(medianInterval(upTo(5)), null)
  assert.deepEqual(medianInterval(upTo(6)), { low: 1, high: 6 })
  assert.deepEqual(medianInterval(upTo(9)), { low: 2, high: 8 })
  assert.deepEqual(medianInterval(upTo(20).reverse()), { low: 6, high: 15 })
})
