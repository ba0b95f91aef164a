/** The data plane of one worker with the real binding and the real undici, in this process. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UpstreamStats } from '../../../src/plan/messages.ts'
import { endpointPlan, fixedRoute, timeouts, upstreamPlan, upstreamRoute } from '../../support/fakes/plans.ts'
import { restOf, runDataPlane } from '../../support/fakes/running-data-plane.ts'
import { startOrigin, unusedPort } from '../../support/origin.ts'
import { chunked, held, ok } from '../../support/origin-behaviours.ts'
import { fetchRaw, RawClient } from '../../support/raw-client.ts'
import { Gate, waitFor } from '../../support/wait.ts'

function upstreams(port: number, changes: Parameters<typeof upstreamPlan>[0] = {}) {
  return [upstreamPlan({ endpoints: [endpointPlan('a', port)], connections: 4, ...changes })]
}

test('request_answered by the endpoint, counted, at rest', async (t) => {
  const origin = await startOrigin(t, ok('hello'))
  const { proxy, port } = runDataPlane(t, { upstreams: upstreams(origin.port) })
  const answer = await fetchRaw(port, { target: '/x?y' })
  assert.equal(answer.text, 'hello')
  assert.equal(origin.only().target, '/x?y')
  await restOf(proxy)
  const { outcomes, endpoints, rssBytes } = proxy.stats()
  assert.deepEqual(outcomes, { completed: 1 })
  assert.deepEqual(endpoints, [
    {
      id: 'app/a',
      healthy: true,
      outlier: 'in',
      ejections: 0,
      inFlight: 0,
      attempts: 1,
      connections: 1,
      dispatched: 0,
      queued: 0,
    },
  ])
  assert.ok(rssBytes > 0)
})

test('requests_counted by duration and class while the plan has metrics, anew when it has them again', async (t) => {
  const origin = await startOrigin(t, ok('hello'))
  const { proxy, port, plan } = runDataPlane(t, { upstreams: upstreams(origin.port) })
  const apply = (changed: typeof plan) => assert.equal(proxy.apply(changed, []), null)
  const counted = async () => {
    assert.equal((await fetchRaw(port)).status, 200)
    await restOf(proxy)
    const { requests } = proxy.stats().upstreams[0] as UpstreamStats
    if (requests === undefined) return null
    const { durations, responses } = requests
    const [answers, ...others] = responses
    assert.ok(others.every((count) => count === 0))
    assert.equal(
      durations.reduce((sum, count) => sum + count, 0),
      answers,
    )
    return answers
  }
  const metrics = { host: '127.0.0.1', port: 9464 }
  assert.equal(await counted(), null)
  apply({ ...plan, metrics })
  assert.deepEqual([await counted(), await counted()], [1, 2])
  apply({ ...plan, metrics: { ...metrics, port: 9465 } })
  assert.equal(await counted(), 3, 'they have moved')
  apply(plan)
  assert.equal(await counted(), null)
  apply({ ...plan, metrics })
  assert.equal(await counted(), 1)
})

test('fixed answer_given without an exchange, logged as the plan says', async (t) => {
  const access = { errors: true, sample: 1 }
  const { proxy, port, memory } = runDataPlane(t, {
    upstreams: [],
    routes: [fixedRoute('/isolated', { body: 'alone' })],
    log: { level: 'info', access },
  })
  assert.equal((await fetchRaw(port, { target: '/isolated?x' })).text, 'alone')
  assert.deepEqual(proxy.stats().outcomes, { responded: 1 })
  const [line] = memory.named('request')
  assert.deepEqual([line?.target, line?.host, line?.client], ['/isolated?x', 'test', '127.0.0.1'])
})

test('fixed answer to a request with a body_looked at closely, and the connection goes on', async (t) => {
  const { proxy, port } = runDataPlane(t, {
    upstreams: [],
    routes: [fixedRoute('/isolated', { body: 'alone' })],
  })
  const client = await RawClient.connect(port)
  for (let count = 0; count < 2; count++) {
    const answer = await client.exchange({ method: 'POST', target: '/isolated', body: 'ignored' })
    assert.equal(answer.text, 'alone')
  }
  client.close()
  assert.deepEqual(proxy.stats().outcomes, { responded: 2 })
})

test('fixed answer that a reload takes away, or gives_the plan counts, not what the binding’s router was told', async (t) => {
  const origin = await startOrigin(t, ok('from the endpoint'))
  const common = { upstreams: upstreams(origin.port) }
  const { proxy, port, plan } = runDataPlane(t, { ...common, routes: [fixedRoute('/a', { body: 'fixed' })] })
  const answers = async () => [
    (await fetchRaw(port, { target: '/a' })).text,
    (await fetchRaw(port, { target: '/b' })).status,
  ]
  assert.deepEqual(await answers(), ['fixed', 404])
  const routes = [upstreamRoute(null, '/a'), fixedRoute('/b', { status: 202 })]
  assert.equal(proxy.apply({ ...plan, routes }, []), null)
  assert.deepEqual(await answers(), ['from the endpoint', 202])
})

test('fixed answer to a request that must not pass_400', async (t) => {
  const { port } = runDataPlane(t, { upstreams: [], routes: [fixedRoute(null)] })
  const client = await RawClient.connect(port)
  await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\nabc')
  assert.equal((await client.response()).status, 400)
  assert.deepEqual(await client.closed(), { how: 'fin', unread: '' })
})

test('routes by host_the host decides, without port and in any case', async (t) => {
  const [one, two] = [await startOrigin(t, ok('one')), await startOrigin(t, ok('two'))]
  const { port } = runDataPlane(t, {
    upstreams: [
      upstreamPlan({ name: 'one', endpoints: [endpointPlan('1', one.port)] }),
      upstreamPlan({ name: 'two', endpoints: [endpointPlan('2', two.port)] }),
    ],
    routes: [upstreamRoute('one.example', null, 'one'), upstreamRoute(null, null, 'two')],
  })
  assert.equal((await fetchRaw(port, { headers: [['host', 'ONE.example:80']] })).text, 'one')
  assert.equal((await fetchRaw(port, { headers: [['host', 'other']] })).text, 'two')
})

test('reload_new routes for new requests; what is in flight ends as it began', async (t) => {
  const gate = new Gate()
  const origin = await startOrigin(t, held(gate, ok('old')))
  const { proxy, port, plan } = runDataPlane(t, { upstreams: upstreams(origin.port) })
  const old = fetchRaw(port)
  await gate.reached(1)
  assert.equal(proxy.apply({ ...plan, upstreams: [], routes: [fixedRoute(null, { body: 'new' })] }, []), null)
  assert.equal((await fetchRaw(port)).text, 'new')
  gate.open()
  assert.equal((await old).text, 'old')
  await waitFor(() => origin.connections.open === 0, { what: 'the connections of the old upstream to close' })
})

test('reload that cannot be bound_nothing of it takes effect', async (t) => {
  const origin = await startOrigin(t, ok('from the endpoint'))
  const { proxy, port, plan } = runDataPlane(t, {
    upstreams: upstreams(origin.port),
    routes: [fixedRoute('/fixed', { body: 'old' }), upstreamRoute(null, null)],
  })
  const foreign = { host: '203.0.113.1', port: 1 }
  const changed = {
    ...plan,
    listeners: [...plan.listeners, foreign],
    routes: [fixedRoute('/fixed', { body: 'new' }), upstreamRoute(null, null)],
    websocket: { ...plan.websocket, connections: 0 },
  }
  const handshake: [string, string][] = [
    ['host', 'a'],
    ['connection', 'Upgrade'],
    ['upgrade', 'websocket'],
    ['sec-websocket-version', '13'],
    ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ]
  const answers = async () => [
    (await fetchRaw(port, { target: '/fixed' })).text,
    (await fetchRaw(port, { headers: handshake })).status,
  ]
  const before = await answers()
  assert.deepEqual(proxy.apply(changed, []), { listener: foreign, reason: null })
  assert.deepEqual(await answers(), before)
  assert.equal(proxy.apply({ ...changed, listeners: plan.listeners }, []), null)
  assert.deepEqual(await answers(), ['new', 503])
})

test('reload without its upstream while a body is awaited_the request is still served', async (t) => {
  const origin = await startOrigin(t, ok('served'))
  const { proxy, port, plan } = runDataPlane(t, { upstreams: upstreams(origin.port) })
  // A connection of this upstream exists, and is closed by the reload.
  assert.equal((await fetchRaw(port)).status, 200)
  const client = await RawClient.connect(port)
  await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n')
  await waitFor(() => proxy.stats().inFlight === 1, { what: 'the request to be in flight' })
  proxy.apply({ ...plan, upstreams: [], routes: [] }, [])
  await waitFor(() => origin.connections.open === 0, { what: 'the idle connection to close' })
  await client.send('hi')
  const answer = await client.response()
  assert.equal(answer.text, 'served')
  client.close()
  await waitFor(() => origin.connections.open === 0, { what: 'its connection to close behind it' })
})

test('endpoint goes down_those that wait for it are refused at once', async (t) => {
  const gate = new Gate()
  const origin = await startOrigin(t, held(gate, ok()))
  const { proxy, port } = runDataPlane(t, { upstreams: upstreams(origin.port, { connections: 1 }) })
  const first = fetchRaw(port)
  await gate.reached(1)
  const second = fetchRaw(port)
  await waitFor(() => proxy.stats().queued === 1, { what: 'the second to wait' })
  proxy.setHealth('app/a', false)
  assert.equal((await second).status, 503)
  gate.open()
  assert.equal((await first).status, 200)
  await restOf(proxy)
  assert.deepEqual(proxy.stats().outcomes, { completed: 1, no_healthy_endpoint: 1 })
})

test('drain_accepts no more; what is open is answered, with Connection: close', async (t) => {
  const origin = await startOrigin(t, { '/whole': ok('whole'), '/pieces': chunked(['pie', 'ces']) })
  const { proxy, port } = runDataPlane(t, { upstreams: upstreams(origin.port) })
  const clients = [await RawClient.connect(port), await RawClient.connect(port)]
  await waitFor(() => proxy.connections === 2, { what: 'both connections to be there' })
  proxy.drain()
  const accepts = async (): Promise<boolean> => {
    const client = await RawClient.connect(port).catch(() => null)
    client?.close()
    return client !== null
  }
  await waitFor(async () => !(await accepts()), { what: 'the listener to be closed' })
  for (const [index, target] of ['/whole', '/pieces'].entries()) {
    const answer = await (clients[index] as RawClient).exchange({ target })
    assert.equal(answer.ended, 'complete')
    assert.equal(answer.text, target.slice(1))
    assert.equal(answer.header('connection'), 'close')
  }
  for (const client of clients) client.close()
  await restOf(proxy)
})

test('ended with requests in flight_each is cut and recorded', async (t) => {
  const gate = new Gate()
  t.after(() => gate.open())
  const origin = await startOrigin(t, held(gate, ok()))
  const { proxy, port } = runDataPlane(t, { upstreams: upstreams(origin.port, { connections: 1 }) })
  const answers = [fetchRaw(port), fetchRaw(port)]
  await waitFor(() => proxy.stats().queued === 1, { what: 'one in flight, one waiting' })
  proxy.end()
  assert.equal(proxy.recorder.inFlight, 0)
  assert.deepEqual(proxy.stats().outcomes, { drain_timeout: 2 })
  const ends = await Promise.allSettled(answers)
  for (const end of ends) if (end.status === 'fulfilled') assert.equal(end.value.status, 503)
})

test('handler fails_the connection closes, the error is logged, the worker lives', async (t) => {
  const { proxy, port, memory } = runDataPlane(t, {
    upstreams: [],
    routes: [fixedRoute(null, { body: 'fine' })],
  })
  const fails = t.mock.method(proxy.recorder, 'responded', () => {
    throw new Error('a defect')
  })
  await assert.rejects(fetchRaw(port))
  assert.equal(memory.lines.filter(({ msg }) => msg.includes('please report this')).length, 1)
  fails.mock.restore()
  assert.equal((await fetchRaw(port)).text, 'fine')
})

test('connect refused_502 after two more tries elsewhere or on a new connection', async (t) => {
  const { proxy, port } = runDataPlane(t, { upstreams: upstreams(await unusedPort()) })
  const answer = await fetchRaw(port)
  assert.equal(answer.status, 502)
  assert.equal(JSON.parse(answer.text).error, 'connect_failed')
  await restOf(proxy)
  assert.equal(proxy.stats().endpoints[0]?.attempts, 3)
})

test('time-outs of 0_none, and nothing breaks', async (t) => {
  const origin = await startOrigin(t, ok('hello'))
  const none = { ...timeouts, connectMs: 0, headersMs: 0, bodyMs: 0, idleMs: 0 }
  const { port } = runDataPlane(t, { upstreams: upstreams(origin.port, { timeouts: none }) })
  assert.equal((await fetchRaw(port, { method: 'POST', body: 'x' })).text, 'hello')
})
