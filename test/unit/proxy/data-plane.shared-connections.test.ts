/** What one client's end must not do to others, where they share a connection to the endpoint or a slow one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UpstreamPlan } from '../../../src/plan/upstream-plan.ts'
import { copyPiece } from '../../../src/proxy/body/piece.ts'
import { EndpointSocket } from '../../../src/proxy/endpoint-socket.ts'
import { endpointPlan, timeouts, upstreamPlan } from '../../support/fakes/plans.ts'
import { restOf, runDataPlane } from '../../support/fakes/running-data-plane.ts'
import { type Origin, startOrigin } from '../../support/origin.ts'
import { held, ok } from '../../support/origin-behaviours.ts'
import type { OriginExchange } from '../../support/origin-exchange.ts'
import { fetchRaw, RawClient } from '../../support/raw-client.ts'
import { Gate, waitFor } from '../../support/wait.ts'

/** One connection to the origin, four requests deep. */
function pipelined(port: number) {
  const endpoints = [endpointPlan('a', port)]
  return [upstreamPlan({ endpoints, connections: 1, pipelining: 4, timeouts: { ...timeouts, bodyMs: 500 } })]
}

test('pipelined, the client behind leaves_an answer that has begun is not begun again', async (t) => {
  const origin = await startOrigin(t, async (exchange: OriginExchange) => {
    await exchange.head(200, [['content-length', '10']])
    // The first connection stops half-way; a second one would give the whole answer anew.
    if (exchange.record.connection > 1) return void (await exchange.write('ABCDEFGHIJ'))
    await exchange.write('abcd')
    await exchange.closed
  })
  const { proxy, port } = runDataPlane(t, { upstreams: pipelined(origin.port) })
  const first = await RawClient.connect(port)
  await first.request({ target: '/first' })
  await waitFor(() => origin.count === 1, { what: 'the first request' })
  const second = await RawClient.connect(port)
  await second.request({ target: '/second' })
  await waitFor(() => proxy.stats().endpoints[0]?.inFlight === 2, { what: 'the second request' })
  second.close()
  const answer = await first.response()
  assert.ok(!answer.text.includes('A'), `bytes of two answers in one: ${answer.text}`)
  assert.notEqual(answer.ended, 'complete')
  assert.equal(origin.requests.filter(({ target }) => target === '/first').length, 1)
  first.close()
  await restOf(proxy)
})

test('pipelined, the client behind leaves_a POST is not sent twice (RFC 9110, section 9.2.2)', async (t) => {
  const gate = new Gate()
  const origin = await startOrigin(t, held(gate, ok('ordered')))
  const { proxy, port } = runDataPlane(t, { upstreams: pipelined(origin.port) })
  const first = fetchRaw(port, { method: 'POST', target: '/order', body: 'one' })
  await waitFor(() => origin.count === 1, { what: 'the POST' })
  const second = await RawClient.connect(port)
  await second.request({ target: '/second' })
  await waitFor(() => proxy.stats().endpoints[0]?.inFlight === 2, { what: 'the second request' })
  second.close()
  await waitFor(() => proxy.stats().outcomes.client_aborted === 1, {
    what: 'the second client to be gone',
  })
  gate.open()
  const { status } = await first
  assert.ok(status === 200 || status === 502, `${status}: answered, or failed at once`)
  assert.equal(origin.requests.filter(({ target }) => target === '/order').length, 1)
  await restOf(proxy)
})

test('pipelined, the endpoint falls silent_its connection is given up when nobody waits on it any more', async (t) => {
  const origin = await startOrigin(t, async (exchange: OriginExchange) => {
    if (exchange.record.connection > 1) return exchange.respond({ body: 'alive' })
    await exchange.closed
  })
  const { proxy, port } = runDataPlane(t, { upstreams: pipelined(origin.port) })
  const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(port)))
  for (const client of clients) await client.request()
  // Until the origin has one of them there may be no connection yet, and no connection is then given up.
  await waitFor(() => proxy.stats().endpoints[0]?.inFlight === 3 && origin.count > 0, {
    what: 'three requests on one connection',
  })
  for (const client of clients) client.close()
  await restOf(proxy)
  assert.equal((await fetchRaw(port)).text, 'alive')
})

