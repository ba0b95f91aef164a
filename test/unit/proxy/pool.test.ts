import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { Client } from '../../../src/native/undici.ts'
import { type Connection, type ConnectionPlan, ConnectionPool } from '../../../src/proxy/pool.ts'
import { timeouts } from '../../support/fakes/plans.ts'
import { startOrigin } from '../../support/origin.ts'
import { held, ok } from '../../support/origin-behaviours.ts'
import { requestBy } from '../../support/undici-request.ts'
import { Gate, waitFor } from '../../support/wait.ts'

function pool(
  t: TestContext,
  changes: Partial<ConnectionPlan> = {},
  origin = 'http://127.0.0.1:9',
): ConnectionPool {
  const subject = new ConnectionPool(origin, { connections: 3, pipelining: 1, timeouts, ...changes })
  t.after(() => subject.close())
  return subject
}

function acquire(from: ConnectionPool, count: number): Connection[] {
  return Array.from({ length: count }, () => from.acquire())
}

/** A GET on this very connection. */
async function get(client: Client): Promise<number> {
  const { statusCode, body } = await requestBy(client, { path: '/', method: 'GET' })
  await body.dump()
  return statusCode
}

test('nothing asked for_nothing opened', (t) => {
  assert.equal(pool(t).size, 0)
})

test('acquired together_different connections, one request each', (t) => {
  const subject = pool(t)
  const connections = acquire(subject, 3)
  assert.equal(new Set(connections).size, 3)
  assert.equal(subject.size, 3)
  assert.deepEqual(
    connections.map(({ inFlight }) => inFlight),
    [1, 1, 1],
  )
})

test('released last_taken first, so that the others grow idle', (t) => {
  const subject = pool(t)
  const [a, b, c] = acquire(subject, 3) as [Connection, Connection, Connection]
  for (const connection of [b, a, c]) subject.release(connection)
  assert.equal(subject.acquire(), c)
  assert.equal(subject.acquire(), a)
  assert.equal(subject.acquire(), b)
  assert.equal(subject.size, 3)
})

test('connected_follows the socket', async (t) => {
  const origin = await startOrigin(t, ok())
  const subject = pool(t, {}, origin.url)
  const connection = subject.acquire()
  assert.equal(connection.connected, false)
  assert.equal(await get(connection.client), 200)
  assert.equal(connection.connected, true)
  origin.closeIdle()
  await waitFor(() => !connection.connected, { what: 'the connection to notice that it was closed' })
})

test('fresh while none is open_a new one', (t) => {
  const subject = pool(t)
  assert.equal(subject.acquireFresh().inFlight, 1)
  assert.equal(subject.size, 1)
})

test('fresh with an unconnected one spare_that one, taken out of the spare', (t) => {
  const subject = pool(t)
  const [a, b] = acquire(subject, 2) as [Connection, Connection]
  subject.release(a)
  subject.release(b)
  b.connected = true
  assert.equal(subject.acquireFresh(), a)
  assert.equal(subject.acquire(), b)
  assert.notEqual(subject.acquire(), a)
})

test('fresh below the limit_a new one, the used ones stay', (t) => {
  const subject = pool(t)
  const [a] = acquire(subject, 1) as [Connection]
  a.connected = true
  subject.release(a)
  assert.notEqual(subject.acquireFresh(), a)
  assert.equal(subject.size, 2)
  assert.equal(a.client.destroyed, false)
})

test('fresh at the limit_a used one is given up for it', (t) => {
  const subject = pool(t, { connections: 1 })
  const [used] = acquire(subject, 1) as [Connection]
  used.connected = true
  subject.release(used)
  const fresh = subject.acquireFresh()
  assert.notEqual(fresh, used)
  assert.equal(used.client.destroyed, true)
  assert.equal(subject.size, 1)
  subject.release(fresh)
  assert.equal(subject.acquire(), fresh)
})

test('fresh, real server_is another socket than the used one', async (t) => {
  const origin = await startOrigin(t, ok())
  const subject = pool(t, { connections: 1 }, origin.url)
  const used = subject.acquire()
  await get(used.client)
  subject.release(used)
  const fresh = subject.acquireFresh()
  await get(fresh.client)
  assert.deepEqual(
    origin.requests.map(({ connection }) => connection),
    [1, 2],
  )
})

