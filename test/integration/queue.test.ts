/** Admission: what an upstream does not take at once waits in order, up to a limit and a time; the rest is shed. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startOrigin, unusedPort } from '../support/origin.ts'
import { held, ok } from '../support/origin-behaviours.ts'
import { type Proxied, proxied, upstreamOf } from '../support/proxied.ts'
import { type ClientResponse, fetchRaw, RawClient } from '../support/raw-client.ts'
import { Gate } from '../support/wait.ts'
import { startWeir, type Weir } from '../support/weir.ts'

interface Busy extends Proxied {
  /** Opens for the requests that the origin holds. */
  readonly gate: Gate
  /** Begins a request on a connection of its own. */
  begin(target: string): Promise<ClientResponse>
}

/** One connection to an origin that holds whatever comes, until the gate is opened. */
async function busy(t: TestContext, queue: object): Promise<Busy> {
  const gate = new Gate()
  const all = await proxied(t, held(gate, ok()), { upstream: { connections: 1, queue } })
  return { ...all, gate, begin: async (target) => (await all.connect()).exchange({ target }) }
}

test('requests above the connections wait and are served in order', async (t) => {
  const { origin, weir, gate, begin } = await busy(t, { limit: 10, timeout: '30s' })
  const answers = [begin('/0')]
  await gate.reached(1)
  for (let n = 1; n <= 5; n++) {
    answers.push(begin(`/${n}`))
    await weir.waitForStats((sum) => sum.queued === n, `${n} requests waiting`)
  }
  assert.equal(origin.count, 1)
  gate.open()
  for (const answer of answers) assert.equal((await answer).status, 200)
  assert.deepEqual(
    origin.requests.map((request) => request.target),
    ['/0', '/1', '/2', '/3', '/4', '/5'],
  )
  await weir.atRest()
})

test('queue full: 503 with Retry-After at once, those who wait are not touched', async (t) => {
  const { origin, weir, gate, begin } = await busy(t, { limit: 2, timeout: '30s' })
  const served = [begin('/0')]
  await gate.reached(1)
  served.push(begin('/1'), begin('/2'))
  await weir.waitForStats((sum) => sum.queued === 2, 'two requests waiting')
  const shed = await begin('/shed') // would hang if it waited: the gate is shut
  assertRefused(shed, 'queue_full')
  gate.open()
  for (const answer of served) assert.equal((await answer).status, 200)
  assert.ok(origin.requests.every((request) => request.target !== '/shed'))
  await weir.atRest()
})

test('queue limit 0: what cannot go ahead is shed', async (t) => {
  const { weir, gate, begin } = await busy(t, { limit: 0 })
  const served = begin('/0')
  await gate.reached(1)
  assertRefused(await begin('/shed'), 'queue_full')
  gate.open()
  assert.equal((await served).status, 200)
  await weir.atRest()
})

test('queue timeout: 503 with Retry-After for who has waited too long, and it is never sent', async (t) => {
  const { origin, weir, gate, begin } = await busy(t, { limit: 10, timeout: '200ms' })
  const served = begin('/0')
  await gate.reached(1)
  const late = await Promise.all([begin('/1'), begin('/2')])
  for (const answer of late) assertRefused(answer, 'queue_timeout')
  gate.open()
  assert.equal((await served).status, 200)
  await weir.atRest()
  assert.equal(origin.count, 1)
})

test('shed client keeps its connection', async (t) => {
  const { gate, begin, connect, weir } = await busy(t, { limit: 0 })
  const served = begin('/0')
  await gate.reached(1)
  const client = await connect()
  assert.equal((await client.exchange()).status, 503)
  gate.open()
  assert.equal((await served).status, 200)
  await weir.atRest()
  assert.equal((await client.exchange()).status, 200)
})

/** Weir in front of nobody, once its checks have found that out. */
async function withoutEndpoint(t: TestContext): Promise<Weir> {
  const weir = await startWeir(t, {
    upstreams: {
      app: {
        endpoints: [`http://127.0.0.1:${await unusedPort()}`],
        health: { interval: '50ms', unhealthyAfter: 1 },
        queue: { timeout: '60s' },
      },
    },
  })
  await weir.waitForLog((line) => line.msg === 'endpoint is unhealthy', 'the endpoint is unhealthy')
  return weir
}

test('no healthy endpoint: 503 at once for every method', async (t) => {
  const weir = await withoutEndpoint(t)
  for (const method of ['GET', 'POST']) {
    assertRefused(await fetchRaw(weir.port, { method, body: 'x' }), 'no_healthy_endpoint')
  }
  await weir.atRest()
  const [stats] = await weir.stats()
  assert.equal(stats!.endpoints[0]!.attempts, 0)
  assert.equal(stats!.endpoints[0]!.healthy, false)
})

test('last endpoint gone: who waits in the queue gets 503 at once', async (t) => {
  const gate = new Gate()
  const healthy = new Gate()
  const origin = await startOrigin(t, {
    '/health': (exchange) => exchange.respond({ status: healthy.arrived === 0 ? 200 : 500 }),
    '*': held(gate, ok()),
  })
  const weir = await startWeir(t, {
    upstreams: {
      app: upstreamOf([origin], {
        connections: 1,
        queue: { timeout: '60s' },
        health: { path: '/health', interval: '50ms', unhealthyAfter: 1 },
      }),
    },
  })
  const first = fetchRaw(weir.port)
  await gate.reached(1)
  const client = await RawClient.connect(weir.port)
  t.after(() => client.close())
  const waiting = client.exchange()
  await weir.waitForStats((sum) => sum.queued === 1, 'one request waiting')
  void healthy.pass() // from now on the checks fail
  assertRefused(await waiting, 'no_healthy_endpoint')
  gate.open()
  assert.equal((await first).status, 200) // was on its way, and an unhealthy endpoint may still answer
  await weir.atRest()
})

function assertRefused(answer: ClientResponse, error: string): void {
  assert.equal(answer.status, 503)
  assert.equal((JSON.parse(answer.text) as { error: string }).error, error)
  assert.match(answer.header('retry-after') ?? '', /^\d+$/)
}