for (const [what, hung] of [
  ['never answered', (exchange: OriginExchange) => exchange.closed],
  ['answered without end', endless],
] as const) {
  test(`pipelined, the client behind leaves, the one before has its answer, the rest is ${what}_its place is given back`, async (t) => {
    const gate = new Gate()
    const origin = await startOrigin(t, {
      '/first': held(gate, ok('first')),
      '/hung': async (exchange) => void (await hung(exchange)),
      '*': ok('alive'),
    })
    const [upstream] = pipelined(origin.port)
    const { proxy, port } = runDataPlane(t, {
      // No deadline of anybody's ends it.
      upstreams: [{ ...(upstream as UpstreamPlan), timeouts: { ...timeouts, headersMs: 0, bodyMs: 0 } }],
    })
    const first = fetchRaw(port, { target: '/first' })
    await gate.reached(1)
    const second = await RawClient.connect(port)
    await second.request({ target: '/hung' })
    await waitFor(() => proxy.stats().endpoints[0]?.inFlight === 2, { what: 'the second request' })
    second.close()
    await waitFor(() => proxy.stats().outcomes.client_aborted === 1, { what: 'its client to be gone' })
    gate.open()
    assert.equal((await first).text, 'first')
    await restOf(proxy)
    assert.equal((await fetchRaw(port, { target: '/next' })).text, 'alive')
    const [endpoint] = proxy.stats().endpoints
    assert.deepEqual([endpoint?.outlier, endpoint?.ejections], ['in', 0])
    await restOf(proxy)
  })
}

test('pipelined, the client behind leaves, and its answer comes with the one before_the connection is kept', async (t) => {
  const origin = await startOrigin(t, async (exchange: OriginExchange) => {
    if (exchange.record.ordinal > 1) return exchange.respond({ body: 'next' })
    await waitFor(() => hasNext(exchange) && proxy.stats().outcomes.client_aborted === 1, {
      what: 'a request behind this one, and its client gone',
    })
    const whole = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst'
    // The second one is answered here: nobody asks the origin for more of it.
    await exchange.wire.head()
    await exchange.write(whole + whole)
  })
  const { proxy, port } = runDataPlane(t, { upstreams: pipelined(origin.port) })
  const first = fetchRaw(port, { target: '/first' })
  await waitFor(() => origin.count === 1, { what: 'the first request' })
  const second = await RawClient.connect(port)
  await second.request({ target: '/second' })
  await waitFor(() => proxy.stats().endpoints[0]?.inFlight === 2, { what: 'the second request' })
  second.close()
  assert.equal((await first).text, 'first')
  await restOf(proxy)
  assert.equal((await fetchRaw(port)).text, 'next')
  assert.equal(origin.connections.total, 1)
})

test('pipelined, the endpoint falls silent with a request not yet sent behind_given up just the same', async (t) => {
  const origin = await startOrigin(t, async (exchange: OriginExchange) => {
    if (exchange.record.connection > 1) return exchange.respond({ body: 'alive' })
    await exchange.closed
  })
  const { proxy, port } = runDataPlane(t, { upstreams: pipelined(origin.port) })
  const first = await RawClient.connect(port)
  await first.request()
  await waitFor(() => origin.count === 1, { what: 'the first request' })
  const second = await RawClient.connect(port)
  // undici sends nothing behind another request that could not be sent again.
  await second.request({ method: 'POST', body: 'waits' })
  await waitFor(() => proxy.stats().endpoints[0]?.inFlight === 2, { what: 'the second request' })
  first.close()
  await waitFor(() => proxy.stats().inFlight === 1, { what: 'the first client to be gone' })
  second.close()
  await restOf(proxy)
  assert.equal((await fetchRaw(port)).text, 'alive')
})

