import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ClientTable, hashKey, type RatePlan } from '../../../../src/proxy/clients/client-table.ts'
import { FakeClock } from '../../../support/fakes/clock.ts'

function rig(rate: RatePlan | null, inFlightMax = 0, keys = 1024) {
  const clock = new FakeClock()
  const table = new ClientTable(keys, rate, inFlightMax, clock.read)
  return {
    clock,
    table,
    enter(key: string, evenAbove = false) {
      hashKey(key)
      return table.enter(evenAbove)
    },
  }
}

test('token bucket_a burst, then one per interval; the wait is exact', () => {
  const { clock, table, enter } = rig({ burst: 3, intervalMs: 100 })
  assert.deepEqual(
    Array.from({ length: 4 }, () => enter('a')),
    ['within', 'within', 'within', 'rate'],
  )
  assert.equal(table.waitMs, 100)
  assert.equal(enter('b'), 'within', 'another key')
  clock.advance(99)
  assert.equal(enter('a'), 'rate')
  assert.equal(table.waitMs, 1)
  clock.advance(1)
  assert.deepEqual([enter('a'), enter('a')], ['within', 'rate'])
  clock.advance(10_000)
  assert.deepEqual(
    Array.from({ length: 4 }, () => enter('a')),
    ['within', 'within', 'within', 'rate'],
  )
})

test('intervals that are no whole numbers_add up', () => {
  const { clock, enter } = rig({ burst: 1, intervalMs: 1_000 / 3 })
  let let_ = 0
  for (let ms = 0; ms < 60_000; ms++) {
    if (enter('a') === 'within') let_++
    clock.advance(1)
  }
  assert.ok(Math.abs(let_ - 180) <= 1, `${let_}`)
})

test('intervals that are no whole numbers, on a machine that has been up for long_the whole burst, and no more', () => {
  for (const start of [0, 1e9, 1e10, 1e11]) {
    for (const [burst, perMs] of [
      [3, 1_000],
      [7, 60_000],
      [100, 1_000],
    ] as const) {
      const { clock, enter } = rig({ burst, intervalMs: perMs / burst })
      clock.advance(start)
      const verdicts = Array.from({ length: burst + 1 }, () => enter('a'))
      assert.deepEqual(
        verdicts,
        [...Array(burst).fill('within'), 'rate'],
        `${burst} in ${perMs} ms, at ${start}`,
      )
    }
  }
})

test('in flight_as many as may, and again when one is over; a refused one takes no token', () => {
  const { table, enter } = rig({ burst: 3, intervalMs: 1_000 }, 2)
  enter('a')
  const slot = table.slot
  enter('a')
  assert.equal(enter('a'), 'in-flight')
  assert.equal(table.slot, -1)
  table.leave(slot)
  assert.equal(enter('a'), 'within')
  table.leave(slot)
  assert.equal(enter('a'), 'rate')
})

test('even above a limit_in flight, but nothing taken', () => {
  const { clock, table, enter } = rig({ burst: 1, intervalMs: 1_000 }, 2)
  enter('a')
  assert.equal(enter('a', true), 'rate')
  assert.notEqual(table.slot, -1)
  assert.equal(enter('a', true), 'in-flight')
  clock.advance(1_000)
  for (let n = 0; n < 3; n++) table.leave(table.slot)
  assert.equal(enter('a'), 'within')
})

test('property_in no stretch of time more than the burst and what has come since', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 150 }),
      (burst, intervalMs, pauses) => {
        const { clock, enter } = rig({ burst, intervalMs })
        const passed: number[] = []
        for (const pause of pauses) {
          clock.advance(pause)
          if (enter('a') === 'within') passed.push(clock.now)
        }
        for (const [from, start] of passed.entries()) {
          for (let to = from; to < passed.length; to++) {
            const ms = (passed[to] as number) - start
            assert.ok(to - from + 1 <= burst + ms / intervalMs + 1e-9)
          }
        }
      },
    ),
    { numRuns: 200 },
  )
})

