/** Metrics of a real Weir, read as Prometheus reads them. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startOrigin, unusedPort } from '../support/origin.ts'
import { held, ok, respond } from '../support/origin-behaviours.ts'
import { upstreamOf } from '../support/proxied.ts'
import { fetchRaw } from '../support/raw-client.ts'
import { scrape, scrapeUntil, sum } from '../support/scrape.ts'
import { Gate } from '../support/wait.ts'
import { startWeir, type WeirConfig } from '../support/weir.ts'

async function before(t: TestContext, settings: WeirConfig = {}, config: WeirConfig = {}) {
  const origins = [await startOrigin(t, ok('a')), await startOrigin(t, ok('b'))]
  const weir = await startWeir(t, {
    metrics: 0,
    upstreams: { app: upstreamOf(origins, settings) },
    ...config,
  })
  return { weir, origins }
}

test('requests, attempts and connections are counted over all workers, and the current limit is told', async (t) => {
  const { weir } = await before(t, { concurrency: 'adaptive' }, { workers: 2 })
  for (let request = 0; request < 20; request++) await fetchRaw(weir.port)
  const seen = await scrapeUntil(
    weir,
    (now) => sum(now, 'weir_exchanges_total', 'outcome="completed"') === 20,
    'twenty exchanges',
  )
  assert.equal(sum(seen, 'weir_worker_up'), 2)
  assert.equal(sum(seen, 'weir_endpoint_attempts_total'), 20)
  assert.equal(sum(seen, 'weir_in_flight'), 0)
  assert.ok(sum(seen, 'weir_endpoint_connections') > 0)
  const limits = [...seen.samples].filter(([key]) => key.startsWith('weir_upstream_concurrency{'))
  assert.equal(limits.length, 2)
  for (const [key, limit] of limits) assert.ok(limit > 0, `${key} ${limit}`)
  assert.ok(sum(seen, 'weir_worker_resident_memory_bytes') > 2 * 10 * 1024 ** 2)
})

test('endpoints that fail: both verdicts, and failing open', async (t) => {
  const { weir, origins } = await before(t, {
    outliers: { failures: 1, time: '1h', maxTime: '1h', maxOut: 1 },
    retries: { attempts: 0 },
    health: { path: '/', interval: '20ms', unhealthyAfter: 1, healthyAfter: 1 },
  })
  const [first, second] = origins.map(({ port }) => `endpoint="http://127.0.0.1:${port}"`) as [string, string]
  const atRest = await scrape(weir)
  assert.deepEqual(
    [first, second].map((endpoint) => sum(atRest, 'weir_endpoint_healthy', endpoint)),
    [1, 1],
  )
  assert.equal(sum(atRest, 'weir_upstream_failing_open'), 0)
  const [sick, other] = origins as [(typeof origins)[0], (typeof origins)[0]]
  sick.use(respond({ status: 503 }))
  await scrapeUntil(weir, (now) => sum(now, 'weir_endpoint_healthy', first) === 0, 'the check to fail')
  // Checks go well at `/`, requests do not elsewhere.
  other.use({ '/': ok('up'), '*': respond({ status: 503 }) })
  await fetchRaw(weir.port, { target: '/x' })
  const seen = await scrapeUntil(
    weir,
    (now) => sum(now, 'weir_upstream_failing_open') === 1,
    'it to fail open',
  )
  assert.equal(sum(seen, 'weir_endpoint_healthy', second), 1)
  assert.equal(sum(seen, 'weir_endpoint_ejections_total', second), 1)
})

test('worker that is stopped: down, after a second at most; the others are told, and it comes back', async (t) => {
  const { weir } = await before(t, {}, { workers: 2 })
  const [stopped] = weir.workerPids() as [number, number]
  process.kill(stopped, 'SIGSTOP')
  t.after(() => process.kill(stopped, 'SIGCONT'))
  const seen = await scrape(weir)
  assert.equal(sum(seen, 'weir_worker_up'), 1)
  assert.equal(seen.samples.get('weir_workers'), 2)
  process.kill(stopped, 'SIGCONT')
  await scrapeUntil(weir, (now) => sum(now, 'weir_worker_up') === 2, 'both to be up')
})

test('drain: what is in flight is told until it is over', async (t) => {
  const gate = new Gate()
  const origin = await startOrigin(t, held(gate, ok('late')))
  const weir = await startWeir(t, { metrics: 0, upstreams: { app: upstreamOf([origin]) } })
  const answer = fetchRaw(weir.port)
  await gate.reached(1)
  weir.signal('SIGTERM')
  await weir.waitForLog(({ msg }) => msg === 'draining', 'the drain')
  const seen = await scrape(weir)
  assert.deepEqual([sum(seen, 'weir_worker_up'), sum(seen, 'weir_in_flight')], [1, 1])
  gate.open()
  assert.equal((await answer).text, 'late')
  assert.equal(await weir.exited, 0)
})

test('worker that dies: counted, and replaced', async (t) => {
  const { weir } = await before(t)
  process.kill(weir.workerPid(), 'SIGKILL')
  const seen = await scrapeUntil(
    weir,
    (now) => now.samples.get('weir_worker_deaths_total') === 1 && sum(now, 'weir_worker_up') === 1,
    'it to be replaced',
  )
  assert.equal(sum(seen, 'weir_exchanges_total'), 0)
})

test('reload: served at the new place, and no longer at the old one; without a word of them nowhere', async (t) => {
  const { weir, origins } = await before(t)
  const reload = async (config: object) => {
    const from = weir.log.lines.length
    weir.rewriteConfig({
      listen: { host: '127.0.0.1', port: weir.port },
      upstreams: { app: upstreamOf(origins) },
      ...config,
    })
    weir.signal('SIGHUP')
    await weir.waitForLog(({ msg }) => msg === 'configuration reloaded', 'the reload', from)
  }
  const old = weir.log.named('metrics are served').at(-1)?.port as number
  await reload({ metrics: await unusedPort() })
  assert.equal((await scrape(weir)).samples.get('weir_reloads_total'), 1)
  await assert.rejects(fetchRaw(old, { target: '/metrics' }), /ECONNREFUSED/)
  const at = weir.log.named('metrics are served').at(-1)?.port as number
  await reload({})
  await assert.rejects(fetchRaw(at, { target: '/metrics' }), /ECONNREFUSED/)
})

test('both planes in one process: the same', async (t) => {
  const origin = await startOrigin(t, ok('a'))
  const weir = await startWeir(t, { metrics: 0, upstreams: { app: upstreamOf([origin]) } }, { inline: true })
  await fetchRaw(weir.port)
  const seen = await scrape(weir)
  assert.equal(sum(seen, 'weir_exchanges_total', 'outcome="completed"'), 1)
  assert.equal(sum(seen, 'weir_worker_up'), 1)
})
