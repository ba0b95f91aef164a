import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GradientLimit, type GradientSettings } from '../../../../src/proxy/overload/gradient-limit.ts'
import { SlotServer } from '../../../support/slot-server.ts'

const settings: GradientSettings = { min: 1, max: 1_000, initial: 20, tolerance: 1.5 }

/** Feeds whole rounds of equal samples; begins each after the last change. @returns the time afterwards */
function rounds(
  limit: GradientLimit,
  count: number,
  latencyMs: number,
  now: number,
  inFlight?: number,
): number {
  for (let round = 0; round < count; round++) {
    const startedAt = now
    now += latencyMs
    const samples = Math.max(20, 2 * limit.limit)
    for (let sample = 0; sample < samples; sample++)
      limit.success(startedAt, latencyMs, now, inFlight ?? limit.limit)
  }
  return now
}

for (const slots of [1, 3, 10, 50]) {
  for (const sigma of [0, 0.5, 1]) {
    test(`${slots} slots, sigma ${sigma}_the limit finds them, follows a tenfold slowdown and comes back`, () => {
      const limit = new GradientLimit(settings)
      const server = new SlotServer(limit, { slots, serviceMs: 20, sigma, seed: 7 })
      const near = (mean: number, when: string) => {
        // Above the slots lies what the tolerance allows, and a queue of the root of the limit.
        const highest = slots * 2.2 + 8
        assert.ok(
          mean >= slots * 0.75 && mean <= highest,
          `${when}: limit ${mean.toFixed(1)} for ${slots} slots`,
        )
      }
      server.run(20 * 400)
      let before = server.completed
      near(server.run(20 * 1_000), 'at first')
      const share = (server.completed - before) / (1_000 * slots)
      assert.ok(share > 0.8, `keeps the slots busy: ${share.toFixed(2)} of what they can do`)
      server.serviceMs = 200
      server.run(200 * 200)
      before = server.completed
      near(server.run(200 * 500), 'slow')
      assert.ok((server.completed - before) / (500 * slots) > 0.75, 'and when it is slow')
      server.serviceMs = 20
      server.run(20 * 400)
      near(server.run(20 * 1_000), 'fast again')
    })
  }
}

test('slots that become fewer, then more_the limit follows', () => {
  const limit = new GradientLimit(settings)
  const server = new SlotServer(limit, { slots: 40, serviceMs: 20, sigma: 0.5, seed: 3 })
  server.run(20_000)
  const many = server.run(20_000)
  server.slots = 8
  server.run(20_000)
  const few = server.run(20_000)
  server.slots = 40
  server.run(20_000)
  const manyAgain = server.run(20_000)
  assert.ok(few < many / 2, `${few} for a fifth of what had ${many}`)
  assert.ok(manyAgain > 2 * few, `${manyAgain} when they are back`)
})

test('clients that give up_teach nothing: the limit ends where it does without them', () => {
  const without = new GradientLimit(settings)
  const calm = new SlotServer(without, { slots: 20, serviceMs: 20, sigma: 0.5, seed: 5 })
  calm.run(20_000)
  const expected = calm.run(40_000)
  const limit = new GradientLimit(settings)
  const server = new SlotServer(limit, { slots: 20, serviceMs: 20, sigma: 0.5, seed: 5, aborted: 0.3 })
  server.run(20_000)
  const found = server.run(40_000)
  // An abort ends what the client sees; the server works on, so that more is in flight than the limit says.
  assert.ok(found > expected * 0.6 && found < expected * 1.5, `${found} beside ${expected}`)
})

test('all clients let in from the beginning_a trial finds the queue that the first base has held', () => {
  for (const slots of [5, 20]) {
    const limit = new GradientLimit({ ...settings, initial: 100 })
    const server = new SlotServer(limit, { slots, serviceMs: 20, sigma: 0.5, seed: 9, clients: 120 })
    server.run(30_000)
    const mean = server.run(60_000)
    assert.ok(mean < slots * 2 + 5, `${mean} for ${slots} slots`)
  }
})

test('all clients let in from the beginning_found within some rounds, whatever the dice', () => {
  for (const sigma of [0, 0.05, 0.2]) {
    for (let seed = 1; seed <= 20; seed++) {
      const limit = new GradientLimit({ ...settings, initial: 100 })
      const server = new SlotServer(limit, { slots: 5, serviceMs: 20, sigma, seed, clients: 120 })
      server.run(15_000)
      assert.ok(limit.limit <= 25, `limit ${limit.limit} after 15 s with sigma ${sigma}, seed ${seed}`)
    }
  }
})

