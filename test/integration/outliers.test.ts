/** Endpoints are ejected and let back by what requests come to. Without active checks, so that nothing else does it. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Load, runLoad } from '../support/load.ts'
import { type Behaviour, type Origin, startOrigin, unusedPort } from '../support/origin.ts'
import { delayed, ok, resetBeforeHead, respond, silent } from '../support/origin-behaviours.ts'
import { upstreamOf } from '../support/proxied.ts'
import { fetchRaw, RawClient } from '../support/raw-client.ts'
import { waitFor } from '../support/wait.ts'
import { startWeir, type Weir } from '../support/weir.ts'

/** Of one worker. `time` is long against a test, so that nothing comes back but where a test waits for it. */
async function before(
  t: TestContext,
  behaviours: readonly Behaviour[],
  outliers: object | false,
  settings: object = {},
): Promise<{ weir: Weir; origins: Origin[] }> {
  const origins = await Promise.all(behaviours.map((behaviour) => startOrigin(t, behaviour)))
  const weir = await startWeir(t, { upstreams: { app: upstreamOf(origins, { outliers, ...settings }) } })
  return { weir, origins }
}

async function verdicts(weir: Weir): Promise<string[]> {
  const [stats] = await weir.stats()
  return stats!.endpoints.map(({ healthy, outlier }) => `${healthy ? 'healthy' : 'unhealthy'} ${outlier}`)
}

test('endpoints that cannot be reached: the log tells why, of the request, of the endpoint and of the upstream', async (t) => {
  const ports = await Promise.all([unusedPort(), unusedPort()])
  const endpoints = ports.map((port) => `http://127.0.0.1:${port}`)
  const weir = await startWeir(t, { upstreams: { app: { endpoints, health: false } } })
  const last = 'no endpoint can be reached: requests are answered with 503'
  const isDown = async () => {
    await fetchRaw(weir.port)
    return weir.log.named(last).length > 0
  }
  await waitFor(isDown, { what: 'the upstream to be down' })
  for (const what of ['request', 'endpoint is ejected', last]) {
    const { reason } = await weir.waitForLog((line) => line.msg === what, what)
    assert.ok(
      ports.some((port) => reason === `connect ECONNREFUSED 127.0.0.1:${port}`),
      `${what}: ${reason}`,
    )
  }
})

for (const [what, bad, settings] of [
  ['503', respond({ status: 503 }), {}],
  ['a reset', resetBeforeHead, {}],
  ['nothing', silent, { timeouts: { headers: '100ms' } }],
] as const) {
  test(`endpoint that answers ${what}: ejected after three, back when it answers again`, async (t) => {
    const { weir, origins } = await before(t, [bad, ok('good')], { failures: 3, time: '300ms' }, settings)
    const [sick] = origins as [Origin]
    const seen: string[] = []
    await waitFor(
      async () => {
        seen.push(`${(await fetchRaw(weir.port)).status}`)
        return weir.log.named('endpoint is ejected').length === 1
      },
      { what: 'the endpoint to be ejected' },
    )
    const line = weir.log.named('endpoint is ejected')[0]!
    assert.deepEqual([line.trouble, line.failures, line.forMs], ['failing', 3, 300])
    sick.use(ok('back'))
    await waitFor(async () => (await fetchRaw(weir.port)).text === 'back', { what: 'the probe' })
    await weir.waitForLog((entry) => entry.msg === 'endpoint is no longer ejected', 'it to be back')
    assert.deepEqual(await verdicts(weir), ['healthy in', 'healthy in'])
    await weir.atRest()
  })
}

test('endpoint that fails is out: everything goes to the others, and the figures say so; 500 is no failure', async (t) => {
  const { weir, origins } = await before(t, [respond({ status: 502 }), respond({ status: 500 }), ok()], {
    time: '1h',
    maxTime: '1h',
  })
  await waitFor(async () => (await verdicts(weir))[0] === 'healthy out' || !(await fetchRaw(weir.port)), {
    what: 'the first to be out',
  })
  const count = origins[0]!.count
  assert.equal(count, 5)
  const load = await runLoad({ port: weir.port, connections: 4, requests: 100 })
  assert.deepEqual([load.statuses, load.errors], [{ 200: 50, 500: 50 }, {}])
  assert.equal(origins[0]!.count, count)
  assert.deepEqual(await verdicts(weir), ['healthy out', 'healthy in', 'healthy in'])
  const [line] = weir.log.named('endpoint is ejected')
  assert.deepEqual([line?.trouble, line?.reason, line?.failures], ['failing', 'answered 502', 5])
  await weir.atRest()
})