function share(from: ConnectionPool, count: number): Connection[] {
  return Array.from({ length: count }, () => from.acquire(true))
}

/** What waits to leave on these has left. */
function leave(...connections: readonly Connection[]): void {
  for (const connection of connections) connection.boarding = false
}

test('pipelining, nothing has left yet_a connection is filled before another one is taken', (t) => {
  const subject = pool(t, { connections: 3, pipelining: 3 })
  const [a, b, c, d] = share(subject, 4) as [Connection, Connection, Connection, Connection]
  assert.deepEqual([b, c], [a, a])
  assert.notEqual(d, a)
  subject.release(a)
  assert.deepEqual(share(subject, 2), [d, d], 'the one that boards')
  assert.equal(subject.size, 2)
})

test('pipelining, what is on a connection has left_nothing waits behind it while another one can be had', (t) => {
  const subject = pool(t, { connections: 2, pipelining: 3 })
  const [held] = share(subject, 1) as [Connection]
  leave(held)
  const [other] = share(subject, 1) as [Connection]
  assert.notEqual(other, held, 'a new one')
  leave(other)
  subject.release(other)
  assert.deepEqual(share(subject, 2), [other, other], 'the idle one, and what leaves with that')
  leave(other)
  assert.deepEqual(share(subject, 3), [other, held, held], 'there is no other: the last with room')
  assert.equal(subject.size, 2)
})

test('pipelining, closed while one boards_what comes later has a new one', (t) => {
  const subject = pool(t, { connections: 2, pipelining: 3 })
  const [closed] = share(subject, 1) as [Connection]
  subject.close()
  const [next] = share(subject, 1) as [Connection]
  assert.notEqual(next, closed)
  subject.release(closed)
  assert.equal(subject.acquire(true), next)
  subject.close()
})

test('pipelining at capacity_no connection has more than its depth', (t) => {
  const subject = pool(t, { connections: 3, pipelining: 4 })
  const connections = new Set(share(subject, 12))
  assert.deepEqual(
    [...connections].map(({ inFlight }) => inFlight),
    [4, 4, 4],
  )
})

test('pipelining, a request that may not be pipelined_has a connection of its own while one can be had', (t) => {
  const subject = pool(t, { connections: 3, pipelining: 2 })
  const [first] = share(subject, 1) as [Connection]
  const own = subject.acquire()
  assert.notEqual(own, first)
  assert.equal(subject.acquire(true), first, 'nothing follows it on its own')
  const next = subject.acquire(true)
  assert.ok(next !== own && next !== first)
  subject.release(own)
  subject.release(next)
  assert.equal(subject.acquire(), next, 'the last idle one')
  assert.equal(subject.acquire(), own)
  assert.equal(subject.size, 3)
})

test('pipelining, a request that may not be pipelined, all at work_stands behind the fewest', (t) => {
  const subject = pool(t, { connections: 2, pipelining: 2 })
  const [a, , b] = share(subject, 3) as [Connection, Connection, Connection]
  assert.equal(subject.acquire(), b)
  subject.release(a)
  subject.release(b)
  assert.equal(subject.acquire(true), a, 'not behind the one that wants to be alone')
})

test('pipelining, drawn requests_no connection is over its depth, and each ends where it began', (t) => {
  fc.assert(
    fc.property(
      fc.record({ connections: fc.integer({ min: 1, max: 4 }), pipelining: fc.integer({ min: 1, max: 4 }) }),
      fc.array(fc.oneof(fc.boolean(), fc.nat(20), fc.constant('leave' as const))),
      (plan, steps) => {
        const subject = pool(t, plan)
        const taken: Connection[] = []
        for (const step of steps) {
          if (step === 'leave') leave(...taken)
          else if (typeof step === 'boolean') {
            if (taken.length < plan.connections * plan.pipelining) taken.push(subject.acquire(step))
          } else if (taken.length > 0) {
            subject.release(taken.splice(step % taken.length, 1)[0] as Connection)
          }
          for (const connection of taken) {
            assert.equal(connection.inFlight, taken.filter((other) => other === connection).length)
            assert.ok(connection.inFlight <= plan.pipelining)
          }
          assert.ok(subject.size <= plan.connections)
        }
        subject.close()
      },
    ),
  )
})

