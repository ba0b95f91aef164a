import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientPace } from '../../../src/proxy/client-pace.ts'

const rate = { bytesPerSecond: 1_000, overMs: 12_000 }

/** A look at a client that sends; that it is the same for one that takes is shown below. */
function look(pace: ClientPace, bytes: number, awaitsClient: boolean, by = rate): boolean {
  return pace.look({ bytes, awaitsClient }, { bytes: 0, blocked: false }, by)
}

/** How many looks pass before it is too slow, up to 100. @param bytes that move between two looks */
function looks(bytes: number, awaited: boolean, pace = new ClientPace(), already = 0): number {
  for (let count = 1; count <= 100; count++) {
    if (!look(pace, already + bytes * count, awaited)) return count
  }
  return 100
}

test('look_nothing moves and the client is awaited_too slow once the time is over, not before', () => {
  assert.equal(looks(0, true), 5)
})

test('look_slower than the rate_too slow in the end', () => {
  assert.equal(looks(3_000, true), 14)
})

test('look_at the rate or above_never too slow', () => {
  assert.equal(looks(4_000, true), 100)
  assert.equal(looks(40_000, true), 100)
})

test('look_nothing moves but another is awaited_never too slow', () => {
  assert.equal(looks(0, false), 100)
})

test('look_much has moved before_buys no more than the whole time', () => {
  const pace = new ClientPace()
  assert.ok(look(pace, 1e9, true))
  assert.ok(looks(0, true, pace, 1e9) <= 4)
})

test('look_a rate of 0_off', () => {
  const pace = new ClientPace()
  for (let i = 0; i < 100; i++) assert.ok(look(pace, 0, true, { bytesPerSecond: 0, overMs: 1 }))
})

test('reset_as new', () => {
  const pace = new ClientPace()
  looks(0, true, pace)
  pace.reset()
  assert.equal(looks(0, true, pace), 5)
})

test('look_a response that is not taken_too slow as well, unless the upload moves', () => {
  const response = { bytes: 50_000, blocked: true }
  const still = new ClientPace()
  const busy = new ClientPace()
  const verdicts = [1, 2, 3, 4, 5, 6, 7, 8].map((count) => [
    still.look({ bytes: 0, awaitsClient: false }, response, rate),
    busy.look({ bytes: count * 4_000, awaitsClient: true }, response, rate),
  ])
  assert.deepEqual(
    verdicts.map(([first]) => first),
    [true, true, true, true, false, false, false, false],
  )
  assert.ok(verdicts.every(([, second]) => second))
})
