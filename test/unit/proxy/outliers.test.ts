import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { OutliersPlan } from '../../../src/plan/upstream-plan.ts'
import type { Ending } from '../../../src/proxy/balance/policy.ts'
import { Outlier, OutlierDetection } from '../../../src/proxy/outliers.ts'
import { FakeClock } from '../../support/fakes/clock.ts'

const plan: OutliersPlan = { failures: 3, timeMs: 10_000, maxTimeMs: 60_000, maxOut: 0.5, slowFactor: null }

class Fake {
  healthy = true
  retired = false
  inService = true
  readonly outlier = new Outlier()
}

function rig(t: TestContext, count: number, changes: Partial<OutliersPlan> | null = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const clock = new FakeClock()
  const members = Array.from({ length: count }, () => new Fake())
  const told: string[] = []
  const name = (endpoint: Fake) => 'abcdefgh'[members.indexOf(endpoint)]
  const detection = new OutlierDetection<Fake>(
    changes === null ? null : { ...plan, ...changes },
    () => members,
    clock.read,
    {
      onChange: () => {},
      onOut: (endpoint) => told.push(`${name(endpoint)} out`),
      onBack: (endpoint, down) => told.push(`${name(endpoint)} back${down ? ', slowly' : ''}`),
    },
  )
  return {
    members,
    told,
    detection,
    states: () => members.map(({ outlier }) => outlier.state[0]).join(''),
    pass(ms: number) {
      clock.advance(ms)
      t.mock.timers.tick(ms)
    },
    fail(index: number, times = 1, trouble: 'failing' | 'unreachable' = 'failing') {
      const endpoint = members[index] as Fake
      for (let n = 0; n < times; n++) detection.failed(endpoint, trouble, endpoint.outlier.epoch)
    },
    time(index: number, ms: number, times = 64, ending: Ending = 'answered') {
      const endpoint = members[index] as Fake
      for (let n = 0; n < times; n++) detection.timed(endpoint, ms, ending, endpoint.outlier.epoch)
    },
    succeed(index: number) {
      const endpoint = members[index] as Fake
      detection.succeeded(endpoint, endpoint.outlier.epoch)
    },
  }
}

test('failures in a row_out at the bound; a success between begins anew', (t) => {
  const { fail, succeed, states, told } = rig(t, 2)
  fail(0, 2)
  succeed(0)
  fail(0, 2)
  assert.equal(states(), 'ii')
  fail(0)
  assert.equal(states(), 'oi')
  assert.deepEqual(told, ['a out'])
})

test('probe that fails_out for twice as long, up to the bound; told once', (t) => {
  const { fail, pass, members, told } = rig(t, 2)
  const { outlier } = members[0] as Fake
  fail(0, 3)
  const pauses = []
  for (let n = 0; n < 5; n++) {
    pauses.push(outlier.pauseMs)
    pass(outlier.pauseMs - 1)
    assert.equal(outlier.state, 'out')
    pass(1)
    assert.equal(outlier.state, 'probing')
    fail(0)
  }
  assert.deepEqual(pauses, [10_000, 20_000, 40_000, 60_000, 60_000])
  assert.deepEqual([told, outlier.ejections], [['a out'], 6])
})

test('probe that succeeds_back, slowly; out again soon: goes on with the pause; later: begins anew', (t) => {
  const { fail, succeed, pass, members, told } = rig(t, 2)
  const { outlier } = members[0] as Fake
  fail(0, 3)
  pass(10_000)
  succeed(0)
  assert.deepEqual([outlier.state, outlier.troubled], ['in', false])
  assert.deepEqual(told, ['a out', 'a back, slowly'])
  pass(5_000)
  fail(0, 3)
  assert.equal(outlier.pauseMs, 20_000)
  pass(20_000)
  succeed(0)
  pass(40_001)
  fail(0, 3)
  assert.equal(outlier.pauseMs, 10_000)
})

test('what began before it was ejected_says nothing about it now', (t) => {
  const { members, detection, fail, pass, states } = rig(t, 2)
  const a = members[0] as Fake
  fail(0, 3)
  detection.succeeded(a, 0)
  assert.equal(states(), 'oi')
  pass(10_000)
  detection.failed(a, 'failing', 0)
  detection.succeeded(a, 0)
  assert.equal(states(), 'pi')
})

for (const [count, maxOut, expected] of [
  [1, 0.5, 'i'],
  [2, 0.5, 'oi'],
  [3, 0.5, 'oii'],
  [4, 0.5, 'ooii'],
  [4, 0, 'iiii'],
  [3, 1, 'ooo'],
] as const) {
  test(`all of ${count} fail, maxOut ${maxOut}_${expected}`, (t) => {
    const { fail, states } = rig(t, count, { maxOut })
    for (let index = 0; index < count; index++) fail(index, 5)
    assert.equal(states(), expected)
  })
}

