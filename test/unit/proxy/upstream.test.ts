import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { outcomes } from '../../../src/plan/outcome.ts'
import type { EndpointPlan, UpstreamPlan } from '../../../src/plan/upstream-plan.ts'
import type { Applicant, Ticket } from '../../../src/proxy/admission.ts'
import type { Endpoint } from '../../../src/proxy/endpoint.ts'
import type { Connection } from '../../../src/proxy/pool.ts'
import { Upstream } from '../../../src/proxy/upstream.ts'
import { FakeClock } from '../../support/fakes/clock.ts'
import { endpointPlan, queuePlan, upstreamPlan } from '../../support/fakes/plans.ts'
import { teach, Watched } from '../../support/fakes/teach.ts'
import { request } from './balance/requests.ts'

/** Endpoints `app/a`, `app/b` …, on ports where nobody listens: nothing is sent in these tests. */
function endpoints(names: string): EndpointPlan[] {
  return [...names].map((name, index) => endpointPlan(name, index + 1))
}

function plan(names: string, changes: Partial<UpstreamPlan> = {}): UpstreamPlan {
  return upstreamPlan({ endpoints: endpoints(names), connections: 2, ...changes })
}

function upstream(names: string, unhealthy: readonly string[] = [], changes: Partial<UpstreamPlan> = {}) {
  return new Upstream(plan(names, changes), new Set(unhealthy), () => 0)
}

function find(subject: Upstream, name: string): Endpoint {
  const found = subject.endpoints.find(({ id, retired }) => id === `app/${name}` && !retired)
  assert.ok(found, `app/${name} is there`)
  return found
}

/** Attempts that are under way at an endpoint, ended by calling what is returned. */
function begin(subject: Upstream, endpoint: Endpoint, count: number): () => void {
  const connections: Connection[] = Array.from({ length: count }, () => endpoint.begin(false))
  return () => {
    const connection = connections.pop()
    if (connection !== undefined) subject.end(endpoint, connection)
  }
}

/** One refused connection. */
function refuse(subject: Upstream, endpoint: Endpoint): void {
  subject.failed(endpoint, outcomes.connectFailed, endpoint.outlier.epoch)
}

function names(subject: Upstream, count: number): string {
  return Array.from({ length: count }, () => subject.pick(null)?.id.at(-1) ?? '-').join('')
}

test('all healthy_places are the sum of connections times pipelining', () => {
  const subject = upstream('abc', [], { connections: 4, pipelining: 3 })
  assert.equal(subject.admission.concurrency, 36)
  assert.equal(subject.down, false)
})

test('unhealthy from the beginning_not picked, no places', () => {
  const subject = upstream('abc', ['app/b'])
  assert.equal(subject.admission.concurrency, 4)
  assert.equal(names(subject, 4), 'acac')
})

test('nobody has room_a WebSocket goes anywhere all the same, and where it has failed only if that is all there is', () => {
  const subject = upstream('ab')
  const [a, b] = [find(subject, 'a'), find(subject, 'b')]
  begin(subject, a, 2)
  begin(subject, b, 2)
  assert.deepEqual([subject.pickBeside(null), subject.pickBeside(a), subject.pickBeside(b)], [a, b, a])
  subject.setHealth('app/b', false)
  assert.equal(subject.pickBeside(a), a)
})

test('endpoint goes out and comes back_so do its places', () => {
  const subject = upstream('ab', [], { slowStartMs: 0 })
  assert.equal(subject.setHealth('app/b', false), true)
  assert.equal(subject.admission.concurrency, 2)
  assert.equal(names(subject, 3), 'aaa')
  subject.setHealth('app/b', true)
  assert.equal(subject.admission.concurrency, 4)
  assert.ok(names(subject, 2).includes('b'))
})

test('endpoint of another upstream_not found, nothing changes', () => {
  const subject = upstream('ab')
  assert.equal(subject.setHealth('other/a', false), false)
  assert.equal(subject.admission.concurrency, 4)
})

