import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { coarseNow } from '../../../src/proxy/coarse-clock.ts'

test('the clock_stands between two steps, moves with each, and is read anew behind a time in which nobody asked', (t) => {
  let now = 1_000
  t.mock.method(performance, 'now', () => now)
  t.after(() => mock.timers.reset())
  mock.timers.enable({ apis: ['setInterval'] })
  const pass = (ms: number): void => {
    now += ms
    mock.timers.tick(ms)
  }
  assert.equal(coarseNow(), 1_000)
  pass(99)
  assert.equal(coarseNow(), 1_000)
  pass(1)
  assert.equal(coarseNow(), 1_100)
  // Nobody asks: the timer stops, and no step is left to be as late as this.
  pass(5_000)
  now += 7
  assert.equal(coarseNow(), 6_107)
})
