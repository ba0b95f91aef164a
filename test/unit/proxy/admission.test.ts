import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Admission, type Applicant, type Ticket } from '../../../src/proxy/admission.ts'

/** Remembers what it was told; releases by hand, or at once. */
class Client implements Applicant {
  readonly name: string
  readonly #log: string[]
  readonly #atOnce: Admission | null
  ticket: Ticket | null = null
  admissions = 0

  constructor(name: string, log: string[], atOnce: Admission | null = null) {
    this.name = name
    this.#log = log
    this.#atOnce = atOnce
  }

  queued(ticket: Ticket): void {
    this.ticket = ticket
  }

  shed(): void {
    this.ticket = null
    this.#log.push(`-${this.name}`)
  }

  admitted(ticket: Ticket): void {
    assert.equal(ticket, this.ticket, `${this.name} is admitted with the ticket that it was given`)
    this.admissions++
    this.#log.push(this.name)
    this.#atOnce?.release(ticket)
  }
}

/** Enters clients with these names; they stay until they are released. */
function enter(admission: Admission, log: string[], names: string): Client[] {
  return [...names].map((name) => {
    const client = new Client(name, log)
    assert.equal(admission.enter(client), true, `${name} may wait`)
    return client
  })
}

function release(admission: Admission, client: Client): void {
  admission.release(client.ticket as Ticket)
}

test('place free_admitted before enter returns', () => {
  const log: string[] = []
  const admission = new Admission(2, 0)
  enter(admission, log, 'ab')
  assert.deepEqual(log, ['a', 'b'])
  assert.equal(admission.running, 2)
  assert.equal(admission.waiting, 0)
})

test('no place free_waits in order, first come first served', () => {
  const log: string[] = []
  const admission = new Admission(1, 10)
  const clients = enter(admission, log, 'abc')
  assert.deepEqual(log, ['a'])
  assert.equal(admission.waiting, 2)
  for (const client of clients) release(admission, client)
  assert.deepEqual(log, ['a', 'b', 'c'])
  assert.equal(admission.running, 0)
})

test('as many waiting as may_the next is shed and told nothing', () => {
  const log: string[] = []
  const admission = new Admission(1, 2)
  enter(admission, log, 'abc')
  const shed = new Client('d', log)
  assert.equal(admission.enter(shed), false)
  assert.equal(shed.ticket, null)
  assert.equal(admission.waiting, 2)
})

test('limit 0_no one waits, but a free place is given', () => {
  const log: string[] = []
  const admission = new Admission(1, 0)
  const [a] = enter(admission, log, 'a') as [Client]
  assert.equal(admission.enter(new Client('b', log)), false)
  release(admission, a)
  enter(admission, log, 'c')
  assert.deepEqual(log, ['a', 'c'])
})

test('room for who need not wait_a free place, and nobody who waits for one', () => {
  const log: string[] = []
  const admission = new Admission(2, 10)
  assert.equal(admission.hasRoom, true)
  const [a, b] = enter(admission, log, 'ab') as [Client, Client]
  assert.equal(admission.hasRoom, false)
  release(admission, a)
  assert.equal(admission.hasRoom, true)
  const [, d] = enter(admission, log, 'cd') as [Client, Client]
  assert.equal(admission.hasRoom, false)
  admission.abandon(d.ticket as Ticket)
  release(admission, b)
  assert.equal(admission.hasRoom, true)
  admission.concurrency = 1
  assert.equal(admission.hasRoom, false)
})

test('limit lowered below those waiting_they stay, nobody joins them', () => {
  const log: string[] = []
  const admission = new Admission(1, 3)
  const [a] = enter(admission, log, 'abcd') as [Client]
  admission.limit = 1
  assert.equal(admission.enter(new Client('e', log)), false)
  release(admission, a)
  assert.deepEqual(log, ['a', 'b'])
})

test('abandoned while waiting_its turn is taken by the next', () => {
  const log: string[] = []
  const admission = new Admission(1, 10)
  const [a, b] = enter(admission, log, 'abc') as [Client, Client, Client]
  admission.abandon(b.ticket as Ticket)
  assert.equal(admission.waiting, 1)
  release(admission, a)
  assert.deepEqual(log, ['a', 'c'])
  assert.equal(b.admissions, 0)
})

test('abandoned_gives its place in the queue to another at once', () => {
  const log: string[] = []
  const admission = new Admission(1, 1)
  const [, b] = enter(admission, log, 'ab') as [Client, Client]
  assert.equal(admission.enter(new Client('c', log)), false)
  admission.abandon(b.ticket as Ticket)
  assert.equal(admission.enter(new Client('c', log)), true)
})

test('reenter_goes to the head, past the bound', () => {
  const log: string[] = []
  const admission = new Admission(1, 2)
  const [a] = enter(admission, log, 'abc') as [Client]
  const again = new Client('r', log)
  admission.reenter(again)
  assert.equal(admission.waiting, 3)
  release(admission, a)
  assert.deepEqual(log, ['a', 'r'])
})

test('reenter with a place free_admitted at once', () => {
  const log: string[] = []
  const admission = new Admission(2, 0)
  enter(admission, log, 'a')
  admission.reenter(new Client('r', log))
  assert.deepEqual(log, ['a', 'r'])
})