test('all out_down, nothing is picked', () => {
  const subject = upstream('ab')
  subject.setHealth('app/a', false)
  subject.setHealth('app/b', false)
  assert.equal(subject.down, true)
  assert.equal(subject.pick(null), null)
})

test('goes out while at work_what is in flight keeps its places until it ends', () => {
  const subject = upstream('ab', [], { connections: 4 })
  const b = find(subject, 'b')
  const end = begin(subject, b, 3)
  subject.setHealth('app/b', false)
  const places = [subject.admission.concurrency]
  for (let count = 0; count < 3; count++) {
    end()
    places.push(subject.admission.concurrency)
  }
  assert.deepEqual(places, [7, 6, 5, 4])
})

test('all out but at work_places follow what is in flight, 1 at the least', () => {
  const subject = upstream('a', [], { connections: 4 })
  const end = begin(subject, find(subject, 'a'), 2)
  subject.setHealth('app/a', false)
  assert.equal(subject.admission.concurrency, 2)
  end()
  end()
  assert.equal(subject.admission.concurrency, 1)
})

test('pick after a failure_another endpoint, and none where the others are full', () => {
  const subject = upstream('ab')
  const a = find(subject, 'a')
  const b = find(subject, 'b')
  for (let count = 0; count < 3; count++) assert.equal(subject.pick(a), b)
  begin(subject, b, 2)
  assert.equal(subject.pick(a), null)
  assert.equal(subject.pick(null), a)
  begin(subject, a, 2)
  assert.equal(subject.pick(null), null)
})

test('pick after a failure, no other is up_the same again', () => {
  const subject = upstream('ab', ['app/b'])
  const a = find(subject, 'a')
  assert.equal(subject.pick(a), a)
})

test('suspended_passed over for a second, then one place for a probe, then all', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const subject = upstream('ab')
  refuse(subject, find(subject, 'a'))
  assert.equal(names(subject, 3), 'bbb')
  assert.equal(subject.admission.concurrency, 2)
  t.mock.timers.tick(999)
  assert.equal(names(subject, 3), 'bbb')
  t.mock.timers.tick(1)
  assert.ok(names(subject, 2).includes('a'))
  assert.equal(subject.admission.concurrency, 3)
  const a = find(subject, 'a')
  subject.answered(a, 200, a.outlier.epoch)
  await Promise.resolve()
  assert.equal(subject.admission.concurrency, 4)
})

test('suspended with attempts under way_they keep their places', () => {
  const subject = upstream('ab')
  const a = find(subject, 'a')
  const end = begin(subject, a, 2)
  refuse(subject, a)
  assert.equal(subject.admission.concurrency, 4)
  end()
  assert.equal(subject.admission.concurrency, 3)
})

test('the last that is up_cannot be suspended', () => {
  const subject = upstream('ab', ['app/b'])
  refuse(subject, find(subject, 'a'))
  assert.equal(names(subject, 2), 'aa')
})

test('the others go down_one that was suspended is better than none', () => {
  const subject = upstream('ab')
  refuse(subject, find(subject, 'a'))
  subject.setHealth('app/b', false)
  assert.equal(subject.down, false)
  assert.equal(names(subject, 2), 'aa')
})

test('suspended, then a check succeeds_picked again at once', () => {
  const subject = upstream('ab')
  refuse(subject, find(subject, 'a'))
  subject.setHealth('app/a', true)
  assert.ok(names(subject, 2).includes('a'))
})

test('suspended, picked again, suspended anew_for two whole seconds from then', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const subject = upstream('ab')
  const a = find(subject, 'a')
  refuse(subject, a)
  t.mock.timers.tick(900)
  subject.setHealth('app/a', true)
  refuse(subject, a)
  t.mock.timers.tick(1_900)
  assert.equal(names(subject, 3), 'bbb')
  t.mock.timers.tick(100)
  assert.ok(names(subject, 2).includes('a'))
})

test('suspended, then gone from the plan_does not come back', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const subject = upstream('ab')
  const a = find(subject, 'a')
  begin(subject, a, 1)
  refuse(subject, a)
  subject.update(plan('b'), new Set())
  t.mock.timers.tick(2_000)
  assert.equal(names(subject, 3), 'bbb')
  assert.equal(subject.admission.concurrency, 3)
})

