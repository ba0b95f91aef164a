/** Who is due, and when. What is done then stands in hedge.test.ts. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { HedgingPlan } from '../../../../src/plan/upstream-plan.ts'
import { Hedging } from '../../../../src/proxy/hedging/hedging.ts'
import { FakeClock } from '../../../support/fakes/clock.ts'
import { teach, Watched } from '../../../support/fakes/teach.ts'

const plan: HedgingPlan = { share: 0.5, minMs: 10, maxMs: 0, methods: 'idempotent' }

/** Its timer and the test's clock go together. */
function hedging(t: TestContext, changes: Partial<HedgingPlan> = {}) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] })
  const clock = new FakeClock()
  const subject = new Hedging({ ...plan, ...changes }, clock.read)
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed++) {
      clock.advance(1)
      t.mock.timers.tick(1)
    }
  }
  const watch = () => {
    const request = new Watched()
    subject.watch(request)
    return request
  }
  return { subject, clock, pass, watch, learn: (ms: number, count = 20) => teach(subject, clock, ms, count) }
}

test('too little is known_nobody is ever due', (t) => {
  const { subject, pass, watch, learn } = hedging(t)
  learn(20, 19)
  assert.equal(subject.stats().afterMs, null)
  const request = watch()
  pass(1_000)
  assert.equal(request.due, 0)
})

test('head awaited for the percentile of what others took_due, once', (t) => {
  const { subject, pass, watch, learn } = hedging(t)
  learn(20)
  const { afterMs } = subject
  assert.ok(afterMs >= 20 && afterMs < 21)
  const request = watch()
  pass(19)
  assert.equal(request.due, 0)
  pass(4)
  assert.equal(request.due, 1)
  pass(100)
  assert.equal(request.due, 1)
})

test('percentile below min_min it is', (t) => {
  const { subject, watch, pass, learn } = hedging(t)
  learn(1)
  assert.equal(subject.afterMs, 10)
  const request = watch()
  pass(9)
  assert.equal(request.due, 0)
  pass(2)
  assert.equal(request.due, 1)
})

test('percentile above max_max it is, once enough is known', (t) => {
  const { subject, watch, pass, learn } = hedging(t, { maxMs: 30 })
  learn(100, 19)
  assert.equal(subject.afterMs, Number.NaN)
  learn(100, 1)
  assert.equal(subject.afterMs, 30)
  const request = watch()
  pass(29)
  assert.equal(request.due, 0)
  pass(2)
  assert.equal(request.due, 1)
  subject.configure({ ...plan, maxMs: 5 })
  assert.equal(subject.afterMs, 5, 'even below min')
})

test('answered or over before it is due_never due', (t) => {
  const { subject, watch, pass, learn } = hedging(t)
  learn(20)
  const requests = [watch(), watch(), watch()]
  pass(15)
  subject.ended(requests[0] as Watched, 200)
  subject.ended(requests[2] as Watched, 0)
  pass(10)
  assert.deepEqual(
    requests.map(({ due }) => due),
    [0, 1, 0],
  )
})

test('worker late_what has been read meanwhile is not due', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const clock = new FakeClock()
  const subject = new Hedging(plan, clock.read)
  teach(subject, clock, 20, 20)
  const request = new Watched()
  subject.watch(request)
  clock.advance(500)
  t.mock.timers.tick(500)
  assert.equal(request.due, 0, 'not from inside the timer: sockets are read first')
  subject.ended(request, 200)
  subject.look()
  assert.equal(request.due, 0)
})

test('reload_settings are new, what is known stays; off and at the end_no timer', (t) => {
  const { subject, watch, pass, learn } = hedging(t)
  learn(20, 45)
  learn(40, 15)
  subject.configure({ share: 0.9, minMs: 10, maxMs: 0, methods: 'safe' })
  assert.ok(subject.afterMs > 30, 'the ninetieth of the same')
  assert.deepEqual([subject.takes('GET'), subject.takes('PUT'), subject.takes('POST')], [true, false, false])
  subject.configure(plan)
  assert.deepEqual([subject.takes('GET'), subject.takes('PUT'), subject.takes('POST')], [true, true, false])
  const request = watch()
  subject.stop()
  pass(100)
  assert.equal(request.due, 0)
})