test('queue of less than two milliseconds_let be, whatever share of the latency it is', () => {
  const limit = new GradientLimit({ ...settings, max: 64 })
  // 64 in flight take 3.2 times as long as 20 would, and that is 0.9 ms more.
  const server = new SlotServer(limit, { slots: 20, serviceMs: 0.4, sigma: 0.2, seed: 11, clients: 64 })
  server.run(2_000)
  let lowest = limit.limit
  for (let step = 0; step < 200; step++) {
    server.run(10)
    lowest = Math.min(lowest, limit.limit)
  }
  // Trials go down to three quarters for a round.
  assert.ok(lowest >= 48, `${lowest}`)
})

test('endpoint that pauses for a moment_one fall: with less than two milliseconds there is no queue to fall on for', () => {
  const limit = new GradientLimit({ ...settings, initial: 64, max: 64 })
  let now = rounds(limit, 5, 0.2, 0)
  now = rounds(limit, 1, 10, now)
  assert.equal(limit.limit, 32)
  now = rounds(limit, 1, 0.2, now)
  assert.equal(limit.limit, 32 + 6)
  rounds(limit, 5, 0.2, now)
  assert.equal(limit.limit, 64)
})

test('trial during such a pause_the limit is what it was', () => {
  const limit = new GradientLimit({ ...settings, initial: 64, max: 64 })
  let now = rounds(limit, 2, 0.2, 0)
  assert.equal(limit.limit, 64)
  now = rounds(limit, 1, 2.1, now)
  assert.equal(limit.limit, 48, 'it is due')
  rounds(limit, 1, 0.05, now)
  assert.equal(limit.limit, 64)
})

test('very short service time_the queue stays within a few milliseconds', () => {
  for (const slots of [1, 4]) {
    const limit = new GradientLimit(settings)
    const server = new SlotServer(limit, { slots, serviceMs: 0.1, sigma: 0.5, seed: 13 })
    server.run(5_000)
    const mean = server.run(5_000)
    const latencyMs = (mean * 0.1) / slots
    assert.ok(latencyMs < 4.5, `${latencyMs} ms for ${slots} slots`)
  }
})

test('fall in proportion_there is a queue still: it falls on', () => {
  const limit = new GradientLimit({ ...settings, initial: 100, max: 100 })
  let now = rounds(limit, 5, 10, 0)
  now = rounds(limit, 1, 16, now)
  const { limit: fallen } = limit
  now = rounds(limit, 1, (16 * fallen) / 100, now)
  assert.equal(limit.limit, Math.floor(fallen * 0.8))
  rounds(limit, 1, (16 * fallen) / 100, now)
  assert.ok(limit.limit > Math.floor(fallen * 0.8), 'and climbs when that is of no use')
})

test('room for all clients_a trial finds none, and the limit is what it was', () => {
  const limit = new GradientLimit({ ...settings, initial: 100 })
  const server = new SlotServer(limit, { slots: 500, serviceMs: 20, sigma: 0.5, seed: 9, clients: 120 })
  server.run(10_000)
  const { completed } = server
  server.run(60_000)
  assert.ok(server.completed - completed > 0.9 * 60_000 * (120 / 20), 'and hardly anything is lost by it')
})

test('light load_the limit does not grow, whatever the latency says', () => {
  const limit = new GradientLimit(settings)
  const server = new SlotServer(limit, { slots: 200, serviceMs: 20, sigma: 0.5, seed: 2, arrivals: 0.2 })
  server.run(60_000)
  assert.ok(limit.limit <= 20, `${limit.limit} with 4 in flight on average`)
})

test('nearly used_the limit doubles until the first resistance, then climbs by its root', () => {
  const limit = new GradientLimit({ ...settings, initial: 10 })
  let now = rounds(limit, 2, 10, 0)
  assert.equal(limit.limit, 40)
  // A trial in between, which finds nothing.
  now = rounds(limit, 3, 10, now)
  assert.equal(limit.limit, 80)
  limit.drop(now, now)
  assert.equal(limit.limit, 64)
  now = rounds(limit, 1, 10, now)
  assert.equal(limit.limit, 72)
})

test('latency within the tolerance_no fall; above it a fall that latency justifies', () => {
  const limit = new GradientLimit({ ...settings, initial: 100, max: 100 })
  let now = rounds(limit, 5, 10, 0)
  now = rounds(limit, 1, 14.9, now)
  assert.equal(limit.limit, 100)
  now = rounds(limit, 1, 16, now)
  assert.equal(limit.limit, Math.floor((0.8 * 100 * limit.baseMs) / 16))
  assert.ok(limit.limit >= 49 && limit.limit <= 51)
})

test('ten times as slow at once_falls by halves, never at once to the bottom', () => {
  const limit = new GradientLimit({ ...settings, initial: 100, max: 100 })
  const now = rounds(limit, 2, 10, 0)
  rounds(limit, 1, 1_000, now)
  assert.equal(limit.limit, 50)
})

