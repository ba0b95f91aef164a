import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff } from '../../../src/control/backoff.ts'

function delays(lives: readonly number[]): number[] {
  const backoff = new Backoff()
  return lives.map((livedMs) => backoff.next(livedMs))
}

test('first death_replaced at once', () => {
  assert.deepEqual(delays([0]), [0])
})

test('one death after another_100 ms, then twice as long each time, up to 10 s', () => {
  assert.deepEqual(
    delays(new Array(11).fill(10)),
    [0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000],
  )
})

test('thousands of deaths_still 10 s', () => {
  assert.equal(delays(new Array(5_000).fill(0)).at(-1), 10_000)
})

test('a life of 30 s_forgives what came before', () => {
  assert.deepEqual(delays([0, 0, 0, 30_000, 0]), [0, 100, 200, 0, 100])
})

test('a life just short of that_forgives nothing', () => {
  assert.deepEqual(delays([0, 0, 29_999]), [0, 100, 200])
})
