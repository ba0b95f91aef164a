import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Departing, Departures } from '../../../src/proxy/departures.ts'

const check = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Writes its name down when it leaves. */
function passenger(name: string, left: string[], onLeave = (): void => {}): Departing {
  return {
    leftAt: Number.NaN,
    depart: () => {
      left.push(name)
      onLeave()
    },
  }
}

test('added in one turn_leave together, in order, when one more turn has begun', async () => {
  const left: string[] = []
  const departures = new Departures()
  departures.add(passenger('a', left))
  departures.add(passenger('b', left))
  await check()
  assert.deepEqual(left, [], 'what has come meanwhile is read first')
  await check()
  assert.deepEqual(left, ['a', 'b'])
})

test('added in several turns_each waits its own', async () => {
  const left: string[] = []
  const departures = new Departures()
  for (const name of ['a', 'b', 'c']) {
    departures.add(passenger(name, left))
    await check()
  }
  assert.deepEqual(left, ['a', 'b'])
  await check()
  assert.deepEqual(left, ['a', 'b', 'c'])
})

test('added by one that leaves_a batch of its own', async () => {
  const left: string[] = []
  const departures = new Departures()
  departures.add(passenger('a', left, () => departures.add(passenger('b', left))))
  await check()
  await check()
  assert.deepEqual(left, ['a'])
  await check()
  await check()
  assert.deepEqual(left, ['a', 'b'])
})

test('somebody asks for the time_who leaves is told when, and where nobody asks they are not', async () => {
  const departures = new Departures()
  const [before, after] = [passenger('a', []), passenger('b', [])]
  departures.add(before)
  await check()
  await check()
  assert.ok(Number.isNaN(before.leftAt))
  const askedAt = departures.clock.now
  departures.add(after)
  assert.equal(departures.clock.now, askedAt, 'the same all through the turn')
  await check()
  assert.ok(departures.clock.now > askedAt)
  await check()
  assert.ok(after.leftAt > askedAt && after.leftAt <= performance.now())
  assert.ok(Number.isNaN(before.leftAt))
})

test('time asked for, and nobody leaves_the turn ends all the same', async () => {
  const { clock } = new Departures()
  const askedAt = clock.now
  await check()
  assert.ok(clock.now > askedAt)
})

test('hundreds over many turns_each leaves once', async () => {
  const left: string[] = []
  const departures = new Departures()
  const names = Array.from({ length: 300 }, (_, index) => String(index))
  for (const [index, name] of names.entries()) {
    departures.add(passenger(name, left))
    if (index % 7 === 0) await check()
  }
  for (let turns = 0; turns < 3; turns++) await check()
  assert.deepEqual(left, names)
})

test('the time asked roughly_stands still within a turn, and is another one in the next', async () => {
  const { clock } = new Departures()
  const first = clock.roughly
  const until = performance.now() + 1
  while (performance.now() < until);
  assert.equal(clock.roughly, first)
  await check()
  assert.ok(clock.roughly >= first + 1)
})