test('update_endpoints that stay are the same objects, with counters and connections', () => {
  const subject = upstream('ab')
  const a = find(subject, 'a')
  const end = begin(subject, a, 2)
  subject.update(plan('ac', { endpoints: [endpointPlan('a', 1, 7), endpointPlan('c', 3)] }), new Set())
  assert.equal(find(subject, 'a'), a)
  assert.deepEqual([a.inFlight, a.attempts, a.weight], [2, 2, 7])
  assert.deepEqual(
    subject.endpoints.map(({ id }) => id),
    ['app/a', 'app/c'],
  )
  end()
  end()
  assert.equal(a.inFlight, 0)
})

test('update_verdicts are those that came with the plan', () => {
  const subject = upstream('ab', ['app/a'])
  subject.update(plan('ab'), new Set(['app/b']))
  assert.equal(names(subject, 2), 'aa')
})

test('update_limits, time-outs and policy change', () => {
  const subject = upstream('ab')
  const timeouts = { connectMs: 1_000, headersMs: 9, bodyMs: 8, idleMs: 4_000 }
  subject.update(
    plan('ab', { queue: queuePlan({ limit: 3, timeoutMs: 77 }), timeouts, balance: 'least-connections' }),
    new Set(),
  )
  assert.equal(subject.admission.limit, 3)
  assert.equal(subject.queueTimeoutMs, 77)
  assert.equal(subject.timeouts, timeouts)
  begin(subject, find(subject, 'a'), 1)
  assert.equal(names(subject, 2), 'bb')
})

test('update without an endpoint that is at work_it is retired, and keeps its places until it is through', () => {
  const subject = upstream('ab')
  const b = find(subject, 'b')
  const end = begin(subject, b, 2)
  subject.update(plan('a'), new Set())
  assert.equal(b.retired, true)
  assert.equal(subject.admission.concurrency, 4)
  assert.equal(names(subject, 2), 'aa')
  assert.equal(subject.setHealth('app/b', true), false)
  end()
  assert.equal(subject.admission.concurrency, 3)
  end()
  assert.equal(subject.admission.concurrency, 2)
  assert.deepEqual(
    subject.endpoints.map(({ id }) => id),
    ['app/a'],
  )
})

for (const [setting, changes] of [
  ['connections', { connections: 5 }],
  ['pipelining', { pipelining: 2 }],
  ['connect time-out', { timeouts: { connectMs: 7, headersMs: 2_000, bodyMs: 3_000, idleMs: 4_000 } }],
  ['idle time-out', { timeouts: { connectMs: 1_000, headersMs: 2_000, bodyMs: 3_000, idleMs: 7 } }],
] as const) {
  test(`update of ${setting}_new connections: the endpoint begins anew`, () => {
    const subject = upstream('a')
    const a = find(subject, 'a')
    subject.update(plan('a', changes), new Set())
    assert.notEqual(find(subject, 'a'), a)
    assert.equal(a.retired, true)
  })
}

test('endpoint taken out and put back while at work_is picked again', () => {
  const subject = upstream('ab')
  const end = begin(subject, find(subject, 'b'), 1)
  subject.update(plan('a'), new Set())
  subject.update(plan('ab'), new Set())
  assert.ok(names(subject, 2).includes('b'), 'b is in the plan and healthy')
  end()
  assert.ok(names(subject, 2).includes('b'), 'b is still there when its old attempt has ended')
  assert.equal(subject.admission.concurrency, 4)
})

test('two reloads behind a change of connections, with an old attempt under way_the upstream stays up', () => {
  const subject = upstream('a', [], { connections: 2 })
  const end = begin(subject, find(subject, 'a'), 1)
  subject.update(plan('a', { connections: 3 }), new Set())
  const renewed = find(subject, 'a')
  subject.update(plan('a', { connections: 3 }), new Set())
  assert.equal(subject.down, false)
  assert.equal(find(subject, 'a'), renewed, 'the current endpoint is kept, not the old one')
  assert.equal(subject.admission.concurrency, 4)
  end()
  assert.equal(subject.admission.concurrency, 3)
})

