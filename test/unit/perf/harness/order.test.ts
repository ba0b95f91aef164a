import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rotate, shuffled } from '../../../../perf/harness/order.ts'
import { randomFrom } from '../../../../perf/harness/random.ts'

const names = ['a', 'b', 'c']

function orders(seed: number, count: number): readonly string[] {
  const random = randomFrom(seed)
  return Array.from({ length: count }, () => shuffled(names, random).join(''))
}

test('the same seed gives_the_same_orders, and another one others', () => {
  assert.deepEqual(orders(7, 20), orders(7, 20))
  assert.notDeepEqual(orders(7, 20), orders(8, 20))
  assert.deepEqual(names, ['a', 'b', 'c'])
})

test('every order is_as_likely', () => {
  const counts = new Map<string, number>()
  for (const order of orders(1, 6_000)) counts.set(order, (counts.get(order) ?? 0) + 1)
  assert.deepEqual([...counts.keys()].sort(), ['abc', 'acb', 'bac', 'bca', 'cab', 'cba'])
  // 1,000 each; five standard deviations are 144.
  for (const [order, count] of counts) assert.ok(Math.abs(count - 1_000) < 144, `${order} ${count}`)
})

test('nothing and one_stay_what_they_are', () => {
  assert.deepEqual(shuffled([], Math.random), [])
  assert.deepEqual(shuffled(['a'], Math.random), ['a'])
})

test('rotating begins_one_further_each_time', () => {
  assert.deepEqual(
    [0, 1, 2, 3].map((turn) => rotate(names, turn).join('')),
    ['abc', 'bca', 'cab', 'abc'],
  )
})
