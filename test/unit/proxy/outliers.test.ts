import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { OutliersPlan } from '../../../src/plan/plan.ts'
import { Outlier, OutlierDetection } from '../../../src/proxy/outliers.ts'
import { FakeClock } from '../../support/fakes/clock.ts'

const plan: OutliersPlan = { failures: 3, timeMs: 10_000, maxTimeMs: 60_000, maxOut: 0.5 }

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
  assert.equal((on.members[0] as Fake).outlier.timer, null)
})

test('whatever happens_a timer exactly while out; of those that failed no more than maxOut at once', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const step = fc.record({
    what: fc.constantFrom('fail', 'fail', 'fail', 'refuse', 'succeed', 'pass', 'sick', 'well'),
    who: fc.nat(4),
    ms: fc.nat(30_000),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 5 }), (steps, count) => {
      t.mock.timers.reset()
      const { members, fail, succeed, pass } = rig(t, count)
      for (const { what, who, ms } of steps) {
        const endpoint = members[who % count] as Fake
        const before = members.filter((one) => one.outlier.state !== 'in' || !one.healthy).length
        const wasIn = endpoint.outlier.state === 'in'
        if (what === 'fail') fail(who % count)
        if (what === 'refuse') fail(who % count, 1, 'unreachable')
        if (what === 'succeed') succeed(who % count)
        if (what === 'pass') pass(ms)
        if (what === 'sick') endpoint.healthy = false
        if (what === 'well') endpoint.healthy = true
        if (what === 'fail' && wasIn && endpoint.outlier.state === 'out') {
          assert.ok(before + Number(endpoint.healthy) <= count / 2)
        }
        for (const { outlier } of members) {
          assert.equal(outlier.timer !== null, outlier.state === 'out')
          assert.ok(outlier.troubled || (outlier.failures === 0 && outlier.state === 'in'))
          assert.ok(outlier.pauseMs <= plan.maxTimeMs)
        }
      }
      return true
    }),
    { numRuns: 300 },
  )
})