test('maxOut_those that are unhealthy count as out, those that drain are not of the number', (t) => {
  const { fail, states, members } = rig(t, 4)
  ;(members[3] as Fake).healthy = false
  ;(members[2] as Fake).inService = false
  fail(0, 9)
  assert.equal(states(), 'iiii', '1 of 3 is out: another would be two thirds')
  ;(members[2] as Fake).inService = true
  fail(0)
  assert.equal(states(), 'oiii')
})

test('refused once_out at once for a second while another is in, then for longer, up to `time`', (t) => {
  const { fail, pass, members } = rig(t, 2)
  const { outlier } = members[0] as Fake
  const pauses = []
  for (let n = 0; n < 6; n++) {
    fail(0, 1, 'unreachable')
    pauses.push(outlier.pauseMs)
    pass(outlier.pauseMs)
  }
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
})

test('all refuse_each goes out, whatever maxOut says, and is probed every second', (t) => {
  const { fail, pass, states, members } = rig(t, 2)
  fail(0, 1, 'unreachable')
  pass(1_000)
  fail(0, 1, 'unreachable')
  pass(2_000)
  fail(0, 1, 'unreachable')
  fail(1, 2, 'unreachable')
  assert.equal(states(), 'oi', 'the last one stays for a refusal or two')
  assert.equal((members[0] as Fake).outlier.pauseMs, 4_000)
  fail(1, 1, 'unreachable')
  assert.equal(states(), 'oo')
  pass(1_000)
  assert.equal(states(), 'pp')
  fail(0, 1, 'unreachable')
  pass(1_000)
  assert.equal(states(), 'pp')
})

test('a check succeeds_probed at once', (t) => {
  const { fail, members, detection, states, pass } = rig(t, 2)
  fail(0, 3)
  detection.checked(members[0] as Fake)
  assert.equal(states(), 'pi')
  pass(100_000)
  assert.equal(states(), 'pi')
})

test('nobody is in_who is out for one refusal is let in, who failed often is not', (t) => {
  const { fail, members, detection, states } = rig(t, 4)
  fail(0, 1, 'unreachable')
  fail(1, 3)
  for (const member of members.slice(2)) member.healthy = false
  detection.lift(members.slice(0, 2))
  assert.equal(states(), 'ioii')
})

test('off_nobody goes out; turned off: everybody is in', (t) => {
  const off = rig(t, 2, null)
  off.fail(0, 100)
  off.fail(0, 100, 'unreachable')
  assert.equal(off.states(), 'ii')
  t.mock.timers.reset()
  const on = rig(t, 2)
  on.fail(0, 3)
  on.detection.configure(null)
  assert.equal(on.states(), 'ii')
  assert.equal((on.members[0] as Fake).outlier.cancel, null)
})

test('typically slower than the others by the factor_out, told how much; the limit of who may be out holds', (t) => {
  const { time, states, members, told } = rig(t, 4, { slowFactor: 5 })
  for (const index of [0, 1, 2]) time(index, 10)
  time(3, 49)
  assert.equal(states(), 'iiii')
  time(3, 100, 64 * 3)
  assert.equal(states(), 'iiio')
  const { trouble, slowness, troubled, typical } = (members[3] as Fake).outlier
  assert.deepEqual([trouble, troubled, typical.samples, told], ['slow', true, 0, ['d out']])
  assert.ok(slowness > 5 && slowness < 10)
  time(0, 1000, 1000)
  assert.equal(states(), 'oiio')
  time(1, 1_000_000, 1000)
  assert.equal(states(), 'oiio', 'half are out')
})

test('slow, as all are_nobody is out; nor by a few answers, nor by fast errors, nor where none is known to be faster', (t) => {
  const { time, states, succeed } = rig(t, 2, { slowFactor: 5 })
  time(1, 1000, 640)
  assert.equal(states(), 'ii', 'the other one is not known')
  time(0, 100, 64)
  time(0, 900, 6400)
  time(1, 4000, 64)
  succeed(1)
  assert.equal(states(), 'ii')
  time(0, 1, 6400, 'failed')
  time(1, 900, 640)
  time(1, 100_000, 20)
  time(1, 900, 44)
  assert.equal(states(), 'ii')
})

