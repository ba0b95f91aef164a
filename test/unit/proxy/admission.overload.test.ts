/** The queue when there is too much: classes, controlled delay, and who is shed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { Admission, type Applicant, type Ticket } from '../../../src/proxy/admission.ts'
import { FakeClock } from '../../support/fakes/clock.ts'

const [high, normal, low] = [0, 1, 2]

class Client implements Applicant {
  readonly name: string
  readonly #log: string[]
  ticket: Ticket | null = null
  state: 'new' | 'waiting' | 'running' | 'shed' | 'refused' | 'gone' | 'done' = 'new'

  constructor(name: string, log: string[]) {
    this.name = name
    this.#log = log
  }

  queued(ticket: Ticket): void {
    assert.equal(this.state, 'new')
    this.state = 'waiting'
    this.ticket = ticket
  }

  admitted(ticket: Ticket): void {
    assert.equal(this.state, 'waiting')
    assert.equal(ticket, this.ticket)
    this.state = 'running'
    this.#log.push(this.name)
  }

  shed(): void {
    assert.equal(this.state, 'waiting')
    this.state = 'shed'
    this.ticket = null
    this.#log.push(`-${this.name}`)
  }
}

class Rig {
  readonly clock = new FakeClock()
  readonly log: string[] = []
  readonly admission: Admission

  constructor(concurrency: number, limit: number, targetMs = 0) {
    this.admission = new Admission(concurrency, limit, this.clock.read)
    this.admission.controlDelay(targetMs, 100)
  }

  enter(name: string, priority = normal): Client {
    const client = new Client(name, this.log)
    if (!this.admission.enter(client, priority)) client.state = 'refused'
    return client
  }

  release(client: Client): void {
    assert.equal(client.state, 'running')
    client.state = 'done'
    this.admission.release(client.ticket as Ticket)
  }

  abandon(client: Client): void {
    assert.equal(client.state, 'waiting')
    client.state = 'gone'
    this.admission.abandon(client.ticket as Ticket)
  }
}

test('higher class first, within a class in order', () => {
  const rig = new Rig(1, 10)
  const first = rig.enter('a')
  const order = [
    ['l', low],
    ['n', normal],
    ['h', high],
    ['H', high],
    ['N', normal],
  ] as const
  const clients = order.map(([name, priority]) => rig.enter(name, priority))
  rig.release(first)
  for (const name of 'hHnN') rig.release(clients.find((client) => client.name === name) as Client)
  assert.deepEqual(rig.log.join(''), 'ahHnNl')
})

test('second try_before every class', () => {
  const rig = new Rig(1, 10)
  const first = rig.enter('a')
  rig.enter('h', high)
  rig.admission.reenter(new Client('r', rig.log))
  rig.release(first)
  assert.deepEqual(rig.log, ['a', 'r'])
})

test('full_a higher class takes the place of the last of the lowest, at the end of the turn', async () => {
  const rig = new Rig(1, 3)
  rig.enter('a')
  rig.enter('n', normal)
  rig.enter('l', low)
  const last = rig.enter('L', low)
  const refused = rig.enter('x', low)
  const higher = rig.enter('h', high)
  assert.equal(refused.state, 'refused')
  assert.equal(higher.state, 'waiting')
  assert.equal(rig.admission.waiting, 3)
  assert.equal(last.state, 'waiting', 'not from inside the call')
  await turn()
  assert.equal(last.state, 'shed')
  rig.enter('H', high)
  rig.enter('K', high)
  await turn()
  assert.deepEqual(rig.log, ['a', '-L', '-l', '-n'])
  assert.equal(rig.enter('x', high).state, 'refused', 'nobody is lower')
  assert.equal(rig.admission.waiting, 3)
})

test('about to be shed, and gone meanwhile_not called', async () => {
  const rig = new Rig(1, 1)
  const first = rig.enter('a')
  const lower = rig.enter('l', low)
  const higher = rig.enter('h', high)
  rig.abandon(lower)
  await turn()
  assert.equal(lower.state, 'gone')
  assert.equal(rig.admission.waiting, 1)
  rig.release(first)
  rig.release(higher)
  assert.equal(rig.admission.running, 0)
  assert.equal(rig.admission.waiting, 0)
})

/** Every millisecond one comes, and every second millisecond one place gets free: twice what can be done. */
function overload(rig: Rig, ms: number, names = 'n', priority = normal): Client[] {
  const clients: Client[] = []
  for (let count = 0; count < ms; count++) {
    rig.clock.advance(1)
    clients.push(rig.enter(`${names}${count}`, priority))
    const running = clients.find(({ state }) => state === 'running')
    if (count % 2 === 1 && running !== undefined) rig.release(running)
  }
  return clients
}

