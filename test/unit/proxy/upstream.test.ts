import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointPlan, UpstreamPlan } from '../../../src/plan/plan.ts'
import type { Applicant, Ticket } from '../../../src/proxy/admission.ts'
import type { Endpoint } from '../../../src/proxy/endpoint.ts'
import type { Connection } from '../../../src/proxy/pool.ts'
import { Upstream } from '../../../src/proxy/upstream.ts'
import { endpointPlan, upstreamPlan } from '../../support/fakes/plans.ts'

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

test('endpoint goes out and comes back_so do its places', () => {
  const subject = upstream('ab')
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

test('suspended_passed over for a second, its places are gone for as long', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const subject = upstream('ab')
  subject.suspend(find(subject, 'a'))
  assert.equal(names(subject, 3), 'bbb')
  assert.equal(subject.admission.concurrency, 2)
  t.mock.timers.tick(999)
  assert.equal(names(subject, 3), 'bbb')
  t.mock.timers.tick(1)
  assert.ok(names(subject, 2).includes('a'))
  assert.equal(subject.admission.concurrency, 4)
})

test('suspended with attempts under way_they keep their places', () => {
  const subject = upstream('ab')
  const a = find(subject, 'a')
  const end = begin(subject, a, 2)
  subject.suspend(a)
  assert.equal(subject.admission.concurrency, 4)
  end()
  assert.equal(subject.admission.concurrency, 3)
})

test('the last that is up_cannot be suspended', () => {
  const subject = upstream('ab', ['app/b'])
  subject.suspend(find(subject, 'a'))
  assert.equal(names(subject, 2), 'aa')
})

test('the others go down_one that was suspended is better than none', () => {
  const subject = upstream('ab')
  subject.suspend(find(subject, 'a'))
  subject.setHealth('app/b', false)
  assert.equal(subject.down, false)
  assert.equal(names(subject, 2), 'aa')
})

test('suspended, then a check succeeds_picked again at once', () => {
  const subject = upstream('ab')
  subject.suspend(find(subject, 'a'))
  subject.setHealth('app/a', true)
  assert.ok(names(subject, 2).includes('a'))
})

test('suspended, picked again, suspended anew_for a whole second from then', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const subject = upstream('ab')
  const a = find(subject, 'a')
  subject.suspend(a)
  t.mock.timers.tick(900)
  subject.setHealth('app/a', true)
  subject.suspend(a)
  t.mock.timers.tick(200)
  assert.equal(names(subject, 3), 'bbb')
  t.mock.timers.tick(800)
  assert.ok(names(subject, 2).includes('a'))
})

test('suspended, then gone from the plan_does not come back', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const subject = upstream('ab')
  const a = find(subject, 'a')
  begin(subject, a, 1)
  subject.suspend(a)
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
    plan('ab', { queue: { limit: 3, timeoutMs: 77 }, timeouts, balance: 'least-connections' }),
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
