import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { Deadlines, type Timed, tickMs } from '../../../src/proxy/deadlines.ts'
import { FakeClock } from '../../support/fakes/clock.ts'

class Member implements Timed {
  slot = -1
  deadline = Number.NaN
  totalDeadline = Number.NaN
  total = 0
  expiries = 0
  rearms = 0
  stalled = false
  nudges = 0
  onExpire: () => void = () => {
    this.deadline = Number.NaN
  }

  expireTotally(): void {
    this.totalDeadline = Number.NaN
    this.total++
  }

  expire(): void {
    this.expiries++
    this.onExpire()
  }

  rearm(): void {
    this.rearms++
  }

  nudge(): void {
    this.nudges++
  }
}

interface Kit {
  readonly clock: FakeClock
  readonly deadlines: Deadlines<Member>
  /** One tick, one tick's time after the one before. */
  readonly tick: () => void
  /** Ticks until so much time has passed, and the few more that a deadline may be late. */
  readonly pass: (ms: number) => void
  readonly add: (afterMs?: number) => Member
}

function setUp(t: TestContext): Kit {
  // The timer of Deadlines itself must not tick in between.
  t.mock.timers.enable({ apis: ['setInterval'] })
  const clock = new FakeClock()
  const deadlines = new Deadlines<Member>(clock.read)
  const tick = (): void => {
    clock.advance(tickMs)
    deadlines.tick()
  }
  return {
    clock,
    deadlines,
    tick,
    pass: (ms) => {
      for (let passed = 0; passed < ms + 3 * tickMs; passed += tickMs) tick()
    },
    add: (afterMs) => {
      const member = new Member()
      deadlines.add(member)
      if (afterMs !== undefined) member.deadline = deadlines.after(afterMs)
      return member
    },
  }
}

test('deadline not reached_does not fire; reached_fires at the next tick but one', (t) => {
  const { tick, add } = setUp(t)
  const member = add(200)
  for (let elapsed = tickMs; elapsed <= 200; elapsed += tickMs) {
    tick()
    assert.equal(member.expiries, 0, `after ${elapsed} ms`)
  }
  tick()
  tick()
  assert.equal(member.expiries, 1)
})

test('any duration set at any moment_never early, and a few ticks late at most', (t) => {
  const { clock, deadlines, add } = setUp(t)
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.integer({ min: 0, max: tickMs - 1 }),
      (durationMs, betweenTicksMs) => {
        const keeper = add()
        clock.advance(betweenTicksMs)
        const member = add(durationMs)
        const setAt = clock.now
        clock.advance(tickMs - betweenTicksMs)
        for (;;) {
          deadlines.tick()
          if (member.expiries > 0) break
          clock.advance(tickMs)
        }
        const elapsedMs = clock.now - setAt
        assert.ok(elapsedMs >= durationMs, `${durationMs} ms fired after ${elapsedMs} ms`)
        assert.ok(elapsedMs <= durationMs + 3 * tickMs, `${durationMs} ms fired after ${elapsedMs} ms`)
        deadlines.remove(member)
        deadlines.remove(keeper)
        deadlines.tick()
      },
    ),
  )
})

test('deadline set after the event loop has stood still_is not early all the same', (t) => {
  const { clock, deadlines, add } = setUp(t)
  const member = add()
  deadlines.tick()
  // A long turn of the event loop: the tick is overdue when the deadline is set.
  clock.advance(1_000)
  member.deadline = deadlines.after(500)
  deadlines.tick()
  assert.equal(member.expiries, 0, 'fired at once instead of after 500 ms')
  clock.advance(499)
  deadlines.tick()
  assert.equal(member.expiries, 0, 'fired after 499 ms')
})

test('precise_moves between ticks, never back, and a standing event loop adds two ticks at most', (t) => {
  const { clock, tick, add, deadlines } = setUp(t)
  add()
  const seen = [deadlines.precise]
  for (let step = 0; step < 100; step++) {
    clock.advance(7)
    seen.push(deadlines.precise)
    if (step % 7 === 6) deadlines.tick()
    seen.push(deadlines.precise)
  }
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  )
  assert.equal((seen.at(-1) as number) - (seen[0] as number), 700)
  tick()
  const before = deadlines.precise
  clock.advance(10_000)
  assert.equal(deadlines.precise, before + 2 * tickMs)
  deadlines.tick()
  assert.equal(deadlines.precise, before + 2 * tickMs)
})

test('deadline of 0 ms_none', (t) => {
  const { pass, add } = setUp(t)
  const member = add(0)
  assert.ok(Number.isNaN(member.deadline))
  pass(60_000)
  assert.equal(member.expiries, 0)
})

test('deadline moved on before it is reached_counts from then', (t) => {
  const { deadlines, tick, add } = setUp(t)
  const member = add(200)
  for (let count = 0; count < 20; count++) {
    tick()
    member.deadline = deadlines.after(200)
  }
  assert.equal(member.expiries, 0)
})

test('member that leaves_is not fired, and those that move into the gap still are', (t) => {
  const { deadlines, pass, add } = setUp(t)
  const members = [add(100), add(100), add(100), add(100)] as [Member, Member, Member, Member]
  deadlines.remove(members[1])
  assert.equal(members[1].slot, -1)
  assert.equal(deadlines.size, 3)
  pass(100)
  assert.deepEqual(
    members.map(({ expiries }) => expiries),
    [1, 0, 1, 1],
  )
})