test('delay not controlled_nobody is shed, however long they wait', async () => {
  const rig = new Rig(1, 10_000)
  overload(rig, 1_000)
  await turn()
  assert.ok(rig.log.every((entry) => !entry.startsWith('-')))
})

test('burst worked off within the interval_nobody is shed, first come first served', async () => {
  const rig = new Rig(1, 10_000, 5)
  let running = rig.enter('0')
  const clients = Array.from({ length: 80 }, (_, index) => rig.enter(String(index + 1)))
  for (const client of clients) {
    rig.clock.advance(1)
    rig.release(running)
    running = client
  }
  await turn()
  assert.deepEqual(rig.log, ['0', ...clients.map(({ name }) => name)])
})

test('lasting overload_the newest first, the old shed, and every place in use', async () => {
  const rig = new Rig(1, 10_000, 5)
  const clients = overload(rig, 1_000)
  await turn()
  const shed = rig.log.filter((entry) => entry.startsWith('-'))
  assert.ok(shed.length > 400, `${shed.length} shed of 1,000 with twice the load`)
  assert.ok(rig.admission.waiting <= 20, `${rig.admission.waiting} wait on`)
  const served = clients.filter(({ state }) => state === 'done').length
  assert.ok(served >= 499, `${served} served of the 500 that can be`)
  const running = clients.find(({ state }) => state === 'running') as Client
  rig.clock.advance(1)
  const newest = rig.enter('newest')
  rig.release(running)
  assert.equal(newest.state, 'running')
})

test('overload over for an interval_everybody is served in order again, and nobody shed', async () => {
  const rig = new Rig(1, 10_000, 5)
  const clients = overload(rig, 1_000)
  await turn()
  for (;;) {
    const running = clients.find(({ state }) => state === 'running')
    if (running === undefined) break
    rig.release(running)
    await turn()
  }
  assert.equal(rig.admission.waiting, 0)
  rig.log.length = 0
  rig.clock.advance(101)
  const first = rig.enter('a')
  rig.enter('b')
  rig.enter('c')
  rig.clock.advance(50)
  rig.release(first)
  await turn()
  assert.deepEqual(rig.log, ['a', 'b'])
})

test('low class overloaded_the high one is not shed, and served in order', async () => {
  const rig = new Rig(1, 10_000, 5)
  const clients = overload(rig, 500, 'l', low)
  const served: Client[] = []
  for (let count = 0; count < 200; count++) {
    rig.clock.advance(2)
    if (count % 4 === 0) served.push(rig.enter(`h${count}`, high))
    clients.push(rig.enter(`m${count}`, low))
    const running = [...clients, ...served].find(({ state }) => state === 'running') as Client
    rig.release(running)
  }
  await turn()
  assert.ok(served.every(({ state }) => state === 'done' || state === 'running' || state === 'waiting'))
  const order = rig.log.filter((entry) => entry.startsWith('h'))
  assert.deepEqual(
    order,
    [...order].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))),
  )
  assert.ok(rig.log.some((entry) => entry.startsWith('-m')))
})

test('a great many too old at once_shed a few at a time', async () => {
  const rig = new Rig(1, 10_000, 5)
  rig.enter('a')
  for (let count = 0; count < 5_000; count++) rig.enter('x')
  for (let count = 0; count < 200; count++) {
    rig.clock.advance(1)
    const before = rig.admission.waiting
    rig.enter('y')
    assert.ok(rig.admission.waiting >= before + 1 - 8)
  }
  await turn()
  assert.ok(rig.admission.waiting < 5_000)
})