class Waiting implements Applicant {
  ticket: Ticket | null = null
  picked: Endpoint | null | undefined
  connection: Connection | undefined
  readonly #subject: Upstream

  constructor(subject: Upstream) {
    this.#subject = subject
  }

  queued(ticket: Ticket): void {
    this.ticket = ticket
  }

  shed(): void {}

  admitted(): void {
    this.picked = this.#subject.pick(null)
    this.connection = this.picked?.begin(false)
  }
}

test('update with more places_those waiting go ahead at once', () => {
  const subject = upstream('a', [], { connections: 1 })
  const waiting = [new Waiting(subject), new Waiting(subject), new Waiting(subject)]
  for (const applicant of waiting) subject.admission.enter(applicant)
  subject.update(plan('ab', { connections: 1 }), new Set())
  assert.deepEqual(
    waiting.map(({ picked }) => picked?.id),
    ['app/a', 'app/b', undefined],
  )
})

test('retired with requests waiting_each still gets a connection that takes it', () => {
  const subject = upstream('a', [], { connections: 1 })
  const first = new Waiting(subject)
  const second = new Waiting(subject)
  subject.admission.enter(first)
  subject.admission.enter(second)
  subject.retire()
  subject.end(first.picked as Endpoint, first.connection as Connection)
  subject.admission.release(first.ticket as Ticket)
  assert.equal(second.connection?.client.closed, false)
})

test('retired, and the last to be admitted finds no endpoint_its place is given back, and the endpoints retire', () => {
  const subject = upstream('ab')
  const tickets: Ticket[] = []
  const applicant: Applicant = {
    queued: (ticket) => tickets.push(ticket),
    admitted: () => undefined,
    shed: () => undefined,
  }
  subject.admission.enter(applicant)
  subject.admission.enter(applicant)
  subject.retire()
  for (const [ticket, left] of [
    [tickets[0], 1],
    [tickets[1], 0],
  ] as const) {
    assert.ok(subject.endpoints.every(({ retired }) => !retired))
    subject.giveBack(ticket as Ticket)
    assert.equal(subject.admission.running, left)
  }
  assert.ok(subject.endpoints.every(({ retired }) => retired))
})

test('update_other TLS files or another PROXY version mean other connections', () => {
  const tls = { ca: 'one', cert: null, key: null, passphrase: null, servername: null, verify: true }
  const subject = upstream('a')
  const changes = [
    { tls },
    { tls: { ...tls, ca: 'two' } },
    { proxyProtocol: 'v1' },
    { proxyProtocol: 'v2' },
    {},
  ] as const
  for (const change of changes) {
    const before = find(subject, 'a')
    subject.update(plan('a', change), new Set())
    assert.notEqual(find(subject, 'a'), before)
    subject.update(plan('a', change), new Set())
    assert.equal(subject.endpoints.length, 1)
  }
})

test('backup_takes nothing while another is available, and everything while none is', () => {
  const subject = upstream('abc', [], { endpoints: withSettings({ c: { backup: true } }, 'abc') })
  assert.equal(names(subject, 4), 'abab')
  assert.equal(subject.admission.concurrency, 4)
  subject.setHealth('app/a', false)
  assert.equal(names(subject, 2), 'bb')
  subject.setHealth('app/b', false)
  assert.equal(names(subject, 2), 'cc')
  assert.equal(subject.admission.concurrency, 2)
  subject.setHealth('app/a', true)
  assert.equal(names(subject, 2), 'aa')
  subject.setHealth('app/c', false)
  assert.equal(subject.down, false)
})

test('several backups_share by weight', () => {
  const settings = { b: { backup: true, weight: 2 }, c: { backup: true } }
  const subject = upstream('abc', ['app/a'], { endpoints: withSettings(settings, 'abc') })
  assert.deepEqual([...names(subject, 6)].sort().join(''), 'bbbbcc')
})