test('pipelined, the connection closes behind the answer in front_a GET with a body is written once more, and its memory comes back', async (t) => {
  const gate = new Gate()
  const last = async (exchange: OriginExchange) => {
    exchange.closing = true
    await exchange.respond({ headers: [['connection', 'close']], body: 'first' })
  }
  const origin = await startOrigin(t, { '/first': held(gate, last), '*': ok('second') })
  const { proxy, port } = runDataPlane(t, { upstreams: pipelined(origin.port) })
  const write = t.mock.method(EndpointSocket.prototype, 'write')
  const bodies = () =>
    write.mock.calls.map(({ arguments: [data] }) => data).filter((data) => typeof data !== 'string')
  const first = fetchRaw(port, { target: '/first' })
  await gate.reached(1)
  const second = fetchRaw(port, { target: '/second', body: 'x'.repeat(10_000) })
  await waitFor(() => bodies().length === 1, { what: 'the second request to be written' })
  gate.open()
  assert.deepEqual([(await first).text, (await second).text], ['first', 'second'])
  await restOf(proxy)
  const [body, again, ...others] = bodies()
  assert.ok(body !== undefined && body === again && others.length === 0)
  assert.ok(copyPiece(new ArrayBuffer(10_000)) === body, 'taken as often as it was handed over')
})

test('pipelined, an answer that is retried at the same endpoint_on another connection than the one given up for it', async (t) => {
  const origin = await startOrigin(t, async (exchange: OriginExchange) => {
    await exchange.respond(
      origin.count === 1 ? { status: 500, body: 'x'.repeat(100) } : { body: 'second try' },
    )
  })
  const [upstream] = pipelined(origin.port)
  const retries = { attempts: 1, budget: 0.2, minPerSecond: 3, bodyBytes: 0, on: [500] }
  const { proxy, port } = runDataPlane(t, { upstreams: [{ ...(upstream as UpstreamPlan), retries }] })
  const { status, text } = await fetchRaw(port)
  assert.deepEqual([status, text], [200, 'second try'])
  assert.equal(proxy.stats().endpoints[0]?.attempts, 2, 'none was put on a connection that is gone')
  await restOf(proxy)
})

test('pipelined, requests wait longer than connecting may take, behind slow ones_no endpoint is unreachable for that', async (t) => {
  const gate = new Gate()
  const origins = [await startOrigin(t, held(gate, ok())), await startOrigin(t, held(gate, ok()))]
  const endpoints = origins.map(({ port }, index) => endpointPlan(`${index}`, port))
  const times = { ...timeouts, connectMs: 300, headersMs: 0 }
  const { proxy, port } = runDataPlane(t, {
    upstreams: [upstreamPlan({ endpoints, connections: 1, pipelining: 2, timeouts: times })],
  })
  const answers = [1, 2].map(() => fetchRaw(port, { method: 'POST', body: 'slow' }))
  await gate.reached(2)
  answers.push(...[1, 2].map(() => fetchRaw(port, { method: 'POST', body: 'behind' })))
  await waitFor(() => proxy.stats().queued === 2, { what: 'two that have waited too long to try again' })
  gate.open()
  for (const answer of answers) assert.equal((await answer).status, 200)
  const shown = proxy.stats().endpoints.map(({ outlier, ejections }) => [outlier, ejections])
  assert.deepEqual(shown, [
    ['in', 0],
    ['in', 0],
  ])
  await restOf(proxy)
})

/** A client that reads nothing of an answer, which has come to a standstill for that. */
async function reluctantClient(port: number, origin: Origin): Promise<RawClient> {
  const client = await RawClient.connect(port)
  await client.request({ target: '/large' })
  let written = 0
  let still = 0
  await waitFor(
    () => {
      const before = written
      written = origin.bytesWritten()
      still = written > 0 && written === before ? still + 1 : 0
      return still === 20
    },
    { what: 'every buffer on the way to be full' },
  )
  return client
}

/** Server-sent events, say: a head, and something now and then. */
async function endless(exchange: OriginExchange): Promise<void> {
  await exchange.head(200, [['transfer-encoding', 'chunked']])
  await exchange.chunk('event')
  await exchange.closed
}

