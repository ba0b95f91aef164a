import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Client } from 'undici'
import { type Connection, type ConnectionPlan, ConnectionPool } from '../../../src/proxy/pool.ts'
import { timeouts } from '../../support/fakes/plans.ts'
import { startOrigin } from '../../support/origin.ts'
import { ok } from '../../support/origin-behaviours.ts'
import { waitFor } from '../../support/wait.ts'

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
  const { statusCode, body } = await client.request({ path: '/', method: 'GET' })
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

test('pipelining_first idle, then new, then the least loaded', (t) => {
  const subject = pool(t, { connections: 2, pipelining: 3 })
  const [a, b, c, d] = acquire(subject, 4) as [Connection, Connection, Connection, Connection]
  assert.notEqual(a, b)
  assert.equal(subject.size, 2)
  assert.deepEqual(new Set([c, d]), new Set([a, b]))
  assert.deepEqual([a.inFlight, b.inFlight], [2, 2])
  subject.release(a)
  assert.equal(subject.acquire(), a)
})

test('pipelining at capacity_no connection has more than its depth', (t) => {
  const subject = pool(t, { connections: 3, pipelining: 4 })
  const connections = new Set(acquire(subject, 12))
  assert.deepEqual(
    [...connections].map(({ inFlight }) => inFlight),
    [4, 4, 4],
  )
})

test('pipelining, fresh with all at work_shares one rather than go over the limit', (t) => {
  const subject = pool(t, { connections: 1, pipelining: 2 })
  const [busy] = acquire(subject, 1) as [Connection]
  busy.connected = true
  assert.equal(subject.acquireFresh(), busy)
  assert.equal(subject.size, 1)
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
