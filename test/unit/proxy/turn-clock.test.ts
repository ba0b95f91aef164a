import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GradientLimit } from '../../../src/proxy/overload/gradient-limit.ts'
import { TurnClock } from '../../../src/proxy/turn-clock.ts'
import { type Answer, LoopSimulator } from '../../support/loop-simulator.ts'

interface Rig {
  readonly clock: TurnClock
  at: number
  readings: number
  /** How often an end was asked for. */
  ends: number
}

function rig(): Rig {
  const rig = { at: 100, readings: 0, ends: 0 } as Rig & { clock: TurnClock }
  rig.clock = new TurnClock(
    () => {
      rig.ends++
    },
    () => {
      rig.readings++
      return rig.at
    },
  )
  return rig
}

/** A turn of the event loop is over. */
function over({ clock }: Rig): number {
  return clock.end()
}

test('asked again in the same turn_the same time, and one reading; in the next turn another', () => {
  const subject = rig()
  const { clock } = subject
  assert.equal(clock.now, 100)
  subject.at = 105
  assert.equal(clock.now, 100)
  assert.equal(subject.readings, 1)
  assert.equal(over(subject), 105)
  subject.at = 110
  assert.equal(clock.now, 110)
})

test('asked_the turn is to be ended, and is told so once; the next one again', () => {
  const subject = rig()
  void [subject.clock.now, subject.clock.now]
  assert.equal(subject.ends, 1)
  over(subject)
  assert.equal(subject.clock.now, 100)
  assert.equal(subject.ends, 2)
})

test('nobody asks_it wants no more ends than those that what has begun may leave in', () => {
  const subject = rig()
  assert.equal(subject.clock.asked, false)
  assert.equal(subject.clock.now, 100)
  let ends = 0
  while (subject.clock.asked) {
    over(subject)
    ends++
  }
  assert.equal(ends, 3)
})

test('asked roughly_one reading for a turn, whose end need not be read', () => {
  const subject = rig()
  const { clock } = subject
  assert.equal(clock.roughly, 100)
  subject.at = 105
  assert.equal(clock.roughly, 100)
  assert.deepEqual([subject.readings, subject.ends, clock.asked], [1, 1, false])
  clock.pass()
  assert.equal(clock.roughly, 105)
  assert.deepEqual([subject.readings, subject.ends], [2, 2])
})

test('asked roughly and then for certain_the end is read, and the next turn has a time of its own', () => {
  const subject = rig()
  const { clock } = subject
  assert.equal(clock.roughly, 100)
  subject.at = 101
  assert.equal(clock.now, 101)
  assert.equal(clock.roughly, 101)
  assert.equal(clock.asked, true)
  subject.at = 103
  assert.equal(over(subject), 103)
  subject.at = 104
  assert.equal(clock.roughly, 104)
})

test('away_without the work of the turn before, in which nobody knows whether it was here', () => {
  const subject = rig()
  const { clock } = subject
  assert.equal(clock.now, 100)
  subject.at = 102
  const leftAt = over(subject)
  // A turn that looks after 3 ms, and works for 4.
  subject.at = 105
  assert.equal(clock.now, 105)
  subject.at = 109
  over(subject)
  // It waits for 1 ms more.
  subject.at = 110
  assert.equal(clock.awayMs(leftAt, clock.now), 3 + 1)
})

test('away, noticed by the turn behind that in which it left_all that has passed', () => {
  const subject = rig()
  assert.equal(subject.clock.now, 100)
  subject.at = 102
  const leftAt = over(subject)
  subject.at = 109
  assert.equal(subject.clock.awayMs(leftAt, subject.clock.now), 7)
})

test('never left, as far as the clock knows_what has passed since it began', () => {
  const subject = rig()
  const begunAt = subject.clock.now
  assert.equal(subject.clock.awayMs(begunAt, begunAt), 0)
})

test('any loop_never more than the server took, and less by the work of one turn at most', () => {
  const shape = fc.record({
    clients: fc.integer({ min: 1, max: 40 }),
    workMs: fc.constantFrom(0.01, 0.1, 1, 5),
    slots: fc.integer({ min: 1, max: 20 }),
    serviceMs: fc.constantFrom(0.01, 0.3, 3, 30),
    thinkMs: fc.constantFrom(0, 0.1, 2, 50),
    places: fc.integer({ min: 1, max: 40 }),
    seed: fc.nat(1_000),
  })
  fc.assert(
    fc.property(shape, ({ places, ...options }) => {
      const limit = new GradientLimit({ min: places, max: places, initial: places, tolerance: 1.5 })
      const check = ({ awayMs, tookMs, seenMs, workBeforeMs, workUnaskedMs }: Answer): void => {
        const says = `${awayMs} of ${tookMs}, noticed after ${seenMs}`
        const [rounding, unasked] = [1e-6, workUnaskedMs]
        assert.ok(awayMs >= 0 && awayMs <= tookMs + unasked + rounding, says)
        assert.ok(awayMs >= tookMs - workBeforeMs - rounding, says)
        assert.ok(awayMs <= seenMs + rounding, says)
      }
      const loop = new LoopSimulator({ ...options, limit, onAnswer: check })
      loop.run(200)
    }),
    { numRuns: 300 },
  )
})

test('busy loop_two readings a turn, however many it finds', () => {
  const loop = new LoopSimulator({ limit: null, clients: 64, workMs: 0.02, slots: 64, serviceMs: 0.05 })
  loop.run(100)
  assert.ok(loop.answered > 1_000)
  assert.ok(loop.readings < 0.25, `${loop.readings} for each answer`)
})

const adaptive = { min: 4, max: 1_000, initial: 20, tolerance: 1.5 }

test('loop that is busy, and a fast server_its own work is no queue there: the limit lets all in', () => {
  // From what a small GET takes to what it takes while it is traced, or with TLS and long bodies.
  for (const workMs of [0.02, 0.2, 0.5]) {
    for (const seed of [1, 2, 3]) {
      const limit = new GradientLimit(adaptive)
      const loop = new LoopSimulator({ limit, clients: 64, workMs, slots: 64, serviceMs: 0.1, seed })
      loop.run(2_000 * workMs * 64)
      loop.forget()
      loop.run(2_000 * workMs * 64)
      assert.ok(
        loop.meanLimit >= 60,
        `limit ${loop.meanLimit.toFixed(1)} on average at ${workMs} ms, seed ${seed}`,
      )
    }
  }
})

test('busy loop, and a server that is slow_its queue is found all the same', () => {
  // The loop can do 2,000 a second and has to do 800.
  for (const seed of [1, 2, 3]) {
    const limit = new GradientLimit(adaptive)
    const loop = new LoopSimulator({ limit, clients: 64, workMs: 0.5, slots: 8, serviceMs: 10, seed })
    loop.run(10_000)
    loop.forget()
    loop.run(20_000)
    const share = loop.answered / (20_000 * 0.8)
    assert.ok(loop.meanLimit <= 25, `limit ${loop.meanLimit.toFixed(1)} on average for 8 slots`)
    assert.ok(share > 0.9, `keeps the slots busy: ${share.toFixed(2)}`)
  }
})
