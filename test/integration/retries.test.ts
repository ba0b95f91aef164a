/** Requests that are sent a second time: which, how often, and never one that may not be. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, streamSha256 } from '../support/bytes.ts'
import { runLoad } from '../support/load.ts'
import { type Behaviour, startOrigin } from '../support/origin.ts'
import { ok, resetBeforeHead, respond, sink } from '../support/origin-behaviours.ts'
import { proxied, upstreamOf } from '../support/proxied.ts'
import { fetchRaw, RawClient } from '../support/raw-client.ts'
import { startWeir } from '../support/weir.ts'

test('outage: what is sent again stays within the budget', async (t) => {
  const upstream = { retries: { budget: 0.1, minPerSecond: 1 } }
  const { origin, weir } = await proxied(t, resetBeforeHead, { upstream })
  const startedAt = performance.now()
  const load = await runLoad({ port: weir.port, connections: 8, requests: 400 })
  assert.deepEqual(load.statuses, { 502: 400 })
  assert.ok(origin.count > 400, 'the budget allows some')
  // A worker that is slow enough for the window to slide earns another minimum per window.
  const windows = 1 + Math.ceil((performance.now() - startedAt) / 10_000)
  assert.ok(origin.count <= 400 + 0.1 * 400 + 10 * windows, `${origin.count} attempts for 400 requests`)
  await weir.atRest()
})

test('a POST that may have arrived is never sent again; attempts: 0 sends nothing again', async (t) => {
  for (const [method, retries] of [
    ['POST', { attempts: 3 }],
    ['PATCH', { attempts: 3 }],
    ['GET', { attempts: 0 }],
  ] as const) {
    const { origin, fetch } = await proxied(t, resetBeforeHead, { upstream: { retries } })
    assert.equal((await fetch({ method })).status, 502)
    assert.equal(origin.count, 1, method)
  }
})

test('a PUT whose body comes in pieces is sent again whole, up to bodyBytes', async (t) => {
  const body = bytes(1_000)
  for (const [bodyBytes, status] of [
    ['1KiB', 200],
    ['512B', 502],
  ] as const) {
    let count = 0
    const first: Behaviour = (exchange) => (count++ === 0 ? resetBeforeHead : sink())(exchange)
    const { origin, weir, connect } = await proxied(t, first, { upstream: { retries: { bodyBytes } } })
    const client = await connect()
    await client.send(`PUT / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n`)
    for (let at = 0; at < 1_000; at += 100) await client.send(body.subarray(at, at + 100))
    const answer = await client.response()
    assert.equal(answer.status, status)
    assert.equal(origin.count, status === 200 ? 2 : 1)
    if (status === 200) assert.equal(answer.text, `1000 ${streamSha256(1_000)}`)
    await weir.atRest()
  }
})

test('a body that streams goes to another endpoint whole, where nothing was sent', async (t) => {
  for (const method of ['POST', 'PUT']) {
    const gone = await startOrigin(t, sink())
    const good = await startOrigin(t, sink())
    const settings = { balance: 'round-robin', health: false, outliers: false, retries: { bodyBytes: '0B' } }
    const weir = await startWeir(t, { upstreams: { app: upstreamOf([gone, good], settings) } })
    await gone.stop()
    const body = bytes(200_000)
    for (let count = 0; count < 4; count++) {
      const client = await RawClient.connect(weir.port)
      await client.send(`${method} / HTTP/1.1\r\nHost: test\r\nContent-Length: 200000\r\n\r\n`)
      for (let at = 0; at < body.length; at += 20_000) await client.send(body.subarray(at, at + 20_000))
      const answer = await client.response()
      assert.equal(answer.status, 200)
      assert.equal(answer.text, `200000 ${streamSha256(200_000)}`)
      client.close()
    }
    assert.equal(good.count, 4)
    await weir.atRest()
  }
})

test('retries.on: a status leads to another endpoint where it is named, and goes to the client where it is not', async (t) => {
  const statuses = [502, 503, 504]
  const failing = await startOrigin(t, (exchange) =>
    respond({ status: Number(exchange.path.slice(1, 4)), body: 'failed' })(exchange),
  )
  const good = await startOrigin(t, ok('good'))
  const settings = { balance: 'round-robin', outliers: false }
  const cases = statuses.flatMap((status) => [
    { status, on: [status], got: [200, 200] },
    { status, on: statuses.filter((other) => other !== status), got: [200, status] },
    { status, on: [], got: [200, status] },
  ])
  const upstreams = cases.map(({ on }, index) => [
    `app-${index}`,
    upstreamOf([failing, good], { ...settings, retries: { on } }),
  ])
  const routes = cases.map(({ status }, index) => ({
    path: `/${status}/${index}`,
    upstream: `app-${index}`,
  }))
  const weir = await startWeir(t, { upstreams: Object.fromEntries(upstreams), routes })
  for (const [index, { status, on, got }] of cases.entries()) {
    const target = `/${status}/${index}`
    const answers = [await fetchRaw(weir.port, { target }), await fetchRaw(weir.port, { target })]
    assert.deepEqual(answers.map((answer) => answer.status).sort(), got, `${status} and ${on}`)
  }
  assert.equal(failing.count, cases.length)
})

test('retries.on: the named statuses lead to another endpoint, and the last one is passed on', async (t) => {
  const busy = await startOrigin(t, respond({ status: 503, body: 'busy' }))
  const good = await startOrigin(t, ok('good'))
  // Otherwise the busy one would be ejected after five times.
  const settings = { retries: { on: [503] }, outliers: false }
  const weir = await startWeir(t, { upstreams: { app: upstreamOf([busy, good], settings) } })
  for (let count = 0; count < 20; count++) assert.equal((await fetchRaw(weir.port)).text, 'good')
  assert.ok(busy.count > 0)
  const post = await Promise.all([1, 2].map(() => fetchRaw(weir.port, { method: 'POST', body: 'x' })))
  assert.deepEqual(post.map(({ status }) => status).sort(), [200, 503])
  good.use(respond({ status: 503, body: 'busy too' }))
  const last = await fetchRaw(weir.port)
  assert.equal(last.status, 503)
  assert.match(last.text, /^busy/)
  await weir.atRest()
})