test('property_the same verdicts as a bucket and a counter for each key, as long as there is room', () => {
  const step = fc.record({ key: fc.nat(5), ms: fc.nat(40), leave: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { clock, table, enter } = rig({ burst: 4, intervalMs: 25 }, 3)
      const models = new Map<number, { tokens: number; at: number; slots: number[] }>()
      for (const { key, ms, leave } of steps) {
        clock.advance(ms)
        const model = models.get(key) ?? { tokens: 4, at: clock.now, slots: [] }
        models.set(key, model)
        if (leave && model.slots.length > 0) {
          table.leave(model.slots.pop() as number)
          continue
        }
        model.tokens = Math.min(4, model.tokens + (clock.now - model.at) / 25)
        model.at = clock.now
        const expected = model.slots.length >= 3 ? 'in-flight' : model.tokens >= 1 - 1e-7 ? 'within' : 'rate'
        assert.equal(enter(`${key}`), expected)
        if (expected !== 'within') continue
        model.tokens--
        model.slots.push(table.slot)
      }
    }),
    { numRuns: 200 },
  )
})

test('a million clients_no more memory than at the start, at most 32 bytes for each that is remembered', () => {
  const { clock, table, enter } = rig({ burst: 10, intervalMs: 100 }, 5, 65_536)
  const { bytes, capacity } = table
  assert.deepEqual([capacity, bytes <= capacity * 32], [65_536, true])
  globalThis.gc?.()
  const before = process.memoryUsage().arrayBuffers
  for (let n = 0; n < 1_000_000; n++) {
    if (n % 100 === 0) clock.advance(1)
    assert.equal(enter(`client ${n}`), 'within')
    table.leave(table.slot)
  }
  assert.equal(table.bytes, bytes)
  assert.ok(process.memoryUsage().arrayBuffers - before < 65_536)
  assert.ok(table.size <= capacity && table.size > capacity * 0.98, `${table.size}`)
})

test('overflow_those with the least against them go first; who has requests in flight stays', () => {
  const { table, enter, clock } = rig({ burst: 10, intervalMs: 1_000_000 }, 0, 8)
  assert.equal(table.capacity, 8)
  for (let n = 0; n < 8; n++) for (let times = 0; times <= n; times++) enter(`${n}`)
  clock.advance(1)
  assert.equal(enter('stranger'), 'within')
  assert.deepEqual([table.slot, table.uncounted, table.evicted], [-1, 1, 0], 'all have requests in flight')
  for (let slot = 0; slot < 8; slot++) for (let times = 0; times <= slot; times++) table.leave(slot)
  enter('stranger')
  assert.deepEqual([table.evicted, table.size], [1, 8])
  for (let times = 0; times < 2; times++) assert.equal(enter('7'), 'within')
  assert.equal(enter('7'), 'rate', 'it was not forgotten')
})

test('attack with ever new keys_one that is busy is remembered', () => {
  const { table, enter } = rig({ burst: 5, intervalMs: 1_000_000 }, 0, 1024)
  for (let n = 0; n < 5; n++) {
    enter('busy')
    table.leave(table.slot)
  }
  for (let n = 0; n < 100_000; n++) {
    enter(`${n}`)
    table.leave(table.slot)
  }
  assert.equal(enter('busy'), 'rate')
})

test('hash_of a part of a text: the same as of that text alone', () => {
  const { enter } = rig({ burst: 1, intervalMs: 1_000 })
  hashKey('sid=abc; x=1', 4, 7)
  enter('abc')
  assert.equal(enter('abc'), 'rate')
  const { table } = rig({ burst: 1, intervalMs: 1_000 })
  hashKey('sid=abc; x=1', 4, 7)
  assert.equal(table.enter(false), 'within')
  hashKey('abc')
  assert.equal(table.enter(false), 'rate')
})
