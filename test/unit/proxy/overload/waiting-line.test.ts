import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { InLine } from '../../../../src/proxy/line.ts'
import { WaitingLine } from '../../../../src/proxy/overload/waiting-line.ts'

class Member implements InLine<Member> {
  line: unknown = null
  previous: Member | null = null
  next: Member | null = null
  since = Number.NaN
}

function forwards(line: WaitingLine<Member>): Member[] {
  const members: Member[] = []
  for (let member = line.first; member !== null; member = member.next) members.push(member)
  return members
}

function backwards(line: WaitingLine<Member>): Member[] {
  const members: Member[] = []
  for (let member = line.last; member !== null; member = member.previous) members.unshift(member)
  return members
}

test('any history_the same as an array, in both directions, and nothing hangs on who has left', () => {
  const step = fc.record({ kind: fc.constantFrom('push', 'unshift', 'remove'), at: fc.nat(30) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const line = new WaitingLine<Member>()
      const model: Member[] = []
      for (const { kind, at } of steps) {
        if (kind === 'remove') {
          const [member] = model.splice(at % Math.max(1, model.length), 1)
          if (member === undefined) continue
          line.remove(member)
          assert.deepEqual([member.line, member.previous, member.next], [null, null, null])
        } else {
          const member = new Member()
          line[kind as 'push' | 'unshift'](member)
          model[kind as 'push' | 'unshift'](member)
          assert.equal(member.line, line)
        }
        assert.equal(line.size, model.length)
        assert.ok(forwards(line).every((member, index) => member === model[index]))
        assert.ok(backwards(line).every((member, index) => member === model[index]))
      }
    }),
    { numRuns: 300 },
  )
})

test('last one leaves_the delay rests', () => {
  const line = new WaitingLine<Member>()
  const member = new Member()
  line.push(member)
  line.delay.overloaded = true
  line.remove(member)
  assert.equal(line.delay.overloaded, false)
})
