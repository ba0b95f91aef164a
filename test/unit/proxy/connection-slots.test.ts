import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionLimits, type Peer, type RequestCounter } from '../../../src/proxy/connection-limits.ts'
import { ConnectionSlots, slotCount } from '../../../src/proxy/connection-slots.ts'
import { FakeClock, seededRandom } from '../../support/fakes/clock.ts'
import { plan } from '../../support/fakes/plans.ts'
import { seedOf } from '../../support/seed.ts'

const nobody = {} as Peer

/** The binding's side: an app that hands its connections on, in turn, to those that are on its list. */
class Apps {
  readonly limits: ConnectionLimits
  readonly subject: ConnectionSlots
  readonly counters: RequestCounter[] = []
  readonly offered: number[] = []
  #next = 0

  constructor(clock = new FakeClock()) {
    this.limits = new ConnectionLimits(clock.read)
    const app = (descriptor: number) => ({
      getDescriptor: () => descriptor,
      addChildAppDescriptor: (child: number) => {
        assert.ok(!this.offered.includes(child), 'offered twice')
        this.offered.push(child)
      },
      removeChildAppDescriptor: (child: number) => {
        assert.ok(this.offered.includes(child), 'withdrawn twice')
        this.offered.splice(this.offered.indexOf(child), 1)
        this.#next = 0
      },
    })
    this.subject = new ConnectionSlots(app(-1), this.limits, (counter) =>
      app(this.counters.push(counter) - 1),
    )
  }

  limit(connectionRequests: number, connectionAgeMs = 0): this {
    this.limits.configure({ ...plan().limits, connectionRequests, connectionAgeMs })
    this.subject.configure()
    return this
  }

  /** A connection: what its requests are counted by. */
  open(): RequestCounter {
    return this.openTogether(1)[0]!
  }

  /** Several that are accepted before the first of them is seen to be open. */
  openTogether(count: number): RequestCounter[] {
    const accepted = Array.from({ length: count }, () => {
      if (this.offered.length === 0) return this.subject.rest
      this.#next %= this.offered.length
      return this.counters[this.offered[this.#next++]!]!
    })
    for (const counter of accepted) counter.opened(nobody)
    return accepted
  }
}

const ask = (counter: RequestCounter, times = 1) =>
  Array.from({ length: times }, () => counter.isLast(nobody)).at(-1)

test('no limit_no app is made, and all stays with the listener’s own', () => {
  const apps = new Apps().limit(0)
  assert.equal(apps.counters.length, 0)
  assert.equal(apps.open(), apps.subject.rest)
})

test('a slot for each connection_each is counted by itself', () => {
  const apps = new Apps().limit(3)
  const all = Array.from({ length: slotCount }, () => apps.open())
  assert.equal(new Set(all).size, slotCount)
  for (const one of all)
    assert.deepEqual([ask(one), ask(one), ask(one), ask(one)], [false, false, true, true])
})

test('as many at once as the kernel holds_a slot for each', () => {
  const apps = new Apps().limit(3)
  assert.equal(new Set(apps.openTogether(slotCount)).size, slotCount)
})

test('a slot that was left_begins anew', () => {
  const apps = new Apps().limit(2)
  const [one] = Array.from({ length: slotCount - 1 }, () => apps.open())
  assert.equal(ask(one!, 2), true)
  one!.left()
  const next = [apps.open(), apps.open()]
  assert.ok(next.includes(one!))
  for (const each of next) assert.deepEqual([ask(each), ask(each)], [false, true])
})

test('more connections than slots_shared evenly, and their requests are added up', () => {
  const apps = new Apps().limit(10)
  const shares = new Map<RequestCounter, number>()
  for (let count = 0; count < 3 * slotCount; count++) {
    const counter = apps.open()
    shares.set(counter, (shares.get(counter) ?? 0) + 1)
  }
  assert.deepEqual([...new Set(shares.values())], [3])
  assert.ok(!shares.has(apps.subject.rest))
  const [shared] = shares.keys()
  assert.deepEqual([ask(shared!, 9), ask(shared!)], [false, true])
})

test('a shared slot that is spent_not offered again before it is empty', () => {
  const apps = new Apps().limit(2)
  const all = Array.from({ length: slotCount + 1 }, () => apps.open())
  const spent = all[0]!
  const sharing = all.filter((one) => one === spent).length
  ask(spent, 2)
  for (let count = 0; count < slotCount; count++) assert.notEqual(apps.open(), spent)
  for (let count = 0; count < sharing; count++) spent.left()
  assert.ok(Array.from({ length: 4 * slotCount }, () => apps.open()).includes(spent))
})

test('every slot spent_connections stay with the listener’s app, which counts them all the same', () => {
  const apps = new Apps().limit(1)
  for (let count = 0; count < slotCount; count++) ask(apps.open())
  const rest = apps.open()
  assert.equal(rest, apps.subject.rest)
  assert.equal(ask(rest), true)
})

test('fewer connections again_a slot for each again', () => {
  const apps = new Apps().limit(100)
  const many = Array.from({ length: 2 * slotCount }, () => apps.open())
  for (const one of many) one.left()
  const few = Array.from({ length: slotCount }, () => apps.open())
  assert.equal(new Set(few).size, slotCount)
})

test('age_by the oldest connection of the slot', () => {
  const clock = new FakeClock()
  const apps = new Apps(clock).limit(0, 1_000)
  const one = apps.open()
  clock.advance(999)
  assert.equal(ask(one), false)
  clock.advance(1)
  assert.equal(ask(one), true)
})

test('turned off and on again_no slot is offered in between, and no further apps are made', () => {
  const apps = new Apps().limit(2)
  const before = apps.open()
  apps.limit(0)
  assert.equal(apps.offered.length, 0)
  assert.equal(apps.open(), apps.subject.rest)
  apps.limit(2)
  assert.equal(apps.counters.length, slotCount)
  assert.equal(apps.offered.length, slotCount - 1)
  before.left()
  assert.equal(apps.offered.length, slotCount)
})

test('anything in any order_no connection carries more than it may', (t) => {
  const dice = seededRandom(seedOf(t))
  const requestsMax = 20
  const apps = new Apps().limit(requestsMax)
  const open: { counter: RequestCounter; requests: number }[] = []
  for (let step = 0; step < 40_000; step++) {
    if (dice() < 0.15) {
      for (const counter of apps.openTogether(1 + Math.floor(dice() * 40)))
        open.push({ counter, requests: 0 })
      continue
    }
    const index = Math.floor(dice() * open.length)
    const one = open[index]
    if (one === undefined) continue
    one.requests++
    const last = one.counter.isLast(nobody)
    assert.ok(last || one.requests < requestsMax, `${one.requests} requests on one connection`)
    if (!last && dice() > 0.05) continue
    open[index] = open.at(-1)!
    open.pop()
    one.counter.left()
  }
  for (const { counter } of open) counter.left()
  assert.equal(apps.offered.length, slotCount)
})