test('what is learned_heads below 500, and what is above for certain', (t) => {
  const { subject, clock, watch, learn } = hedging(t, { minMs: 1 })
  learn(20)
  const end = (ms: number, status: number) => {
    const request = watch()
    clock.advance(ms)
    subject.ended(request, status)
    subject.ended(request, status)
  }
  for (let count = 0; count < 100; count++) {
    end(1, 0)
    end(1, 503)
    end(100, 500)
  }
  assert.ok(subject.afterMs < 21, 'neither the short that were given up, nor errors')
  for (let count = 0; count < 25; count++) end(30, 0)
  assert.ok(subject.afterMs > 28, 'the long that were given up')
  for (let count = 0; count < 50; count++) end(5, 404)
  assert.ok(subject.afterMs < 6)
})

test('tail that is cut off by hedges_does not draw the percentile down', (t) => {
  const { subject, clock, learn } = hedging(t, { share: 0.9 })
  learn(20, 90)
  learn(200, 10)
  const before = subject.afterMs
  for (let round = 0; round < 500; round++) {
    const request = new Watched()
    subject.watch(request)
    const slow = round % 10 === 0
    // The hedge of a slow one answers a little later, and the first attempt is cancelled.
    clock.advance(slow ? subject.afterMs + 2 : 20)
    subject.ended(request, slow ? 0 : 200)
  }
  assert.ok(subject.afterMs >= before && subject.afterMs < before * 1.2, `${before}, ${subject.afterMs}`)
})

test('a defect in one that is due_does not keep the others waiting', (t) => {
  const { watch, pass, learn } = hedging(t)
  learn(20)
  const broken = watch()
  broken.hedge = () => {
    throw new Error('a defect')
  }
  const other = watch()
  assert.throws(() => pass(30), /a defect/)
  pass(30)
  assert.equal(other.due, 1)
})

test('any course_who is due has waited long enough, no one else is, and no one is forgotten', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] })
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant('watch' as const) },
    { weight: 2, arbitrary: fc.record({ answer: fc.nat(20), status: fc.constantFrom(0, 200, 503) }) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 60 }) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
      const clock = new FakeClock()
      const subject = new Hedging(plan, clock.read)
      teach(subject, clock, 25, 20)
      const waiting = new Map<Watched, number>()
      let longest = subject.afterMs
      const pass = (ms: number) => {
        for (let passed = 0; passed < ms; passed++) {
          clock.advance(1)
          t.mock.timers.tick(1)
        }
        for (const [request, since] of waiting) {
          // The timer may be late by its own grain, and has been set when the time to wait was another one.
          if (clock.now - since > longest + 2) assert.equal(request.due, 1, 'forgotten')
          if (request.due === 1) waiting.delete(request)
        }
      }
      for (const each of steps) {
        if (each === 'watch') {
          const request = new Watched()
          const since = clock.now
          waiting.set(request, since)
          request.hedge = () => {
            request.due++
            assert.ok(clock.now - since >= subject.afterMs, 'too early')
            assert.ok(waiting.has(request), 'it was over')
          }
          subject.watch(request)
        } else if (typeof each === 'number') pass(each)
        else {
          const request = [...waiting.keys()][each.answer % Math.max(1, waiting.size)]
          if (request === undefined) continue
          waiting.delete(request)
          subject.ended(request, each.status)
          longest = Math.max(longest, subject.afterMs)
        }
      }
      pass(200)
      assert.equal(waiting.size, 0)
      subject.stop()
    }),
    { numRuns: 200 },
  )
})
