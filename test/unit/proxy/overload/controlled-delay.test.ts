import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ControlledDelay } from '../../../../src/proxy/overload/controlled-delay.ts'

function controlled(): ControlledDelay {
  const delay = new ControlledDelay()
  delay.targetMs = 5
  delay.intervalMs = 100
  return delay
}

/** Looks every millisecond at a queue whose oldest always waits this long. @returns after how many it is overloaded, or -1 */
function standing(delay: ControlledDelay, waitMs: number, forMs: number, everyMs = 1): number {
  for (let now = 0; now <= forMs; now += everyMs) {
    delay.look(now, now - waitMs)
    if (delay.overloaded) return now
  }
  return -1
}

test('wait up to the target_never overloaded', () => {
  assert.equal(standing(controlled(), 5, 100_000), -1)
})

test('wait above the target_overloaded after an interval, not before', () => {
  const at = standing(controlled(), 6, 1_000)
  assert.ok(at >= 98 && at <= 105, `after ${at} ms`)
})

test('one short wait within the interval_begins it anew', () => {
  const delay = controlled()
  assert.equal(standing(delay, 6, 90), -1)
  delay.look(91, 91 - 5)
  assert.equal(standing(delay, 6, 90), -1)
})

test('overloaded_until nobody waits, whatever the waits', () => {
  const delay = controlled()
  standing(delay, 6, 1_000)
  delay.look(2_000, 2_000)
  assert.equal(delay.overloaded, true)
  delay.rest()
  assert.equal(delay.overloaded, false)
  delay.look(2_101, 2_000)
  assert.equal(delay.overloaded, false, 'a new interval')
})

test('empty for a moment_overloaded again as soon as somebody has waited too long', () => {
  const delay = controlled()
  standing(delay, 6, 1_000)
  delay.look(2_000, 2_000)
  delay.rest()
  delay.look(2_050, 2_045)
  assert.equal(delay.overloaded, false, 'within the target')
  delay.look(2_051, 2_045)
  assert.equal(delay.overloaded, true)
  // And so on, an interval from each time.
  delay.rest()
  delay.look(2_151, 2_140)
  assert.equal(delay.overloaded, true)
  delay.rest()
  delay.look(2_252, 2_240)
  assert.equal(delay.overloaded, false)
})

test('pause of the event loop_however long, no standing queue', () => {
  const delay = controlled()
  delay.look(0, 0)
  // Everybody has been there for ten seconds when it goes on; then the queue is worked off.
  for (const now of [10_000, 10_001, 10_002]) delay.look(now, 0)
  assert.equal(delay.overloaded, false)
})

test('any looks_overloaded only if for an interval every one found a wait above the target', () => {
  const looks = fc.array(
    fc.record({
      after: fc.double({ min: 0, max: 60, noNaN: true }),
      wait: fc.double({ min: 0, max: 300, noNaN: true }),
    }),
    { maxLength: 200 },
  )
  fc.assert(
    fc.property(looks, (steps) => {
      const delay = controlled()
      let now = 1_000
      let goodAt = now - 1_000
      for (const { after, wait } of steps) {
        now += after
        if (wait <= 5) goodAt = now
        const before = delay.overloaded
        delay.look(now, now - wait)
        // What a look finds above the target may have been so since shortly before it.
        if (delay.overloaded && !before)
          assert.ok(now - goodAt >= 75 || wait > 75, `good ${now - goodAt} ms ago`)
      }
    }),
    { numRuns: 300 },
  )
})
