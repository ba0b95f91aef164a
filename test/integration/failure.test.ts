/** Endpoints that fail, before and after the head of the answer. The other side's failures stand in client-gone.test.ts. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { runLoad } from '../support/load.ts'
import { startOrigin, unusedPort } from '../support/origin.ts'
import {
  breakMidBody,
  closeBeforeHead,
  closeWhenIdle,
  echoHead,
  ok,
  raw,
  resetBeforeHead,
  silent,
  stale,
} from '../support/origin-behaviours.ts'
import { proxied, upstreamOf } from '../support/proxied.ts'
import { type ClientResponse, fetchRaw } from '../support/raw-client.ts'
import { Gate, waitFor } from '../support/wait.ts'
import { startWeir, type Weir } from '../support/weir.ts'

/** Weir in front of a port where nobody listens, and of others. */
async function beforeNobody(t: TestContext, ...others: { url: string }[]): Promise<Weir> {
  const nobody = { url: `http://127.0.0.1:${await unusedPort()}` }
  return startWeir(t, { upstreams: { app: upstreamOf([nobody, ...others]) } })
}

test('endpoint that refuses: 502 for any method, the client’s connection lives on', async (t) => {
  const weir = await beforeNobody(t)
  for (const method of ['GET', 'POST']) {
    const answer = await fetchRaw(weir.port, { method, body: 'x' })
    assert.equal(answer.status, 502, method)
    assert.equal(errorOf(answer), 'connect_failed', method)
    assert.notEqual(answer.header('connection'), 'close')
  }
  await weir.atRest()
})

test('endpoint that refuses beside one that answers: every request succeeds, POST too', async (t) => {
  const weir = await beforeNobody(t, await startOrigin(t, ok()))
  const load = await runLoad({
    port: weir.port,
    connections: 8,
    requests: 200,
    request: (n) => (n % 2 ? {} : { method: 'POST', body: 'x' }),
  })
  assert.deepEqual([load.statuses, load.errors], [{ 200: 200 }, {}])
  await weir.atRest()
})

for (const [name, behaviour] of [
  ['reset', resetBeforeHead],
  ['closed', closeBeforeHead],
] as const) {
  test(`connection ${name} before the head on a fresh connection: GET is tried once more, then 502`, async (t) => {
    const { origin, weir, fetch } = await proxied(t, behaviour)
    const answer = await fetch()
    assert.equal(answer.status, 502)
    assert.equal(errorOf(answer), 'endpoint_reset')
    assert.equal(origin.count, 2)
    await weir.atRest()
  })

  test(`connection ${name} before the head: POST is not sent again`, async (t) => {
    const { origin, weir, fetch } = await proxied(t, behaviour)
    assert.equal((await fetch({ method: 'POST', body: 'once' })).status, 502)
    assert.equal(origin.count, 1)
    await weir.atRest()
  })
}

test('kept connection that the endpoint gives up at the second request: 200 sequential GETs succeed', async (t) => {
  const { origin, weir, connect } = await proxied(t, stale(echoHead))
  const client = await connect()
  for (let n = 0; n < 200; n++) {
    const answer = await client.exchange({ target: `/${n}` })
    assert.ok(answer.text.startsWith(`GET /${n} `), `request ${n}: ${answer.status} ${answer.text}`)
  }
  assert.ok(origin.count > 200, 'no connection was ever stale: the test has tested nothing')
  await weir.atRest()
})

test('kept connections that the endpoint gives up at the second request: 50 at once succeed, again and again', async (t) => {
  const { origin, weir } = await proxied(t, stale(echoHead))
  const load = await runLoad({
    port: weir.port,
    connections: 50,
    requests: 2_000,
    request: (n) => ({ target: `/${n}` }),
    onResponse: (answer, n) =>
      answer.text.startsWith(`GET /${n} `) ? undefined : `${answer.status} ${answer.text}`,
  })
  assert.deepEqual([load.statuses, load.errors], [{ 200: 2_000 }, {}])
  assert.ok(origin.count > 2_000, 'no connection was ever stale: the test has tested nothing')
  await weir.atRest()
})

test('kept connection that the endpoint has closed: POST goes out on another, once', async (t) => {
  const { origin, connect } = await proxied(t, ok())
  const client = await connect()
  for (let n = 1; n <= 10; n++) {
    assert.equal((await client.exchange({ method: 'POST', target: `/${n}`, body: 'x' })).status, 200)
    origin.closeIdle()
    await waitFor(() => origin.connections.open === 0, {
      what: 'Weir to let go of a connection that was closed',
    })
  }
  assert.equal(origin.count, 10)
})

