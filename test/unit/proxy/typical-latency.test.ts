import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TypicalLatency } from '../../../src/proxy/typical-latency.ts'

const near = (value: number, expected: number) =>
  assert.ok(Math.abs(value / expected - 1) < 1e-9, `${value}, not ${expected}`)

test('the first 64_their geometric mean; due with the 64th', () => {
  const typical = new TypicalLatency()
  assert.equal(typical.due, false)
  for (let n = 0; n < 32; n++) {
    typical.add(4)
    typical.add(64)
    assert.equal(typical.due, n === 31)
  }
  near(typical.ms, 16)
  typical.add(16)
  assert.equal(typical.due, false)
})

test('ten times slower from one moment on_half way by factors after some 44 answers', () => {
  const typical = new TypicalLatency()
  for (let n = 0; n < 1000; n++) typical.add(10)
  let count = 0
  for (; typical.ms < 10 * Math.sqrt(10); count++) typical.add(100)
  assert.equal(count, 45)
})

test('one answer of a minute among those of a millisecond_hardly anything', () => {
  const typical = new TypicalLatency()
  for (let n = 0; n < 100; n++) typical.add(1)
  typical.add(60_000)
  assert.ok(typical.ms < 1.2)
})

test('forget_begins anew', () => {
  const typical = new TypicalLatency()
  for (let n = 0; n < 100; n++) typical.add(1)
  typical.forget()
  typical.add(100)
  assert.equal(typical.samples, 1)
  near(typical.ms, 100)
})

test('forget, with a suspicion_judged after 16, then with the 64th', () => {
  const typical = new TypicalLatency()
  typical.forget(16)
  const due = []
  for (let n = 1; n <= 128; n++) {
    typical.add(1)
    if (typical.due) due.push(n)
  }
  assert.deepEqual(due, [16, 64, 128])
})

test('any latencies, 0 among them_between the lowest and the highest', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }), (all) => {
      const typical = new TypicalLatency()
      for (const ms of all) typical.add(ms)
      const seen = all.map((ms) => Math.max(ms, 1e-3))
      return typical.ms >= Math.min(...seen) * (1 - 1e-9) && typical.ms <= Math.max(...seen) * (1 + 1e-9)
    }),
  )
})
