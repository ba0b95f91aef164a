/** Policies that look at load and latency, and endpoints that are a backup, drain, weigh nothing or come back slowly. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { group } from '../support/group.ts'
import { Load, runLoad } from '../support/load.ts'
import type { Origin } from '../support/origin.ts'
import { delayed, ok, respond } from '../support/origin-behaviours.ts'
import { upstreamOf } from '../support/proxied.ts'
import { fetchRaw } from '../support/raw-client.ts'
import { waitFor } from '../support/wait.ts'

for (const [balance, words] of [
  ['two-choices', 'is ejected'],
  ['ewma', 'gets much less than its share'],
] as const) {
  test(`${balance}, without another word in the configuration: a slow endpoint ${words}`, async (t) => {
    const { weir, counts } = await group(t, [delayed(100, ok()), delayed(5, ok()), delayed(5, ok())], {
      balance,
    })
    const load = await runLoad({ port: weir.port, connections: 30, requests: 3_000 })
    assert.deepEqual([load.statuses, load.errors], [{ 200: 3_000 }, {}])
    const [slow, ...others] = counts() as [number, number, number]
    // A third would be 1,000. What `two-choices` sends before the verdict is 64 answers and what is in flight meanwhile.
    assert.ok(slow < 250, `${counts()}`)
    assert.ok(Math.abs(others[0]! - others[1]!) < 600, `${counts()}`)
    const ejected = weir.log.named('endpoint is ejected').map(({ trouble }) => trouble)
    assert.deepEqual(ejected, balance === 'two-choices' ? ['slow'] : [])
    await weir.atRest()
  })
}

test('two-choices, slowFactor false: a slow endpoint gets a small share, and stays', async (t) => {
  const { weir, counts } = await group(t, [delayed(100, ok()), delayed(5, ok()), delayed(5, ok())], {
    balance: 'two-choices',
    outliers: { slowFactor: false },
  })
  const load = await runLoad({ port: weir.port, connections: 30, requests: 3_000 })
  assert.deepEqual([load.statuses, load.errors], [{ 200: 3_000 }, {}])
  // As many in flight everywhere, which is a twentieth of what the others get: the fewer, the slower the machine makes these.
  assert.ok(counts()[0]! < 500, `${counts()}`)
  assert.equal(weir.log.named('endpoint is ejected').length, 0)
  await weir.atRest()
})

test('ewma: an endpoint that fails fast does not attract traffic', async (t) => {
  const failing = respond({ status: 500, body: 'no' })
  const { weir, counts } = await group(t, [failing, delayed(5, ok()), delayed(5, ok())], { balance: 'ewma' })
  const load = await runLoad({ port: weir.port, connections: 12, requests: 2_000 })
  assert.deepEqual(load.errors, {})
  assert.ok((load.statuses[500] ?? 0) < 100, `${JSON.stringify(load.statuses)}: ${counts()}`)
  await weir.atRest()
})

test('ewma: a client that leaves is no answer, and nothing stays in flight', async (t) => {
  const { weir } = await group(t, [delayed(5, ok()), delayed(5, ok())], { balance: 'ewma' })
  const load = new Load({ port: weir.port, connections: 8 })
  await waitFor(() => load.answered > 100, { what: '100 answers' })
  await load.stop()
  assert.deepEqual(load.errors, {})
  await weir.atRest()
})

test('backup: nothing while another is up; everything when it is not, and nothing again afterwards', async (t) => {
  const { weir, origins, counts } = await group(
    t,
    [ok('first'), ok('backup')],
    { health: { interval: '50ms', unhealthyAfter: 1, healthyAfter: 1 } },
    [{}, { backup: true }],
  )
  const [first] = origins as [Origin]
  const requests = async (count: number): Promise<Set<string>> => {
    const answers = new Set<string>()
    for (let time = 0; time < count; time++) answers.add((await fetchRaw(weir.port)).text)
    return answers
  }
  assert.deepEqual(await requests(20), new Set(['first']))
  assert.equal(counts()[1], 0, 'a check by TCP is no request')
  const { port } = first
  await first.stop()
  // Passed over from the first refusal on, and by the checks soon.
  assert.deepEqual(await requests(20), new Set(['backup']))
  await weir.waitForLog((line) => line.msg === 'endpoint is unhealthy', 'the check')
  await first.start()
  assert.equal(first.port, port)
  await weir.waitForLog((line) => line.msg === 'endpoint is healthy', 'the check')
  await waitFor(async () => (await fetchRaw(weir.port)).text === 'first', { what: 'the first to be back' })
  assert.deepEqual(await requests(20), new Set(['first']))
})

test('drain and weight 0: no requests, also when nobody else is up', async (t) => {
  const { weir, origins, counts } = await group(t, [ok(), ok(), ok()], {}, [
    {},
    { drain: true },
    { weight: 0 },
  ])
  await runLoad({ port: weir.port, connections: 8, requests: 200 })
  assert.deepEqual(counts(), [200, 0, 0])
  await origins[0]!.stop()
  assert.equal((await fetchRaw(weir.port)).status, 502)
  assert.deepEqual(counts(), [200, 0, 0])
})

test('drain by a reload: what is in flight ends, nothing new comes', async (t) => {
  const { weir, origins } = await group(t, [delayed(300, ok('a')), ok('b')])
  const [a, b] = origins as [Origin, Origin]
  const inFlight = Promise.all([1, 2, 3, 4].map(() => fetchRaw(weir.port)))
  await waitFor(() => a.count === 2, { what: 'two requests at the slow one' })
  const from = weir.log.lines.length
  const endpoints = [{ url: a.url, drain: true }, { url: b.url }]
  weir.rewriteConfig({ upstreams: { app: upstreamOf([], { endpoints }) } })
  weir.signal('SIGHUP')
  await weir.waitForLog((line) => line.msg === 'configuration reloaded', 'the reload', from)
  await runLoad({ port: weir.port, connections: 4, requests: 50 })
  assert.equal(a.count, 2)
  assert.deepEqual((await inFlight).map(({ text }) => text).toSorted(), ['a', 'a', 'b', 'b'])
  await weir.atRest()
})

for (const [slowStart, most] of [
  ['10m', 20],
  ['0s', 60],
] as const) {
  test(`slow start of ${slowStart}: an endpoint that was down comes back with ${most} of 120 requests or less`, async (t) => {
    const health = { path: '/health', interval: '50ms', unhealthyAfter: 1, healthyAfter: 1 }
    const { weir, origins } = await group(t, [ok(), ok()], { slowStart, health })
    const [, b] = origins as [Origin, Origin]
    b.use({ '/health': respond({ status: 500 }), '*': ok() })
    await weir.waitForLog((line) => line.msg === 'endpoint is unhealthy', 'the check')
    let back = 0
    b.use({
      '/health': ok(),
      '*': (exchange) => {
        back++
        return ok()(exchange)
      },
    })
    await weir.waitForLog((line) => line.msg === 'endpoint is healthy', 'the check')
    await waitFor(async () => (await weir.stats())[0]?.endpoints.every(({ healthy }) => healthy), {
      what: 'the worker to know',
    })
    await runLoad({ port: weir.port, connections: 1, requests: 120 })
    // A tenth of the weight is one of eleven; at full weight it is every second one.
    assert.ok(back >= most / 4 && back <= most, `${back} of 120`)
    if (slowStart === '0s') assert.equal(back, 60)
  })
}