test('slowFactor: an endpoint much slower than the others is ejected, and back when its probe is quick', async (t) => {
  const slow = delayed(200, ok('slow'))
  const { weir, origins } = await before(t, [slow, ok(), ok()], {
    slowFactor: 4,
    time: '300ms',
    maxTime: '300ms',
  })
  const load = new Load({ port: weir.port })
  const line = await weir.waitForLog(({ msg }) => msg === 'endpoint is ejected', 'it to be ejected')
  assert.deepEqual(
    [line.endpoint, line.trouble, line.forMs],
    [(await weir.stats())[0]!.endpoints[0]!.id, 'slow', 300],
  )
  assert.ok((line.slowness as number) > 4, `${line.slowness}`)
  assert.equal('failures' in line, false)
  // Probed again and again, and out all the same; the others have the requests.
  await waitFor(async () => (await weir.stats())[0]!.endpoints[0]!.ejections >= 3, { what: 'two probes' })
  assert.equal(weir.log.named('endpoint is no longer ejected').length, 0)
  origins[0]!.use(ok('quick'))
  await weir.waitForLog(({ msg }) => msg === 'endpoint is no longer ejected', 'it to be back')
  await load.stop()
  assert.deepEqual([Object.keys(load.statuses), load.errors], [['200'], {}])
  assert.deepEqual((await verdicts(weir)).slice(1), ['healthy in', 'healthy in'])
  await weir.atRest()
})

test('every endpoint answers 503: no more than half is ejected, the clients have the answers', async (t) => {
  const bad = respond({ status: 503, body: 'busy' })
  const { weir } = await before(t, [bad, bad, bad], { failures: 2, time: '1h', maxTime: '1h' })
  const load = await runLoad({
    port: weir.port,
    requests: 60,
    onResponse: ({ text }) => (text === 'busy' ? undefined : text),
  })
  assert.deepEqual([load.statuses, load.errors], [{ 503: 60 }, {}])
  assert.equal((await verdicts(weir)).filter((verdict) => verdict === 'healthy out').length, 1)
  await weir.atRest()
})

test('every endpoint is out, maxOut 1: failing open, told once, until one answers', async (t) => {
  const bad = respond({ status: 503, body: 'busy' })
  const { weir, origins } = await before(t, [bad, bad], {
    failures: 2,
    time: '1h',
    maxTime: '1h',
    maxOut: 1,
  })
  const load = await runLoad({
    port: weir.port,
    requests: 40,
    onResponse: ({ text }) => (text === 'busy' ? undefined : text),
  })
  assert.deepEqual([load.statuses, load.errors], [{ 503: 40 }, {}])
  assert.deepEqual(await verdicts(weir), ['healthy out', 'healthy out'])
  assert.deepEqual((await weir.stats())[0]!.failingOpen, ['app'])
  assert.equal(weir.log.lines.filter(({ msg }) => /failing open/.test(`${msg}`)).length, 1)
  origins[1]!.use(ok('good'))
  await waitFor(async () => (await fetchRaw(weir.port)).text === 'good', { what: 'the one that answers' })
  const after = await runLoad({ port: weir.port, requests: 20 })
  assert.deepEqual(after.statuses, { 200: 20 })
  assert.deepEqual((await weir.stats())[0]!.failingOpen, [])
  await weir.atRest()
})

