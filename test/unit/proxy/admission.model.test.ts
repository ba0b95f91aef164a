/** The admission queue against a naive model of it: two arrays, and everything done the slow and obvious way. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Admission, type Applicant, type Ticket } from '../../../src/proxy/admission.ts'

/** What happens inside `admitted`. */
type Manner = 'stays' | 'leaves' | 'tries again' | 'abandons the first in the queue'

type Step =
  | { readonly kind: 'enter' | 'reenter'; readonly manner: Manner }
  | { readonly kind: 'abandon' | 'release'; readonly index: number }
  | { readonly kind: 'concurrency' | 'limit'; readonly value: number }

interface Queue {
  enter(id: number): boolean
  reenter(id: number): void
  abandon(id: number): void
  release(id: number): void
}

/** Ids and what the clients behind them do. `subject` is the model or the real thing. */
class Clients {
  readonly log: string[] = []
  readonly manners = new Map<number, Manner>()
  readonly waiting: number[] = []
  readonly running: number[] = []
  #next = 0

  make(manner: Manner): number {
    const id = this.#next++
    this.manners.set(id, manner)
    return id
  }

  enter(subject: Queue, manner: Manner): void {
    const id = this.make(manner)
    this.waiting.push(id)
    if (subject.enter(id)) return
    this.log.push(`${id} shed`)
    remove(this.waiting, id)
  }

  admitted(subject: Queue, id: number): void {
    this.log.push(`${id} admitted`)
    assert.ok(remove(this.waiting, id), `${id} was waiting`)
    this.running.push(id)
    const manner = this.manners.get(id) as Manner
    if (manner === 'abandons the first in the queue') {
      const other = this.waiting[0]
      if (other !== undefined) this.abandon(subject, other)
    }
    if (manner === 'tries again') {
      // As a failed attempt does: to the head of the queue first, then the place is given back.
      this.reenter(subject, 'stays')
      this.release(subject, id)
    }
    if (manner === 'leaves') this.release(subject, id)
  }

  reenter(subject: Queue, manner: Manner): void {
    const id = this.make(manner)
    this.waiting.unshift(id)
    subject.reenter(id)
  }

  abandon(subject: Queue, id: number): void {
    remove(this.waiting, id)
    subject.abandon(id)
  }

  release(subject: Queue, id: number): void {
    remove(this.running, id)
    subject.release(id)
  }
}

class Model implements Queue {
  concurrency: number
  limit: number
  waiting: number[] = []
  running = 0
  #pumping = false
  readonly #clients: Clients

  constructor(clients: Clients, concurrency: number, limit: number) {
    this.#clients = clients
    this.concurrency = concurrency
    this.limit = limit
  }

  enter(id: number): boolean {
    if (this.waiting.length >= this.limit && this.running >= this.concurrency) return false
    this.waiting.push(id)
    this.pump()
    return true
  }

  reenter(id: number): void {
    this.waiting.unshift(id)
    this.pump()
  }

  abandon(id: number): void {
    remove(this.waiting, id)
  }

  release(_id: number): void {
    this.running--
    this.pump()
  }

  pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    while (this.running < this.concurrency) {
      const id = this.waiting.shift()
      if (id === undefined) break
      this.running++
      this.#clients.admitted(this, id)
    }
    this.#pumping = false
  }
}

class Real implements Queue {
  readonly admission: Admission
  readonly #clients: Clients
  readonly #tickets = new Map<number, Ticket>()

  constructor(clients: Clients, concurrency: number, limit: number) {
    this.#clients = clients
    this.admission = new Admission(concurrency, limit)
  }

  enter(id: number): boolean {
    return this.admission.enter(this.#applicant(id))
  }

  reenter(id: number): void {
    this.admission.reenter(this.#applicant(id))
  }

  abandon(id: number): void {
    this.admission.abandon(this.#take(id))
  }

  release(id: number): void {
    this.admission.release(this.#take(id))
  }

  #take(id: number): Ticket {
    const ticket = this.#tickets.get(id)
    assert.ok(ticket, `${id} holds a ticket`)
    this.#tickets.delete(id)
    return ticket
  }

  #applicant(id: number): Applicant {
    return {
      queued: (ticket) => {
        assert.ok(![...this.#tickets.values()].includes(ticket), 'a ticket is held by one client at a time')
        this.#tickets.set(id, ticket)
      },
      shed: () => assert.fail('nobody is shed here'),
      admitted: (ticket) => {
        assert.equal(ticket, this.#tickets.get(id))
        this.#clients.admitted(this, id)
      },
    }
  }
}

function remove(list: number[], id: number): boolean {
  const index = list.indexOf(id)
  if (index !== -1) list.splice(index, 1)
  return index !== -1
}

/** One step on one of the two. The order of `waiting` in the queue is not needed: an index means the same client in both. */
function run(step: Step, clients: Clients, subject: Queue & { concurrency: number; limit: number }): void {
  switch (step.kind) {
    case 'enter':
      return clients.enter(subject, step.manner)
    case 'reenter':
      return clients.reenter(subject, step.manner)
    case 'abandon': {
      const id = clients.waiting[step.index % clients.waiting.length]
      if (id !== undefined) clients.abandon(subject, id)
      return
    }
    case 'release': {
      const id = clients.running[step.index % clients.running.length]
      if (id !== undefined) clients.release(subject, id)
      return
    }
    case 'concurrency':
      subject.concurrency = step.value
      return
    case 'limit':
      subject.limit = step.value
  }
}

const manner = fc.constantFrom<Manner>(
  'stays',
  'stays',
  'leaves',
  'tries again',
  'abandons the first in the queue',
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('enter' as const), manner }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reenter' as const), manner }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('abandon' as const), index: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('release' as const), index: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('concurrency' as const),
      value: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('limit' as const), value: fc.nat(6) }) },
)

test('any history_same order, same bound, same counts as the model', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.nat(5),
      fc.array(step, { maxLength: 60, size: 'max' }),
      (concurrency, limit, steps) => {
        const expected = new Clients()
        const model = new Model(expected, concurrency, limit)
        const found = new Clients()
        const real = new Real(found, concurrency, limit)
        const { admission } = real
        const subject = {
          enter: (id: number) => real.enter(id),
          reenter: (id: number) => real.reenter(id),
          abandon: (id: number) => real.abandon(id),
          release: (id: number) => real.release(id),
          get limit() {
            return admission.limit
          },
          set limit(value: number) {
            admission.limit = value
          },
          get concurrency() {
            return admission.concurrency
          },
          set concurrency(value: number) {
            admission.concurrency = value
          },
        }
        let runningBefore = 0
        for (const each of steps) {
          run(each, expected, model)
          model.pump()
          run(each, found, subject)
          assert.deepEqual(found.log, expected.log)
          assert.equal(admission.waiting, model.waiting.length)
          assert.equal(admission.running, model.running)
          assert.ok(admission.running <= Math.max(admission.concurrency, runningBefore))
          runningBefore = admission.running
        }
        // No ticket is lost: everyone who has not been shed or left gets a turn in the end.
        while (found.running.length > 0) found.release(subject, found.running[0] as number)
        assert.equal(admission.waiting, 0)
        assert.equal(admission.running, 0)
        assert.deepEqual(found.waiting, [])
      },
    ),
    { numRuns: 1_000 },
  )
})