test('the only one that is no backup refuses_suspended: the backup has the requests', () => {
  const subject = upstream('ab', [], { endpoints: withSettings({ b: { backup: true } }, 'ab') })
  refuse(subject, find(subject, 'a'))
  assert.equal(names(subject, 2), 'bb')
})

for (const [how, settings] of [
  ['weight 0', { b: { weight: 0 } }],
  ['drain', { b: { drain: true } }],
] as const) {
  test(`${how}_takes nothing, has no places, and does not stand in for the others`, () => {
    const subject = upstream('ab', [], { endpoints: withSettings(settings, 'ab') })
    assert.equal(names(subject, 3), 'aaa')
    assert.equal(subject.admission.concurrency, 2)
    refuse(subject, find(subject, 'a'))
    assert.equal(names(subject, 1), 'a')
    subject.setHealth('app/a', false)
    assert.equal(subject.down, true)
    assert.equal(subject.pick(null), null)
  })
}

test('reload that drains one at work_its requests end, and keep their places until then', () => {
  const subject = upstream('ab')
  const b = find(subject, 'b')
  const end = begin(subject, b, 2)
  subject.update(plan('ab', { endpoints: withSettings({ b: { drain: true } }, 'ab') }), new Set())
  assert.equal(find(subject, 'b'), b)
  assert.equal(names(subject, 2), 'aa')
  assert.equal(subject.admission.concurrency, 4)
  end()
  end()
  assert.equal(subject.admission.concurrency, 2)
  subject.update(plan('ab'), new Set())
  assert.ok(names(subject, 2).includes('b'))
})

const sticky = {
  policy: 'sticky',
  cookie: 'weir',
  secret: 'sixteen characters',
  fallback: 'round-robin',
} as const

/** The request of a client that has been sent to an endpoint before. */
function returning(subject: Upstream, name: string) {
  const first = request()
  for (let time = 0; time < 10; time++) {
    if (subject.pick(null, first)?.id !== `app/${name}`) continue
    const [cookie] = (first.setCookie as string).split(';')
    return request({ headers: ['cookie', cookie as string] })
  }
  throw new Error(`nobody is sent to ${name}`)
}

test('sticky, then draining_the cookie is followed, with a place of its own', async () => {
  const subject = upstream('ab', [], { balance: sticky })
  const client = returning(subject, 'b')
  subject.update(
    plan('ab', { balance: sticky, endpoints: withSettings({ b: { drain: true } }, 'ab') }),
    new Set(),
  )
  const b = find(subject, 'b')
  assert.equal(subject.pick(null, client), b)
  begin(subject, b, 1)
  assert.equal(subject.admission.concurrency, 2)
  await Promise.resolve()
  assert.equal(subject.admission.concurrency, 3)
  assert.equal(subject.pick(null, request())?.id, 'app/a')
})

test('sticky, only a draining one is up_those with its cookie are served, one more at a time, the others refused', async () => {
  const subject = upstream('ab', [], { balance: sticky })
  const client = returning(subject, 'b')
  subject.update(
    plan('ab', { balance: sticky, endpoints: withSettings({ b: { drain: true } }, 'ab') }),
    new Set(),
  )
  subject.setHealth('app/a', false)
  assert.equal(subject.down, false)
  assert.equal(subject.admission.concurrency, 1)
  assert.equal(subject.pick(null, request()), null)
  assert.equal(subject.pick(null, client)?.id, 'app/b')
  begin(subject, find(subject, 'b'), 1)
  await Promise.resolve()
  assert.equal(subject.admission.concurrency, 2)
  subject.setHealth('app/b', false)
  assert.equal(subject.down, true)
})

test('sticky, the draining one failed_not tried again there', () => {
  const subject = upstream('ab', [], { balance: sticky })
  const client = returning(subject, 'b')
  subject.update(
    plan('ab', { balance: sticky, endpoints: withSettings({ b: { drain: true } }, 'ab') }),
    new Set(),
  )
  assert.equal(subject.pick(find(subject, 'b'), client)?.id, 'app/a')
})