test('fall that does not help_the latency was no queue: it is the base, and the limit climbs', () => {
  const limit = new GradientLimit({ ...settings, initial: 100, max: 100 })
  let now = rounds(limit, 2, 10, 0)
  now = rounds(limit, 2, 50, now)
  assert.equal(limit.baseMs, 50)
  assert.ok(limit.limit > 50)
})

test('trial_three quarters of what is in flight for one round, then the former limit', () => {
  const limit = new GradientLimit({ ...settings, initial: 100, max: 100 })
  let now = 0
  const seen: number[] = []
  for (let round = 0; round < 40; round++) {
    now = rounds(limit, 1, 10, now)
    if (limit.limit !== seen.at(-1)) seen.push(limit.limit)
  }
  assert.deepEqual(seen, [100, 75, 100, 75, 100])
})

test('latency of less than two milliseconds_no trial: it could find nothing that is not let be', () => {
  const limit = new GradientLimit({ ...settings, initial: 100, max: 100 })
  let now = 0
  for (let round = 0; round < 100; round++) {
    now = rounds(limit, 1, 1.9, now)
    assert.equal(limit.limit, 100)
  }
  rounds(limit, 1, 2.1, now)
  assert.equal(limit.limit, 75, 'it has been due for long')
})

test('drop_one backoff a round, however many come', () => {
  const limit = new GradientLimit({ ...settings, initial: 100 })
  assert.equal(limit.drop(0, 10), true)
  for (let count = 0; count < 50; count++) assert.equal(limit.drop(5, 11), false)
  assert.equal(limit.limit, 80)
  assert.equal(limit.drop(10, 20), true)
  assert.equal(limit.limit, 64)
})

test('samples that began before the last change_do not count', () => {
  const limit = new GradientLimit({ ...settings, initial: 10 })
  limit.drop(0, 100)
  const { limit: after } = limit
  for (let count = 0; count < 1_000; count++) assert.equal(limit.success(99, 101, 200, 10), false)
  assert.equal(limit.limit, after)
  assert.ok(Number.isNaN(limit.baseMs))
})

test('at the minimum_what it takes there is the base', () => {
  const limit = new GradientLimit({ min: 4, max: 4, initial: 4, tolerance: 1.5 })
  let now = rounds(limit, 1, 10, 0)
  now = rounds(limit, 1, 100, now)
  assert.equal(limit.limit, 4)
  assert.equal(limit.baseMs, 100)
})

test('configure_keeps the limit within the new bounds', () => {
  const limit = new GradientLimit(settings)
  limit.configure({ min: 30, max: 50, initial: 40, tolerance: 2 })
  assert.equal(limit.limit, 30)
  limit.configure({ min: 1, max: 5, initial: 3, tolerance: 2 })
  assert.equal(limit.limit, 5)
})

test('more in flight than the limit, as after a fall_a trial does not raise it, nor takes it back', () => {
  const limit = new GradientLimit({ min: 1, initial: 1, max: 10, tolerance: 1.5 })
  for (const [inFlight, samples] of [
    [76, 600],
    [7, 600],
  ] as const) {
    for (let count = 0; count < samples; count++) {
      const before = limit.limit
      limit.success(0, 0, 0, inFlight)
      assert.ok(limit.limit >= Math.floor(before / 2), `${before} to ${limit.limit}`)
    }
  }
})

test('any history_whole, within the bounds, and changed only when it says so', () => {
  const sample = fc.record({
    drop: fc.boolean(),
    ms: fc.double({ min: 0, max: 100_000, noNaN: true }),
    inFlight: fc.integer({ min: 1, max: 300 }),
    repeat: fc.constantFrom(1, 1, 20, 200, 600),
  })
  fc.assert(
    fc.property(
      fc.tuple(fc.integer({ min: 1, max: 20 }), fc.nat(50), fc.nat(200)),
      fc.array(sample, { maxLength: 60 }),
      ([min, more, evenMore], samples) => {
        const limit = new GradientLimit({
          min,
          initial: min + more,
          max: min + more + evenMore,
          tolerance: 1.5,
        })
        let now = 0
        let fewest = Number.POSITIVE_INFINITY
        for (const { drop, ms, inFlight, repeat } of samples) {
          fewest = Math.min(fewest, inFlight)
          for (let count = 0; count < repeat; count++) {
            const before = limit.limit
            now += ms
            const changed = drop ? limit.drop(now - ms, now) : limit.success(now - ms, ms, now, inFlight)
            assert.equal(changed, limit.limit !== before)
            assert.ok(Number.isInteger(limit.limit))
            assert.ok(limit.limit >= min && limit.limit <= min + more + evenMore)
            if (limit.limit > before) assert.ok(!drop)
            // Half, or a trial with three quarters of the mean of what was in flight.
            const least = Math.min(Math.floor(before / 2), Math.floor(fewest * 0.75))
            assert.ok(limit.limit >= least, `${before} to ${limit.limit}`)
          }
        }
      },
    ),
    { numRuns: 200 },
  )
})
