/**
 * What code of ours throws inside a callback of undici's, which catches it: the request fails as `internal`, the log has the stack, and neither
 * the endpoint nor anybody else's request suffers. The defects are put in here, since none is known.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { UpstreamPlan } from '../../../src/plan/upstream-plan.ts'
import { ResponseBody } from '../../../src/proxy/body/response-body.ts'
import { EndpointSocket } from '../../../src/proxy/endpoint-socket.ts'
import { WholeResponse } from '../../../src/proxy/headers/whole-response.ts'
import { Tries } from '../../../src/proxy/tries.ts'
import type { MemoryLog } from '../../support/fakes/logger.ts'
import { endpointPlan, upstreamPlan } from '../../support/fakes/plans.ts'
import { restOf, runDataPlane } from '../../support/fakes/running-data-plane.ts'
import type { LogLine } from '../../support/log-lines.ts'
import { type Behaviour, startOrigin } from '../../support/origin.ts'
import { chunked, closeBeforeHead, held, inPieces, ok } from '../../support/origin-behaviours.ts'
import { fetchRaw, RawClient } from '../../support/raw-client.ts'
import { Gate, waitFor } from '../../support/wait.ts'

/** One failure ejects, and a GET that fails may be tried again. */
const outliers = { failures: 1, timeMs: 10_000, maxTimeMs: 60_000, maxOut: 1, slowFactor: null }
const retries = { attempts: 2, budget: 1, minPerSecond: 10, bodyBytes: 0, on: [] }

async function rig(t: TestContext, behaviour: Behaviour, changes: Partial<UpstreamPlan> = {}) {
  const origin = await startOrigin(t, behaviour)
  const endpoints = [endpointPlan('a', origin.port)]
  const upstreams = [upstreamPlan({ endpoints, outliers, retries, ...changes })]
  return { origin, ...runDataPlane(t, { upstreams }) }
}

/** A method that throws the first time. */
function breakOnce<T extends object>(t: TestContext, prototype: T, method: keyof T & string, error: Error) {
  const mocked = t.mock.method(prototype, method as never, () => {
    mocked.mock.restore()
    throw error
  })
}

function defects(memory: MemoryLog): LogLine[] {
  return memory.named('unexpected error in an attempt; please report this')
}

/** As uWebSockets.js does, whose errors have no class of their own. */
const dead = () => new Error('uWS.HttpResponse must not be accessed')

for (const [place, prototype, method, behaviour] of [
  ['when the request is written', Tries.prototype, 'onStarted', ok('body')],
  ['when a response has come whole', WholeResponse.prototype, 'read', ok('body')],
  ['at the head', ResponseBody.prototype, 'begin', ok('body')],
  ['at the head of a response in pieces', ResponseBody.prototype, 'begin', chunked(['body'])],
  ['at the body, whose head has not gone out yet', ResponseBody.prototype, 'write', ok('body')],
] as const) {
  test(`defect ${place}_500 internal, logged once, the endpoint neither blamed nor asked again`, async (t) => {
    const { origin, proxy, port, memory } = await rig(t, behaviour)
    const error = method === 'read' ? new TypeError('a defect') : dead()
    breakOnce<object>(t, prototype, method as never, error)
    const answer = await fetchRaw(port)
    assert.equal(answer.status, 500)
    assert.equal(JSON.parse(answer.text).error, 'internal')
    assert.deepEqual(proxy.stats().outcomes, { internal: 1 })
    const logged = defects(memory)
    assert.equal(logged.length, 1)
    assert.equal((logged[0] as LogLine & { err: Error }).err.stack, error.stack)
    assert.equal(logged[0]?.endpoint, proxy.stats().endpoints[0]?.id)
    const [line] = memory.named('request')
    assert.deepEqual([line?.outcome, line?.fault], ['internal', 'weir'])
    await restOf(proxy)
    const [endpoint] = proxy.stats().endpoints
    assert.deepEqual([endpoint?.outlier, endpoint?.ejections, endpoint?.attempts], ['in', 0, 1])
    assert.equal((await fetchRaw(port)).text, 'body', 'the next request is served')
    assert.ok(origin.count <= 2)
    await restOf(proxy)
  })
}

test('defect at the end of a response_its client sees it end early, and it is internal', async (t) => {
  const { proxy, port, memory } = await rig(t, inPieces(['bo', 'dy'], 'chunked'))
  breakOnce(t, ResponseBody.prototype, 'end', dead())
  const answer = await fetchRaw(port)
  assert.notEqual(answer.ended, 'complete')
  await restOf(proxy)
  assert.deepEqual(proxy.stats().outcomes, { internal: 1 })
  assert.equal(defects(memory).length, 1)
  assert.equal((await fetchRaw(port)).text, 'body')
})

test('defect where a failure of the endpoint is worked on_500 internal, and the worker lives', async (t) => {
  const { proxy, port, memory } = await rig(t, closeBeforeHead)
  breakOnce(t, Tries.prototype, 'onFailed', new TypeError('a defect'))
  const answer = await fetchRaw(port)
  assert.equal(answer.status, 500)
  await restOf(proxy)
  assert.deepEqual(proxy.stats().outcomes, { internal: 1 })
  assert.equal(defects(memory).length, 1)
})

test('defect right through the client, which is used again_the next request has another', async (t) => {
  const { proxy, port, memory } = await rig(t, ok('body'), { connections: 1 })
  assert.equal((await fetchRaw(port)).text, 'body')
  await restOf(proxy)
  breakOnce(t, EndpointSocket.prototype, 'write', new TypeError('a defect'))
  assert.equal((await fetchRaw(port)).status, 500)
  await restOf(proxy)
  for (let times = 0; times < 3; times++) assert.equal((await fetchRaw(port)).text, 'body')
  assert.deepEqual(proxy.stats().outcomes, { completed: 4, internal: 1 })
  assert.equal(defects(memory).length, 1)
  await restOf(proxy)
})

test('defect at one of two responses on a connection_the other one is answered', async (t) => {
  const { origin, proxy, port, memory } = await rig(
    t,
    async (exchange) => exchange.respond({ body: exchange.path }),
    {
      connections: 1,
      pipelining: 2,
    },
  )
  breakOnce(t, ResponseBody.prototype, 'begin', dead())
  const clients = await Promise.all([1, 2].map(() => RawClient.connect(port)))
  const answers = await Promise.all(clients.map((client, n) => client.exchange({ target: `/${n}` })))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 500])
  for (const client of clients) client.close()
  await restOf(proxy)
  assert.deepEqual(proxy.stats().outcomes, { completed: 1, internal: 1 })
  assert.equal(defects(memory).length, 1)
  assert.equal(proxy.stats().endpoints[0]?.ejections, 0)
  assert.ok(origin.count >= 2)
})

test('defect when a request is written behind another_that one is answered, and the endpoint not blamed for what it cost', async (t) => {
  const gate = new Gate()
  const changes = { connections: 1, pipelining: 2 }
  const { origin, proxy, port, memory } = await rig(t, held(gate, ok('body')), changes)
  const first = fetchRaw(port)
  await waitFor(() => origin.count === 1, { what: 'the first request' })
  breakOnce(t, Tries.prototype, 'onStarted', dead())
  assert.equal((await fetchRaw(port)).status, 500)
  gate.open()
  assert.equal((await first).text, 'body')
  await restOf(proxy)
  assert.deepEqual(proxy.stats().outcomes, { completed: 1, internal: 1 })
  assert.equal(defects(memory).length, 1)
  const [endpoint] = proxy.stats().endpoints
  assert.deepEqual([endpoint?.outlier, endpoint?.ejections], ['in', 0])
})