test('sticky, another secret after a reload_the cookie is none any more', () => {
  const subject = upstream('ab', [], { balance: sticky })
  const client = returning(subject, 'b')
  subject.update(plan('ab', { balance: { ...sticky, secret: 'another secret here' } }), new Set())
  subject.pick(null, client)
  assert.notEqual(client.setCookie, null)
})

/** How many of so many picks go to an endpoint. */
function share(subject: Upstream, name: string, count: number): number {
  return [...names(subject, count)].filter((each) => each === name).length
}

/** Mocked time, in steps: a timer that is set on the way is counted from the end of a step. */
function pass(t: TestContext, ms: number, stepMs: number): void {
  for (let passed = 0; passed < ms; passed += stepMs) t.mock.timers.tick(stepMs)
}

test('slow start_from a tenth of the weight to all of it, after a recovery', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const subject = upstream('ab', ['app/b'], { slowStartMs: 18_000 })
  subject.setHealth('app/b', true)
  assert.equal(share(subject, 'b', 110), 10)
  pass(t, 8_000, 1_000)
  assert.equal(find(subject, 'b').warmth, 50)
  assert.equal(share(subject, 'b', 150), 50)
  pass(t, 10_000, 1_000)
  assert.equal(share(subject, 'b', 100), 50)
  assert.deepEqual([find(subject, 'a').weight, find(subject, 'b').weight], [1, 1])
})

test('slow start_not at the start, not for a new endpoint, not for one that was never out', () => {
  const subject = upstream('ab', [], { slowStartMs: 18_000 })
  subject.setHealth('app/a', true)
  assert.equal(share(subject, 'b', 100), 50)
  subject.update(plan('abc', { slowStartMs: 18_000 }), new Set())
  assert.equal(share(subject, 'c', 99), 33)
})

test('slow start_also for one whose recovery comes with a plan; a reload meanwhile goes on with it', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const subject = upstream('ab', ['app/b'], { slowStartMs: 18_000 })
  subject.update(plan('ab', { slowStartMs: 18_000 }), new Set())
  pass(t, 1_000, 1_000)
  subject.update(
    plan('ab', { slowStartMs: 18_000, endpoints: withSettings({ a: { weight: 3 } }, 'ab') }),
    new Set(),
  )
  assert.deepEqual([find(subject, 'a').weight, find(subject, 'b').weight], [300, 15])
  subject.update(plan('ab', { slowStartMs: 0 }), new Set())
  assert.deepEqual([find(subject, 'a').weight, find(subject, 'b').weight], [1, 1])
})

test('slow start_off, or with hash: the whole weight at once', () => {
  for (const changes of [
    { slowStartMs: 0 },
    { balance: { policy: 'hash', by: 'address', loadFactor: 1.25 } },
    { balance: { ...sticky, fallback: { policy: 'hash', by: 'address', loadFactor: 1.25 } } },
  ] as const) {
    const subject = upstream('ab', ['app/b'], changes)
    subject.setHealth('app/b', true)
    assert.deepEqual([find(subject, 'b').warmth, find(subject, 'b').weight], [100, 1])
  }
})

test('slow start_after refusals that go on, not after one', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const clock = new FakeClock()
  const subject = new Upstream(plan('ab'), new Set(), () => 0, clock.read)
  const b = find(subject, 'b')
  const pause = (ms: number) => {
    clock.advance(ms)
    t.mock.timers.tick(ms)
  }
  const succeed = async () => {
    subject.answered(b, 200, b.outlier.epoch)
    await Promise.resolve()
  }
  refuse(subject, b)
  pause(1_000)
  await succeed()
  assert.equal(b.warmth, 100, 'one refusal')
  pause(3_000)
  refuse(subject, b)
  pause(1_000)
  await succeed()
  assert.equal(b.warmth, 100, 'another, much later')
  pause(3_000)
  refuse(subject, b)
  pause(1_000)
  refuse(subject, b)
  pause(2_000)
  await succeed()
  assert.equal(b.warmth, 10, 'its probe had been refused, too')
  t.mock.timers.tick(600)
  assert.equal(b.warmth, 15)
})