test('reenter before its own release_gets the very place that it gives back', () => {
  // What a retry does: it queues again while the failed attempt still holds its place.
  const log: string[] = []
  const admission = new Admission(1, 10)
  const [a] = enter(admission, log, 'ab') as [Client]
  const retry = new Client('r', log)
  admission.reenter(retry)
  release(admission, a)
  assert.deepEqual(log, ['a', 'r'])
  assert.equal(admission.waiting, 1)
})

test('concurrency raised_those waiting go ahead at once, in order', () => {
  const log: string[] = []
  const admission = new Admission(1, 10)
  enter(admission, log, 'abcd')
  admission.concurrency = 3
  assert.deepEqual(log, ['a', 'b', 'c'])
  assert.equal(admission.concurrency, 3)
})

test('newcomer while those waiting are being let in_waits its turn', () => {
  const log: string[] = []
  const admission = new Admission(1, 10)
  enter(admission, log, 'a')
  // In the middle of what a raised concurrency sets off, the first to be let in leaves and another comes.
  admission.enter({
    queued: () => undefined,
    shed: () => undefined,
    admitted: (ticket) => {
      log.push('b')
      admission.enter(new Client('late', log))
      admission.release(ticket)
    },
  })
  enter(admission, log, 'cd')
  admission.concurrency = 3
  assert.deepEqual(log, ['a', 'b', 'c', 'd'])
  assert.equal(admission.waiting, 1)
})

test('concurrency lowered_those running finish, and no one follows until there are few enough', () => {
  const log: string[] = []
  const admission = new Admission(3, 10)
  const [a, b, c] = enter(admission, log, 'abcde') as [Client, Client, Client, Client, Client]
  admission.concurrency = 1
  release(admission, a)
  release(admission, b)
  assert.deepEqual(log, ['a', 'b', 'c'])
  assert.equal(admission.running, 1)
  release(admission, c)
  assert.deepEqual(log, ['a', 'b', 'c', 'd'])
})

test('concurrency 0_counts as 1, which is the least that fastq takes', () => {
  const admission = new Admission(2, 10)
  admission.concurrency = 0
  assert.equal(admission.concurrency, 1)
})

test('released inside admitted_the next follows, and nothing is counted twice', () => {
  const log: string[] = []
  const admission = new Admission(1, 10)
  const [a] = enter(admission, log, 'a') as [Client]
  for (const name of 'bcd') admission.enter(new Client(name, log, admission))
  release(admission, a)
  assert.deepEqual(log, ['a', 'b', 'c', 'd'])
  assert.equal(admission.running, 0)
  assert.equal(admission.waiting, 0)
})

test('100,000 that are done at once_do not nest', () => {
  const count = 100_000
  const log: string[] = []
  const admission = new Admission(1, count)
  const [a] = enter(admission, log, 'a') as [Client]
  for (let index = 0; index < count; index++) admission.enter(new Client('x', log, admission))
  release(admission, a)
  assert.equal(log.length, count + 1)
  assert.equal(admission.waiting, 0)
})

for (const wake of ['release', 'concurrency'] as const) {
  test(`100,000 dead tickets in a row_dropped by one ${wake} without a turn, and the next is admitted`, () => {
    const count = 100_000
    const log: string[] = []
    const admission = new Admission(1, 2 * count)
    const [a] = enter(admission, log, 'a') as [Client]
    const dead = Array.from({ length: count }, () => new Client('dead', log))
    for (const client of dead) admission.enter(client)
    enter(admission, log, 'b')
    for (const client of dead) admission.abandon(client.ticket as Ticket)
    assert.equal(admission.waiting, 1)
    if (wake === 'release') release(admission, a)
    else admission.concurrency = 2
    assert.deepEqual(log, ['a', 'b'])
    assert.equal(admission.waiting, 0)
  })
}

test('one client after another that comes and goes_the dead are swept: memory follows the bound', () => {
  const limit = 10
  const log: string[] = []
  const admission = new Admission(1, limit)
  const clients = enter(admission, log, 'abc')
  const tickets = new Set<Ticket>()
  for (let round = 0; round < 50_000; round++) {
    const visitor = new Client('v', log)
    assert.equal(admission.enter(visitor), true)
    tickets.add(visitor.ticket as Ticket)
    admission.abandon(visitor.ticket as Ticket)
  }
  // 1,024 dead ones may lie about before a sweep is worth its walk.
  assert.ok(tickets.size <= 1_024 + limit, `${tickets.size} tickets for one visitor at a time`)
  for (const client of clients) release(admission, client)
  assert.deepEqual(log, ['a', 'b', 'c'])
})

test('sweep_keeps the order of the living', () => {
  const log: string[] = []
  const admission = new Admission(1, 100)
  const clients: Client[] = enter(admission, log, 'a')
  for (const name of 'bcdef') {
    clients.push(...enter(admission, log, name))
    for (let round = 0; round < 900; round++) {
      const visitor = new Client('v', log)
      admission.enter(visitor)
      admission.abandon(visitor.ticket as Ticket)
    }
  }
  for (const client of clients) release(admission, client)
  assert.deepEqual(log.join(''), 'abcdef')
  assert.equal(admission.waiting, 0)
})

test('one after another_tickets are used again', () => {
  const log: string[] = []
  const admission = new Admission(1, 10)
  const tickets = new Set<Ticket>()
  for (let count = 0; count < 100; count++) {
    const [client] = enter(admission, log, 'a') as [Client]
    tickets.add(client.ticket as Ticket)
    release(admission, client)
  }
  assert.equal(tickets.size, 1)
})