test('endpoint that closes each connection soon after its answer: no GET is lost', async (t) => {
  const { weir } = await proxied(t, closeWhenIdle(1, ok()))
  const load = await runLoad({ port: weir.port, connections: 10, requests: 1_000 })
  assert.deepEqual([load.statuses, load.errors], [{ 200: 1_000 }, {}])
  await weir.atRest()
})

test('answer that is not HTTP: 502, and the request is not sent again', async (t) => {
  for (const bytes of [
    'SSH-2.0-OpenSSH_9.2\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabc',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc',
    'HTTP/1.1 200 OK\r\nX-A : b\r\n\r\n',
    `HTTP/1.1 200 OK\r\nX-A: ${'x'.repeat(40_000)}\r\n\r\n`,
  ]) {
    const { origin, weir, fetch } = await proxied(t, raw(bytes))
    const answer = await fetch()
    assert.equal(answer.status, 502, bytes.slice(0, 60))
    assert.equal(errorOf(answer), 'bad_response', bytes.slice(0, 60))
    assert.equal(origin.count, 1, bytes.slice(0, 60))
    await weir.atRest()
  }
})

for (const framing of ['length', 'chunked'] as const) {
  for (const how of ['reset', 'fin'] as const) {
    test(`${how} in the middle of a body with ${framing}: the client sees its answer end early`, async (t) => {
      const gate = new Gate()
      const { weir, connect } = await proxied(t, breakMidBody(framing, how, 50_000, gate))
      const client = await connect()
      await client.request()
      let received = 0
      const answer = await client.response({
        onBody: (piece) => {
          received += piece.length
          if (received === 50_000) gate.open()
        },
      })
      assert.equal(answer.status, 200)
      assert.equal(answer.bodyBytes, 50_000)
      assert.notEqual(answer.ended, 'complete')
      await client.closed()
      await weir.atRest()
    })
  }
}

test('body that stops coming: the client’s connection ends after the body time-out', async (t) => {
  const { origin, weir, fetch } = await proxied(t, breakMidBody('length', 'fin', 50_000, new Gate()), {
    upstream: { timeouts: { body: '300ms' } },
  })
  const answer = await fetch()
  assert.deepEqual([answer.status, answer.bodyBytes], [200, 50_000])
  assert.notEqual(answer.ended, 'complete')
  await waitFor(() => !origin.isOpen(origin.only()), { what: 'the attempt to be cancelled' })
  await weir.atRest()
})

test('head that does not come: 504 after the headers time-out, not sent again, the attempt cancelled', async (t) => {
  const { origin, weir, fetch } = await proxied(t, silent, { upstream: { timeouts: { headers: '200ms' } } })
  for (const request of [{}, { method: 'POST', body: 'x' }]) {
    const answer = await fetch(request)
    assert.equal(answer.status, 504)
    assert.equal(errorOf(answer), 'headers_timeout')
  }
  assert.equal(origin.count, 2)
  await waitFor(() => !origin.requests.some((request) => origin.isOpen(request)), {
    what: 'the attempts to be cancelled',
  })
  await weir.atRest()
})

test('head that does not come, beside one that answers: GET goes there, POST is 504 and not sent again', async (t) => {
  const origins = [await startOrigin(t, silent), await startOrigin(t, ok('answer'))] as const
  const settings = { timeouts: { headers: '200ms' }, outliers: false }
  const weir = await startWeir(t, { upstreams: { app: upstreamOf(origins, settings) } })
  for (let n = 0; n < 4; n++) assert.equal((await fetchRaw(weir.port)).text, 'answer')
  const posts = [1, 2].map(() => fetchRaw(weir.port, { method: 'POST', body: 'x' }))
  assert.deepEqual((await Promise.all(posts)).map(({ status }) => status).sort(), [200, 504])
  const [hangs, answers] = origins.map(({ requests }) => requests.map(({ method }) => method))
  assert.deepEqual([hangs?.includes('GET'), hangs?.filter((method) => method === 'POST').length], [true, 1])
  assert.deepEqual(answers?.filter((method) => method === 'GET').length, 4)
  await weir.atRest()
})

test('connection that is not accepted in time: 504', async (t) => {
  // TEST-NET-1 (RFC 5737) is routed nowhere; a machine without any route refuses at once, which is 502.
  const weir = await startWeir(t, {
    upstreams: { app: upstreamOf([{ url: 'http://192.0.2.1:80' }], { timeouts: { connect: '200ms' } }) },
  })
  const answer = await fetchRaw(weir.port)
  assert.ok(
    (answer.status === 504 && errorOf(answer) === 'connect_timeout') ||
      (answer.status === 502 && errorOf(answer) === 'connect_failed'),
    `${answer.status} ${answer.text}`,
  )
  await weir.atRest()
})

function errorOf(answer: ClientResponse): string {
  return (JSON.parse(answer.text) as { error: string }).error
}