test('nobody comes or goes_looks alone find that the queue stands, and shed all but the newest', async () => {
  const rig = new Rig(1, 100, 5)
  rig.enter('a')
  const clients = Array.from({ length: 50 }, (_, index) => rig.enter(String(index)))
  for (let count = 0; count < 6; count++) {
    rig.clock.advance(50)
    rig.admission.look()
    await turn()
  }
  assert.equal(rig.admission.waiting, 1)
  assert.equal(clients.at(-1)?.state, 'waiting')
})

test('100,000 spare turns in a row_worked off without nesting', () => {
  const rig = new Rig(1, 200_000)
  const first = rig.enter('a')
  const clients = Array.from({ length: 100_000 }, () => rig.enter('x'))
  for (const client of clients) rig.abandon(client)
  rig.release(first)
  assert.equal(rig.admission.running, 0)
  assert.equal(rig.enter('b').state, 'running')
})

interface Step {
  readonly kind: 'enter' | 'release' | 'abandon' | 'wait' | 'concurrency' | 'limit' | 'turn'
  readonly value: number
}

test('any history_one ending each, bounds kept, nobody passed over by a lower class, 0 at rest', async () => {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom(
      ...(['enter', 'enter', 'enter', 'release', 'abandon', 'wait', 'concurrency', 'limit', 'turn'] as const),
    ),
    value: fc.nat(60),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 150 }), fc.constantFrom(0, 5), async (steps, targetMs) => {
      const rig = new Rig(2, 5, targetMs)
      const { admission } = rig
      const clients: { client: Client; priority: number }[] = []
      const those = (state: Client['state']) => clients.filter(({ client }) => client.state === state)
      let limitMax = 5
      for (const { kind, value } of steps) {
        const before = rig.log.length
        if (kind === 'enter') {
          const priority = value % 3
          clients.push({ client: rig.enter(String(clients.length), priority), priority })
        } else if (kind === 'wait') rig.clock.advance(value)
        else if (kind === 'turn') await turn()
        else if (kind === 'concurrency') admission.concurrency = 1 + (value % 4)
        else if (kind === 'limit') {
          admission.limit = value % 8
          limitMax = Math.max(limitMax, admission.limit)
        } else {
          const candidates = those(kind === 'release' ? 'running' : 'waiting')
          const chosen = candidates[value % candidates.length]?.client
          if (chosen !== undefined) rig[kind](chosen)
        }
        assert.ok(admission.waiting <= limitMax)
        assert.equal(admission.running, those('running').length)
        const waiting = those('waiting')
        // Those that are to be shed still think that they wait.
        assert.ok(waiting.length >= admission.waiting)
        if (admission.running < admission.concurrency) assert.equal(admission.waiting, 0)
        if (kind === 'release' && rig.log.length > before && targetMs === 0) {
          const { priority } = clients[Number(rig.log[before])] as { priority: number }
          await turn()
          assert.ok(those('waiting').every((other) => other.priority >= priority))
        }
      }
      await turn()
      assert.equal(those('waiting').length, admission.waiting)
      for (let one = those('running')[0]; one !== undefined; one = those('running')[0]) {
        rig.release(one.client)
        await turn()
      }
      assert.equal(admission.waiting, 0)
      assert.equal(admission.running, 0)
      assert.ok(clients.every(({ client }) => ['done', 'shed', 'refused', 'gone'].includes(client.state)))
    }),
    { numRuns: 300 },
  )
})

test('whoever goes ahead at once_costs no reading of the clock, and is no measure of who comes then', () => {
  let readings = 0
  let now = 0
  const admission = new Admission(2, 10, () => {
    readings++
    return now
  })
  admission.controlDelay(5, 100)
  const log: string[] = []
  const clients = ['a', 'b'].map((name) => new Client(name, log))
  for (const client of clients) admission.enter(client)
  assert.equal(readings, 0)
  const waiting = new Client('c', log)
  admission.enter(waiting)
  assert.ok(readings > 0)
  now = 3
  admission.release(clients[0]!.ticket as Ticket)
  assert.equal(waiting.state, 'running')
  const before = readings
  for (const client of [clients[1]!, waiting]) admission.release(client.ticket as Ticket)
  admission.enter(new Client('d', log))
  assert.equal(readings, before)
})