test('all leave while they expire_each fires once', (t) => {
  const { deadlines, pass, add } = setUp(t)
  const members = Array.from({ length: 10 }, () => add(100))
  for (const member of members) member.onExpire = () => deadlines.remove(member)
  pass(100)
  assert.ok(members.every(({ expiries }) => expiries === 1))
  assert.equal(deadlines.size, 0)
})

test('any leaving while ticking_nobody due is passed over, nobody outside is fired', (t) => {
  const { deadlines, pass, add } = setUp(t)
  // For each member: whom it takes out of the list when it expires. Whoever has been taken out need not fire.
  const takes = fc.array(fc.array(fc.nat(11), { maxLength: 3 }), { minLength: 12, maxLength: 12 })
  fc.assert(
    fc.property(takes, (lists) => {
      const members = lists.map(() => add(100))
      const takenBefore = new Set<Member>()
      lists.forEach((list, index) => {
        const member = members[index] as Member
        member.onExpire = () => {
          assert.notEqual(member.slot, -1, 'a member that has left is not fired')
          member.deadline = Number.NaN
          for (const other of list.map((each) => members[each] as Member)) {
            if (other.slot === -1) continue
            if (other.expiries === 0) takenBefore.add(other)
            deadlines.remove(other)
          }
        }
      })
      pass(100)
      for (const member of members) {
        assert.equal(member.expiries, takenBefore.has(member) ? 0 : 1)
        if (member.slot !== -1) deadlines.remove(member)
      }
      assert.equal(deadlines.size, 0)
    }),
  )
})

test('joined while ticking_waits for its own deadline', (t) => {
  const { pass, add } = setUp(t)
  const joined: Member[] = []
  const member = add(100)
  member.onExpire = () => {
    member.deadline = Number.NaN
    joined.push(add(100))
  }
  pass(100)
  assert.equal(joined.length, 1)
  assert.equal(joined[0]?.expiries, 0)
  pass(100)
  assert.equal(joined[0]?.expiries, 1)
})

test('every four seconds_each member is told to re-arm', (t) => {
  const { tick, add } = setUp(t)
  const members = [add(), add(10_000)]
  for (let ms = 0; ms < 8_000; ms += tickMs) tick()
  assert.deepEqual(
    members.map(({ rearms }) => rearms),
    [2, 2],
  )
})

test('forEach_reaches all, even if all leave under way', (t) => {
  const { deadlines, add } = setUp(t)
  const members = Array.from({ length: 5 }, () => add())
  const visited: Member[] = []
  deadlines.each((member) => {
    visited.push(member)
    deadlines.remove(member)
  })
  assert.deepEqual(new Set(visited), new Set(members))
  assert.equal(visited.length, 5)
})

test('timer_runs while there are members, ends a tick after the last has left, and starts again', (t) => {
  const { clock, deadlines, add } = setUp(t)
  const elapse = (): void => {
    clock.advance(tickMs)
    t.mock.timers.tick(tickMs)
  }
  const member = add(100)
  for (let count = 0; count < 5; count++) elapse()
  assert.equal(member.expiries, 1)
  deadlines.remove(member)
  elapse()
  const stoppedAt = deadlines.now
  elapse()
  assert.equal(deadlines.now, stoppedAt, 'the clock is not looked at any more')
  clock.advance(60_000)
  const other = add(100)
  elapse()
  assert.equal(other.expiries, 0, 'the time in between does not count')
  for (let count = 0; count < 4; count++) elapse()
  assert.equal(other.expiries, 1)
})

test('stopped_nothing expires', (t) => {
  const { clock, deadlines, add } = setUp(t)
  const member = add(100)
  deadlines.stop()
  clock.advance(1_000)
  t.mock.timers.tick(1_000)
  assert.equal(member.expiries, 0)
})

test('total deadline_fires though the other one is renewed', (t) => {
  const { clock, deadlines, add } = setUp(t)
  const member = add()
  member.totalDeadline = deadlines.after(500)
  for (let passed = 0; passed < 500; passed += tickMs) {
    assert.equal(member.total, 0, `fired after ${passed} ms`)
    member.deadline = deadlines.after(200)
    clock.advance(tickMs)
    deadlines.tick()
  }
  for (let n = 0; n < 3; n++) {
    clock.advance(tickMs)
    deadlines.tick()
  }
  assert.deepEqual([member.total, member.expiries], [1, 0])
})

test('quiet worker_now stands still, what was seen of the clock does not', (t) => {
  const { clock, deadlines, tick, add } = setUp(t)
  deadlines.remove(add())
  tick()
  const { now, seenAt } = deadlines
  clock.advance(3_600_000)
  add()
  assert.equal(deadlines.now, now)
  assert.ok(deadlines.seenAt - seenAt >= 3_600_000)
})

test('nobody under way_the clock is seen as it is: a WebSocket is no member, and retries too', (t) => {
  const { clock, deadlines, tick, add } = setUp(t)
  deadlines.remove(add())
  tick()
  clock.advance(3_600_000)
  assert.equal(deadlines.seenAt, clock.now)
})

test('stalled_nudged at each tick, and told to rearm at its time', (t) => {
  const { add, tick } = setUp(t)
  const [stalled, other] = [add(), add()]
  stalled.stalled = true
  for (let ticks = 0; ticks < 100; ticks++) tick()
  assert.deepEqual([stalled.nudges, stalled.rearms, other.nudges], [99, 1, 0])
})
