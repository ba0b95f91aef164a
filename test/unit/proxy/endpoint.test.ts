import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Endpoint } from '../../../src/proxy/endpoint.ts'
import type { Connection } from '../../../src/proxy/pool.ts'
import { endpointPlan, upstreamPlan } from '../../support/fakes/plans.ts'
import { startOrigin } from '../../support/origin.ts'
import { ok } from '../../support/origin-behaviours.ts'
import { requestBy } from '../../support/undici-request.ts'
import { waitFor } from '../../support/wait.ts'

function endpoint(t: TestContext, port = 9, connections = 2, pipelining = 1): Endpoint {
  const subject = new Endpoint(endpointPlan('a', port, 3), upstreamPlan({ connections, pipelining }))
  t.after(() => subject.retire())
  return subject
}

async function get({ client }: Connection): Promise<number> {
  const { statusCode, body } = await requestBy(client, { path: '/', method: 'GET' })
  await body.dump()
  return statusCode
}

test('new_healthy, idle, as the plan says', (t) => {
  const { id, origin, weight, healthy, inFlight, attempts, capacity, free, retired } = endpoint(t, 9, 4, 5)
  assert.deepEqual(
    { id, origin, weight, healthy, inFlight, attempts, capacity, free, retired },
    {
      id: 'app/a',
      origin: 'http://127.0.0.1:9',
      weight: 3,
      healthy: true,
      inFlight: 0,
      attempts: 0,
      capacity: 20,
      free: true,
      retired: false,
    },
  )
})

test('begin and end_in flight counts back to 0, attempts only up', (t) => {
  const subject = endpoint(t)
  const connections = [subject.begin(false), subject.begin(false)]
  assert.equal(subject.inFlight, 2)
  assert.equal(subject.free, false)
  for (const connection of connections) subject.end(connection)
  assert.deepEqual([subject.inFlight, subject.attempts, subject.free], [0, 2, true])
})

test('begin afresh_a connection that has served nothing', (t) => {
  const subject = endpoint(t, 9, 1)
  const used = subject.begin(false)
  used.connected = true
  subject.end(used)
  assert.notEqual(subject.begin(true), used)
})

test('retired while idle_its connections close', async (t) => {
  const origin = await startOrigin(t, ok())
  const subject = endpoint(t, origin.port)
  const connection = subject.begin(false)
  await get(connection)
  subject.end(connection)
  subject.retire()
  await waitFor(() => origin.connections.open === 0, { what: 'the connection to close' })
})

test('retired while busy_its connections close when the last attempt has ended', async (t) => {
  const origin = await startOrigin(t, ok())
  const subject = endpoint(t, origin.port)
  const [a, b] = [subject.begin(false), subject.begin(false)]
  await Promise.all([get(a), get(b)])
  subject.retire()
  subject.end(a)
  assert.equal(await get(b), 200, 'the one still at work goes on')
  subject.end(b)
  await waitFor(() => origin.connections.open === 0, { what: 'the connections to close' })
})

test('attempt after it was retired_is still served, and its connection closes behind it', async (t) => {
  // A request that was queued, or whose body was awaited, when a reload removed the upstream.
  const origin = await startOrigin(t, ok())
  const subject = endpoint(t, origin.port)
  const early = subject.begin(false)
  await get(early)
  subject.end(early)
  subject.retire()
  await waitFor(() => origin.connections.open === 0, { what: 'the first connection to close' })
  const late = subject.begin(false)
  assert.equal(await get(late), 200)
  subject.end(late)
  await waitFor(() => origin.connections.open === 0, { what: 'the late connection to close' })
})
