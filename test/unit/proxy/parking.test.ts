import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Endpoint } from '../../../src/proxy/endpoint.ts'
import { type Parked, Parking } from '../../../src/proxy/parking.ts'

/** With room for so many. */
function endpoint(room: number): Endpoint & { room: number } {
  const fake = {
    room,
    get free() {
      return fake.room > 0
    },
  }
  return fake as Endpoint & { room: number }
}

function setUp() {
  const parking = new Parking()
  const told: string[] = []
  const park = (name: string, failedOn: Endpoint, then = (_: Parked): void => {}): Parked => {
    const request: Parked = {
      failedOn,
      reconsider: () => {
        told.push(name)
        then(request)
      },
    }
    parking.park(request)
    return request
  }
  return { parking, told, park }
}

test('room_goes to the first who has not failed there, and to as many as it takes', () => {
  const { parking, told, park } = setUp()
  const [a, b] = [endpoint(0), endpoint(2)]
  const take = (): void => void b.room--
  park('failed there', b, take)
  for (const name of ['first', 'second', 'third']) park(name, a, take)
  parking.roomAt(b)
  assert.deepEqual(told, ['first', 'second'])
  assert.equal(parking.size, 2)
})

test('who parks again_is asked once', () => {
  const { parking, told, park } = setUp()
  const [a, b] = [endpoint(0), endpoint(1)]
  park('one', a, (request) => parking.park(request))
  parking.roomAt(b)
  assert.deepEqual(told, ['one'])
  parking.reconsider()
  assert.deepEqual(told, ['one', 'one'])
  assert.equal(parking.size, 1)
})

test('who has left_is asked no more, even if it leaves meanwhile', () => {
  const { parking, told, park } = setUp()
  const [a, b] = [endpoint(0), endpoint(9)]
  const gone = park('gone', a)
  parking.leave(gone)
  let second: Parked | null = null
  park('first', a, () => parking.leave(second as Parked))
  second = park('second', a)
  parking.roomAt(b)
  assert.deepEqual(told, ['first'])
  assert.equal(parking.size, 0)
})