test('given up_can show that an endpoint is slow, not that it is fast', (t) => {
  const { time, states, members } = rig(t, 2, { slowFactor: 5 })
  time(0, 10)
  time(1, 11)
  time(1, 1, 640, 'given-up')
  assert.ok(Math.abs((members[1] as Fake).outlier.typical.ms - 11) < 1e-9)
  time(1, 100, 640, 'given-up')
  assert.equal(states(), 'io')
})

test('probe of a slow one_slow again: out for twice as long; quick enough: back, slowly, and judged soon', (t) => {
  const { time, states, members, pass, succeed, told } = rig(t, 2, { slowFactor: 5 })
  const { outlier } = members[1] as Fake
  time(0, 10)
  time(1, 100)
  assert.equal(states(), 'io')
  pass(10_000)
  time(1, 60, 1)
  assert.deepEqual([states(), outlier.pauseMs, outlier.slowness.toFixed(1)], ['io', 20_000, '6.0'])
  pass(20_000)
  time(1, 40, 1)
  succeed(1)
  assert.deepEqual([states(), told], ['ii', ['b out', 'b back, slowly']])
  time(1, 100, 15)
  assert.equal(states(), 'ii')
  time(1, 100, 1)
  assert.deepEqual([states(), outlier.pauseMs], ['io', 40_000])
})

test('what began before it was ejected_is no probe, however fast', (t) => {
  const { time, states, members, pass, detection } = rig(t, 2, { slowFactor: 5 })
  const endpoint = members[1] as Fake
  time(0, 10)
  time(1, 100)
  pass(10_000)
  detection.timed(endpoint, 1000, 'answered', 0)
  assert.deepEqual([states(), endpoint.outlier.pauseMs], ['ip', 10_000])
})

test('one ejected for its failures_may come back slow', (t) => {
  const { time, states, fail, pass, succeed } = rig(t, 2, { slowFactor: 5 })
  time(0, 10)
  fail(1, 3)
  pass(10_000)
  time(1, 1000, 1)
  succeed(1)
  assert.equal(states(), 'ii')
})

test('without a factor_latencies are not looked at', (t) => {
  const { detection, members, time } = rig(t, 2)
  assert.equal(detection.times, false)
  time(0, 10)
  assert.equal((members[0] as Fake).outlier.typical.samples, 0)
  detection.configure({ ...plan, slowFactor: 5 })
  assert.equal(detection.times, true)
  detection.configure(null)
  assert.equal(detection.times, false)
})

test('turned off, or down for the active checks_what was typical is no longer', (t) => {
  const { detection, members, time } = rig(t, 2, { slowFactor: 5 })
  const [a, b] = members as [Fake, Fake]
  time(0, 10)
  time(1, 10)
  detection.checked(a)
  assert.deepEqual([a.outlier.typical.samples, b.outlier.typical.samples], [0, 64])
  detection.configure(plan)
  assert.equal(b.outlier.typical.samples, 0)
})

test('whatever happens_a timer exactly while out; of those that failed no more than maxOut at once', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const step = fc.record({
    what: fc.constantFrom(
      'fail',
      'fail',
      'fail',
      'slow',
      'slow',
      'quick',
      'refuse',
      'succeed',
      'pass',
      'sick',
      'well',
    ),
    who: fc.nat(4),
    ms: fc.nat(30_000),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 5 }), (steps, count) => {
      t.mock.timers.reset()
      const { members, fail, time, succeed, pass } = rig(t, count, { slowFactor: 5 })
      for (const { what, who, ms } of steps) {
        const endpoint = members[who % count] as Fake
        const before = members.filter((one) => one.outlier.state !== 'in' || !one.healthy).length
        const wasIn = endpoint.outlier.state === 'in'
        if (what === 'fail') fail(who % count)
        if (what === 'slow') time(who % count, ms)
        if (what === 'quick') time(who % count, 1)
        if (what === 'refuse') fail(who % count, 1, 'unreachable')
        if (what === 'succeed') succeed(who % count)
        if (what === 'pass') pass(ms)
        if (what === 'sick') endpoint.healthy = false
        if (what === 'well') endpoint.healthy = true
        if ((what === 'fail' || what === 'slow') && wasIn && endpoint.outlier.state === 'out') {
          assert.ok(before + Number(endpoint.healthy) <= count / 2)
        }
        for (const { outlier } of members) {
          assert.equal(outlier.cancel !== null, outlier.state === 'out')
          assert.ok(outlier.troubled || (outlier.failures === 0 && outlier.state === 'in'))
          assert.ok(outlier.pauseMs <= plan.maxTimeMs)
        }
      }
      return true
    }),
    { numRuns: 300 },
  )
})