test('every endpoint refuses: refused at the gate with 503, probed, and back by itself', async (t) => {
  const port = await unusedPort()
  const nobody = [{ url: `http://127.0.0.1:${port}` }, { url: `http://127.0.0.1:${await unusedPort()}` }]
  const weir = await startWeir(t, { upstreams: { app: upstreamOf(nobody) } })
  await waitFor(async () => (await fetchRaw(weir.port)).status === 503, { what: 'the gate to be shut' })
  const shut = await fetchRaw(weir.port)
  assert.deepEqual([shut.status, shut.header('retry-after')], [503, '1'])
  assert.match(shut.text, /no_healthy_endpoint/)
  const attempts = async () => (await weir.stats())[0]!.endpoints.reduce((sum, one) => sum + one.attempts, 0)
  const before = await attempts()
  const load = await runLoad({ port: weir.port, connections: 8, requests: 400 })
  assert.equal((load.statuses[503] ?? 0) + (load.statuses[502] ?? 0), 400)
  const made = (await attempts()) - before
  assert.ok(made < 100, `${made} attempts for 400 requests`)
  const unreachable = () => weir.log.lines.filter(({ msg }) => /no endpoint can be reached/.test(`${msg}`))
  assert.equal(unreachable().length, 1, 'told once')
  const origin = await startOrigin(t, ok('up'), { port })
  await waitFor(async () => (await fetchRaw(weir.port)).text === 'up', { what: 'the probe' })
  const after = await runLoad({ port: weir.port, requests: 50 })
  assert.deepEqual(after.statuses, { 200: 50 })
  assert.ok(origin.count > 50)
  await weir.atRest()
})

test('off: an endpoint that fails has its share', async (t) => {
  const { weir, origins } = await before(t, [respond({ status: 503 }), ok()], false)
  await runLoad({ port: weir.port, requests: 100 })
  assert.ok(origins[0]!.count >= 45)
  assert.deepEqual(await verdicts(weir), ['healthy in', 'healthy in'])
})

const handshake: [string, string][] = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
]

test('WebSocket handshakes: one is the probe, those beside it go elsewhere', async (t) => {
  const settings = { failures: 3, time: '100ms', maxTime: '1h' }
  const { weir, origins } = await before(t, [respond({ status: 503 }), respond({ status: 403 })], settings)
  const [sick, well] = origins as [Origin, Origin]
  await waitFor(
    async () => {
      await fetchRaw(weir.port, { headers: handshake })
      return weir.log.named('endpoint is ejected').length === 1
    },
    { what: 'the endpoint to be ejected' },
  )
  sick.use(silent)
  await waitFor(async () => (await verdicts(weir))[0] === 'healthy probing', { what: 'the time to be over' })
  for (let round = 1; round <= 2; round++) {
    const counts = [sick.count, well.count] as const
    const clients = await Promise.all(Array.from({ length: 6 }, () => RawClient.connect(weir.port)))
    await Promise.all(clients.map((client) => client.request({ headers: handshake })))
    await waitFor(() => sick.count + well.count === counts[0] + counts[1] + 6, { what: 'six handshakes' })
    assert.equal(sick.count, counts[0] + 1, `round ${round}`)
    // The client of the probe leaves: the next is one.
    for (const client of clients) client.close()
    await weir.atRest()
  }
})

test('WebSocket handshakes that fail count, too', async (t) => {
  const { weir } = await before(t, [respond({ status: 503 }), respond({ status: 403 })], {
    failures: 3,
    time: '1h',
    maxTime: '1h',
  })
  for (let count = 0; count < 8; count++) await fetchRaw(weir.port, { headers: handshake })
  assert.deepEqual((await verdicts(weir)).sort(), ['healthy in', 'healthy out'])
  await weir.atRest()
})

test('an origin that flaps beside one that does not: no GET is lost, nothing is in flight at the end', async (t) => {
  const { weir, origins } = await before(t, [ok(), ok()], { failures: 3, time: '50ms', maxTime: '200ms' })
  const [flapping] = origins as [Origin]
  const load = new Load({ port: weir.port, connections: 16 })
  for (let turn = 0; turn < 6; turn++) {
    await flapping.stop()
    const { answered } = load
    await waitFor(() => load.answered > answered + 200, { what: '200 answers without it' })
    await flapping.start()
    const { count } = flapping
    await waitFor(() => flapping.count > count + 20, { what: 'requests at the one that is back' })
  }
  await load.stop()
  assert.deepEqual(Object.keys(load.statuses), ['200'])
  assert.deepEqual(load.errors, {})
  await weir.atRest()
})