/** More than all buffers hold, in pieces, so that the origin can tell what has gone. */
async function large(exchange: OriginExchange): Promise<void> {
  const piece = Buffer.alloc(65_536)
  await exchange.head(200, [['content-length', String(1_000 * piece.length)]])
  for (let count = 0; count < 1_000 && !exchange.isClosed; count++) await exchange.write(piece)
}

test('pipelined, a client reads nothing of its answer_others get another connection', async (t) => {
  const origin = await startOrigin(t, { '/large': large, '*': ok('small') })
  const [upstream] = pipelined(origin.port)
  const { proxy, port } = runDataPlane(t, {
    upstreams: [{ ...(upstream as UpstreamPlan), connections: 2, timeouts: { ...timeouts, bodyMs: 0 } }],
  })
  const reluctant = await reluctantClient(port, origin)
  for (const target of ['/a', '/b']) assert.equal((await fetchRaw(port, { target })).text, 'small')
  assert.deepEqual(
    origin.requests.map(({ connection }) => connection),
    [1, 2, 2],
  )
  reluctant.close()
  await restOf(proxy)
})

test('pipelined, a client reads nothing of its answer, no other connection_that others are late is not held against the endpoint', async (t) => {
  const origin = await startOrigin(t, { '/large': large, '*': ok('small') })
  const [upstream] = pipelined(origin.port)
  const outliers = { failures: 1, timeMs: 10_000, maxTimeMs: 60_000, maxOut: 1, slowFactor: null }
  const times = { ...timeouts, headersMs: 300, bodyMs: 0 }
  const { proxy, port } = runDataPlane(t, {
    upstreams: [{ ...(upstream as UpstreamPlan), outliers, timeouts: times }],
  })
  const reluctant = await reluctantClient(port, origin)
  assert.equal((await fetchRaw(port, { target: '/behind' })).status, 504)
  assert.deepEqual(proxy.stats().outcomes, { headers_timeout: 1 })
  const [endpoint] = proxy.stats().endpoints
  assert.deepEqual([endpoint?.outlier, endpoint?.ejections], ['in', 0])
  reluctant.close()
  await restOf(proxy)
})

test('pipelined, behind a long answer that flows_that others are late is not held against the endpoint, nor learned from', async (t) => {
  const gate = new Gate()
  const origin = await startOrigin(t, {
    '/long': async (exchange) => {
      await exchange.head(200, [['content-length', '1000000']])
      // One byte after another, until it has been in the way for long enough.
      for (let open = false; !open && !exchange.isClosed; ) {
        await exchange.write('x')
        open = await Promise.race([gate.pass().then(() => true), quiet(20).then(() => false)])
      }
    },
    '*': ok('small'),
  })
  const [upstream] = pipelined(origin.port)
  const outliers = { failures: 1, timeMs: 10_000, maxTimeMs: 60_000, maxOut: 1, slowFactor: null }
  const times = { ...timeouts, headersMs: 300, bodyMs: 5_000 }
  const concurrency = { min: 1, max: 100, initial: 4, tolerance: 1.5 }
  const { proxy, port } = runDataPlane(t, {
    upstreams: [{ ...(upstream as UpstreamPlan), outliers, concurrency, timeouts: times }],
  })
  const long = await RawClient.connect(port)
  await long.request({ target: '/long' })
  await waitFor(() => origin.bytesWritten() > 0, { what: 'the long answer' })
  const limit = proxy.stats().upstreams[0]?.concurrency
  assert.equal((await fetchRaw(port, { target: '/behind' })).status, 504)
  const [endpoint] = proxy.stats().endpoints
  assert.deepEqual([endpoint?.outlier, endpoint?.ejections], ['in', 0])
  gate.open()
  long.close()
  await restOf(proxy)
  assert.equal(proxy.stats().upstreams[0]?.concurrency, limit)
})

const notForYou = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'

/** Whether the head of another request has come behind the one that is served. */
function hasNext(exchange: OriginExchange): boolean {
  return exchange.wire.peek().includes('\r\n\r\n')
}