test('upstream gone while one is suspended and one in slow start_what still comes finds them', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const subject = upstream('abc', ['app/b'])
  subject.setHealth('app/b', true)
  refuse(subject, find(subject, 'a'))
  subject.retire()
  pass(t, 20_000, 500)
  assert.match(names(subject, 1), /[bc]/)
})

test('upstream gone_what still comes has all its places, and wakes who waits for another endpoint', () => {
  const subject = upstream('ab')
  const [a, b] = [find(subject, 'a'), find(subject, 'b')]
  subject.retire()
  const end = begin(subject, a, 1)
  let woken = 0
  subject.parking.park({ failedOn: b, reconsider: () => woken++ })
  end()
  assert.equal(woken, 1)
  assert.deepEqual(subject.endpoints, [a, b])
  assert.equal(subject.admission.concurrency, 4)
  assert.equal(names(subject, 4), 'abab')
})

test('ewma_wants to hear of attempts; the others cost nothing', () => {
  const subject = upstream('ab')
  assert.equal(subject.observing, false)
  subject.update(plan('ab', { balance: 'ewma' }), new Set())
  assert.equal(subject.observing, true)
  for (let count = 0; count < 50; count++) {
    subject.observe(find(subject, 'a'), 100, 'answered', 0, count)
    subject.observe(find(subject, 'b'), 1, 'answered', 0, count)
  }
  subject.update(plan('ab', { balance: 'ewma', queue: queuePlan({ limit: 1, timeoutMs: 9 }) }), new Set())
  assert.equal(names(subject, 20), 'b'.repeat(20), 'what is known survives a reload')
})

/** Endpoints with these names, some with settings. */
function withSettings(
  settings: Readonly<Record<string, Partial<EndpointPlan>>>,
  all: string,
): EndpointPlan[] {
  return endpoints(all).map((entry) => ({ ...entry, ...settings[entry.id.at(-1) as string] }))
}

test('reload_hedging that stays on keeps what it knows; off and on again, it begins anew', () => {
  const hedging = { share: 0.5, minMs: 10, maxMs: 0, methods: 'idempotent' } as const
  const clock = new FakeClock()
  const subject = new Upstream(plan('ab', { hedging }), new Set(), () => 0, clock.read)
  const first = subject.hedging
  teach(first, clock, 50, 20)
  subject.update(plan('ab', { hedging: { ...hedging, minMs: 100 } }), new Set())
  assert.equal(subject.hedging, first)
  assert.equal(first?.afterMs, 100)
  const figures = () => subject.hedging?.stats()
  subject.update(plan('ab'), new Set())
  assert.equal(figures(), undefined)
  subject.update(plan('ab', { hedging }), new Set())
  assert.deepEqual(figures(), { afterMs: null, sent: 0, won: 0, withheld: 0 })
})

test('turned off by a reload, or gone from the plan_nobody is hedged any more', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] })
  const hedging = { share: 0.5, minMs: 10, maxMs: 0, methods: 'idempotent' } as const
  for (const end of [
    (subject: Upstream) => subject.update(plan('ab'), new Set()),
    (subject: Upstream) => subject.retire(),
  ]) {
    const clock = new FakeClock()
    const subject = new Upstream(plan('ab', { hedging }), new Set(), () => 0, clock.read)
    teach(subject.hedging, clock, 10, 20)
    const [before, after] = [new Watched(), new Watched()]
    for (const request of [before, after]) {
      subject.hedging?.watch(request)
      if (request === after) end(subject)
      clock.advance(20)
      t.mock.timers.tick(20)
    }
    assert.deepEqual([before.due, after.due], [1, 0])
  }
})

test('pick, and an attempt that is observed_read the real clock no more: it was read for the attempt', () => {
  let readings = 0
  const read = () => {
    readings++
    return 0
  }
  const coarse = () => 0
  const ewma = plan('ab', { balance: 'ewma' })
  const subject = new Upstream(ewma, new Set(), Math.random, read, undefined, { coarse })
  const before = readings
  subject.pick(null)
  subject.observe(subject.endpoints[0]!, 1, 'answered', 0, 5)
  assert.equal(readings, before)
})