test('pipelining, fresh with all at work_shares one rather than go over the limit', (t) => {
  const subject = pool(t, { connections: 1, pipelining: 2 })
  const [busy] = share(subject, 1) as [Connection]
  busy.connected = true
  assert.equal(subject.acquireFresh(), busy)
  assert.equal(subject.size, 1)
})

test('pipelining, one whose request was aborted_nothing is put on it, and another takes its place at once', (t) => {
  for (const take of [
    (subject: ConnectionPool) => subject.acquireFresh(),
    (subject: ConnectionPool) => subject.acquire(),
    (subject: ConnectionPool) => subject.acquire(true),
  ]) {
    const subject = pool(t, { connections: 1, pipelining: 3 })
    const [aborted] = share(subject, 1) as [Connection]
    aborted.aborted = true
    const next = take(subject)
    assert.notEqual(next, aborted)
    assert.equal(subject.size, 1)
    subject.release(aborted)
    assert.equal(aborted.client.destroyed, true)
    assert.equal(next.client.destroyed, false)
    subject.release(next)
    assert.equal(subject.acquire(true), next)
    subject.close()
  }
})

test('pipelining, one whose answer is paused_nothing follows it while there is another way', (t) => {
  const subject = pool(t, { connections: 2, pipelining: 3 })
  const [paused] = share(subject, 1) as [Connection]
  leave(paused)
  paused.paused = true
  const [other] = share(subject, 1) as [Connection]
  assert.notEqual(other, paused, 'another one is made')
  assert.deepEqual(share(subject, 2), [other, other])
  assert.equal(subject.acquire(true), paused, 'all others are full')
  subject.release(paused)
  subject.release(other)
  assert.equal(subject.acquire(), other, 'although fewer are on the paused one')
})

test('no time limits_taken as such: undici itself wants positive ones', (t) => {
  const none = { connectMs: 0, headersMs: 0, bodyMs: 0, idleMs: 0 }
  assert.equal(pool(t, { timeouts: none }).acquire().inFlight, 1)
})

test('closed_idle connections end at once, busy ones when their request does', async (t) => {
  const origin = await startOrigin(t, ok())
  const subject = pool(t, {}, origin.url)
  const [idle, busy] = acquire(subject, 2) as [Connection, Connection]
  await get(idle.client)
  subject.release(idle)
  const answer = get(busy.client)
  subject.close()
  assert.equal(await answer, 200)
  await waitFor(() => origin.connections.open === 0, { what: 'all connections to end' })
})

test('closed twice_nothing is rejected', async (t) => {
  const subject = pool(t)
  const connection = subject.acquire()
  subject.close()
  await waitFor(() => connection.client.destroyed, { what: 'the client to be through with closing' })
  // An unhandled rejection here would fail the test, and would end a worker.
  subject.close()
  await new Promise((resolve) => setImmediate(resolve))
})

test('with a PROXY header_each connection is new, is given up behind its request, and none is over the limit', (t) => {
  const subject = pool(t, { proxyProtocol: 'v1' })
  const first = acquire(subject, 3)
  assert.equal(subject.size, 3)
  for (const connection of first) subject.release(connection)
  assert.equal(subject.size, 0)
  assert.ok(first.every(({ client }) => client.destroyed))
  const next = [subject.acquire(), subject.acquireFresh()]
  assert.ok(next.every((connection) => !first.includes(connection)))
  subject.close()
  for (const connection of next) subject.release(connection)
  assert.equal(subject.size, 0)
})

test('usage_what undici has of requests, and what of them waits behind others', async (t) => {
  const gate = new Gate()
  const origin = await startOrigin(t, held(gate, ok()))
  const subject = pool(t, { connections: 2 }, origin.url)
  assert.deepEqual(subject.usage, { connections: 0, dispatched: 0, queued: 0 })
  const [one, other] = acquire(subject, 2) as [Connection, Connection]
  const answers = [get(one.client), get(other.client)]
  await gate.reached(2)
  assert.deepEqual(subject.usage, { connections: 2, dispatched: 2, queued: 0 })
  answers.push(get(one.client))
  assert.deepEqual(subject.usage, { connections: 2, dispatched: 3, queued: 1 })
  gate.open()
  await Promise.all(answers)
  assert.deepEqual(subject.usage, { connections: 2, dispatched: 0, queued: 0 })
})