for (const announced of ['transfer-encoding: chunked', `content-length: ${notForYou.length}`]) {
  test(`pipelined, 204 with a body and "${announced}"_that is nobody’s answer (RFC 9112, section 6.3)`, async (t) => {
    const origin = await startOrigin(t, async (exchange: OriginExchange) => {
      if (exchange.record.connection > 1) return exchange.respond({ body: 'its own' })
      await waitFor(() => hasNext(exchange), { what: 'a request behind this one' })
      await exchange.write(`HTTP/1.1 204 No Content\r\n${announced}\r\n\r\n${notForYou}`)
      await exchange.closed
    })
    const { proxy, port } = runDataPlane(t, { upstreams: pipelined(origin.port) })
    const first = fetchRaw(port, { target: '/first' })
    await waitFor(() => origin.count === 1, { what: 'the first request' })
    const second = await fetchRaw(port, { target: '/second' })
    assert.deepEqual([(await first).status, second.status, second.text], [204, 200, 'its own'])
    await restOf(proxy)
    assert.deepEqual(proxy.stats().outcomes, { completed: 2 })
  })
}

for (const ending of ['its client leaves', 'its time is over'] as const) {
  test(`pipelined, an upload stops half-way, ${ending}_what stands behind it is served on another connection`, async (t) => {
    const origin = await startOrigin(t, ok('served'))
    const endpoints = [endpointPlan('a', origin.port)]
    const times = { ...timeouts, connectMs: 8_000, bodyMs: ending === 'its time is over' ? 1_500 : 10_000 }
    const { proxy, port } = runDataPlane(t, {
      upstreams: [upstreamPlan({ endpoints, connections: 1, pipelining: 4, timeouts: times })],
    })
    const client = await RawClient.connect(port)
    await client.send('POST /upload HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n')
    await client.sendChunk('half')
    await waitFor(() => origin.count === 1, { what: 'the upload' })
    const answer = fetchRaw(port, { target: '/behind' })
    await waitFor(() => proxy.stats().endpoints[0]?.inFlight === 2, { what: 'the request behind it' })
    if (ending === 'its client leaves') client.close()
    const { status, text } = await answer
    assert.deepEqual([status, text], [200, 'served'])
    assert.deepEqual(
      origin.requests.map(({ target, connection }) => [target, connection]),
      [
        ['/upload', 1],
        ['/behind', 2],
      ],
    )
    assert.equal(proxy.stats().endpoints[0]?.attempts, 2, 'it was not given up and tried again')
    client.close()
    await restOf(proxy)
    assert.equal((await fetchRaw(port, { target: '/next' })).status, 200)
    assert.equal(origin.connections.total, 2, 'the connection is kept')
  })
}

for (const [condition, answer] of [
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ['413', 'HTTP/1.1 413 Content Too Large\r\ncontent-length: 5\r\n\r\nlarge'],
] as const) {
  test(`endpoint answers ${condition} while the upload stands still_the worker lives`, async (t) => {
    const gate = new Gate()
    const origin = await startOrigin(t, async (exchange: OriginExchange) => {
      // It reads nothing, until every buffer on the way is full and the client is held back.
      await gate.pass()
      await exchange.write(answer)
      await exchange.closed
    })
    const { proxy, port } = runDataPlane(t, {
      upstreams: [upstreamPlan({ endpoints: [endpointPlan('a', origin.port)] })],
    })
    const client = await RawClient.connect(port)
    await client.send('PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000\r\n\r\n')
    const piece = Buffer.alloc(1_024 * 1_024)
    let held = false
    for (let count = 0; count < 40 && !held; count++) {
      held = await Promise.race([client.send(piece).then(() => false), quiet(500).then(() => true)])
    }
    assert.ok(held, 'the client is held back')
    gate.open()
    const response = await client.response()
    assert.equal(String(response.status), condition)
    client.close()
    await restOf(proxy)
    assert.deepEqual(proxy.stats().outcomes, { completed: 1 })
  })
}

function quiet(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
