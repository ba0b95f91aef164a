import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SlowStart, type Warmable } from '../../../src/proxy/slow-start.ts'

function member(plannedWeight: number): Warmable & { retired: boolean } {
  return { plannedWeight, retired: false, weight: plannedWeight, warmth: 100 }
}

function subject(
  durationMs: number,
  members: readonly Warmable[],
): { slowStart: SlowStart; scaled: () => number } {
  let count = 0
  const slowStart = new SlowStart(
    durationMs,
    () => members,
    () => count++,
  )
  return { slowStart, scaled: () => count }
}

test('recovered_from a tenth of its weight to all of it, in whole numbers', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const [a, b] = [member(3), member(1)]
  const { slowStart, scaled } = subject(9_000, [a, b])
  slowStart.begin(b)
  const shares = [b.weight / (a.weight / 3)]
  for (let step = 1; step <= 18; step++) {
    t.mock.timers.tick(500)
    assert.ok(Number.isInteger(a.weight) && Number.isInteger(b.weight))
    shares.push(b.weight / (a.weight / 3))
  }
  assert.deepEqual(shares.slice(0, 4), [0.1, 0.15, 0.2, 0.25])
  assert.deepEqual(shares.slice(-2), [0.95, 1])
  assert.deepEqual([a.weight, b.weight], [3, 1], 'the plan’s own weights at the end')
  assert.equal(scaled(), 1)
  t.mock.timers.tick(60_000)
  assert.equal(scaled(), 1, 'no timer is left')
})

test('recovers again meanwhile_begins at a tenth again; another goes on', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const [a, b] = [member(1), member(1)]
  const { slowStart } = subject(1_800, [a, b])
  slowStart.begin(a)
  // Step by step: a timer that is set while the mocked time runs is counted from its end.
  for (let step = 0; step < 9; step++) t.mock.timers.tick(100)
  slowStart.begin(b)
  assert.deepEqual([a.warmth, b.warmth], [55, 10])
  for (let step = 0; step < 9; step++) t.mock.timers.tick(100)
  slowStart.begin(a)
  assert.deepEqual([a.warmth, b.warmth], [10, 55])
})

test('off_the whole weight at once', () => {
  const a = member(2)
  subject(0, [a]).slowStart.begin(a)
  assert.deepEqual([a.weight, a.warmth], [2, 100])
})

test('retired meanwhile_the timer ends', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const [a, b] = [member(1), member(2)]
  const { slowStart, scaled } = subject(1_800, [a, b])
  slowStart.begin(a)
  a.retired = true
  t.mock.timers.tick(100)
  assert.equal(scaled(), 1)
  assert.equal(b.weight, 2)
})

test('stopped_everybody has all of his weight', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const [a, b] = [member(1), member(2)]
  const { slowStart, scaled } = subject(1_800, [a, b])
  slowStart.begin(a)
  slowStart.stop()
  t.mock.timers.tick(10_000)
  assert.deepEqual([a.weight, a.warmth, b.weight, scaled()], [1, 100, 2, 0])
})
