/** What metrics tell of requests: how long they took, what their clients got, and how often they were tried again. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import WebSocket, { WebSocketServer } from 'ws'
import { responseClasses } from '../../src/plan/request-stats.ts'
import { bucketsOf, type Exposition } from '../support/exposition.ts'
import { startOrigin, unusedPort } from '../support/origin.ts'
import { breakMidBody, held, ok, resetBeforeHead, respond, silent } from '../support/origin-behaviours.ts'
import { upstreamOf } from '../support/proxied.ts'
import { fetchRaw, RawClient } from '../support/raw-client.ts'
import { scrape, scrapeUntil, sum } from '../support/scrape.ts'
import { Gate, waitFor } from '../support/wait.ts'
import { startWeir, type Weir } from '../support/weir.ts'

const duration = 'weir_request_duration_seconds'

/** Those that have occurred, of all workers. */
function classesOf(seen: Exposition, upstream: string): Record<string, number> {
  const counts = responseClasses.map((name) => {
    const count = sum(seen, 'weir_responses_total', `upstream="${upstream}"`, `class="${name}"`)
    assert.ok(count >= 0, `${name} is told from the first moment`)
    return [name, count] as const
  })
  return Object.fromEntries(counts.filter(([, count]) => count > 0))
}

const requestsOf = (seen: Exposition, upstream = 'app') =>
  sum(seen, `${duration}_count`, `upstream="${upstream}"`)

const untilCounted = (weir: Weir, count: number, upstream = 'app') =>
  scrapeUntil(weir, (seen) => requestsOf(seen, upstream) === count, `${count} requests to ${upstream}`)

test('classes: what clients got, from endpoints or from Weir; without an upstream nothing', async (t) => {
  const gate = new Gate()
  const origin = await startOrigin(t, {
    '/app/moved': respond({ status: 302, headers: [['location', '/']] }),
    '/app/missing': respond({ status: 404 }),
    '/app/failed': respond({ status: 500 }),
    '/app/reset': resetBeforeHead,
    '/app/cut': breakMidBody('length', 'fin', 1_000, gate),
    '/app/hangs': silent,
    '*': ok('a'),
  })
  const settings = { retries: { attempts: 0 }, outliers: false }
  const weir = await startWeir(t, {
    metrics: 0,
    upstreams: {
      app: upstreamOf([origin], settings),
      gone: upstreamOf([{ url: `http://127.0.0.1:${await unusedPort()}` }], settings),
      idle: upstreamOf([origin]),
    },
    routes: [
      { path: '/fixed', respond: { status: 503 } },
      { path: '/refused', upstream: 'app', access: { allow: ['10.0.0.0/8'] } },
      { path: '/gone', upstream: 'gone' },
      { path: '/app/*', upstream: 'app' },
    ],
  })
  const status = async (target: string) => (await fetchRaw(weir.port, { target })).status
  for (const [target, expected] of [
    ['/app/a', 200],
    ['/app/b', 200],
    ['/app/moved', 302],
    ['/app/missing', 404],
    ['/app/failed', 500],
    ['/app/reset', 502],
    ['/gone', 502],
    ['/fixed', 503],
    ['/refused', 403],
    ['/nowhere', 404],
  ] as const)
    assert.equal(await status(target), expected, target)
  const cut = await RawClient.connect(weir.port)
  await cut.send('GET /app/cut HTTP/1.1\r\nHost: test\r\n\r\n')
  // Not before the client has had some of it.
  const broken = await cut.response({ onBody: () => gate.open() })
  assert.deepEqual([broken.status, broken.ended], [200, 'truncated'])
  const leaves = await RawClient.connect(weir.port)
  await leaves.send('GET /app/hangs HTTP/1.1\r\nHost: test\r\n\r\n')
  await waitFor(() => origin.requests.some(({ target }) => target === '/app/hangs'), { what: 'the request' })
  leaves.close()

  const seen = await untilCounted(weir, 8)
  assert.deepEqual(classesOf(seen, 'app'), {
    '2xx': 2,
    '3xx': 1,
    '4xx': 1,
    '5xx': 2,
    truncated: 1,
    none: 1,
  })
  assert.deepEqual(classesOf(seen, 'gone'), { '5xx': 1 })
  assert.deepEqual(classesOf(seen, 'idle'), {})
  assert.deepEqual([requestsOf(seen, 'gone'), requestsOf(seen, 'idle')], [1, 0])
  // The rest of what has ended has no upstream.
  const ended = (outcome: string) => sum(seen, 'weir_exchanges_total', `outcome="${outcome}"`)
  const without = ended('responded') + ended('forbidden') + ended('no_route')
  assert.equal(sum(seen, 'weir_responses_total') + without, sum(seen, 'weir_exchanges_total'))
  assert.equal(without, 3)
})

test('duration: of a request that is held back, no less than that and no more than until it is counted', async (t) => {
  const gate = new Gate()
  const origin = await startOrigin(t, held(gate, ok('late')))
  const weir = await startWeir(t, { metrics: 0, upstreams: { app: upstreamOf([origin]) } })
  const client = await RawClient.connect(weir.port)
  const sentAt = performance.now()
  const answer = client.exchange({})
  await gate.reached(1)
  const arrivedAt = performance.now()
  assert.equal(requestsOf(await scrape(weir)), 0, 'it has not ended')
  await waitFor(() => performance.now() - arrivedAt > 120, { what: 'the clock to move' })
  const heldMs = performance.now() - arrivedAt
  gate.open()
  assert.equal((await answer).text, 'late')
  client.close()

  const { samples } = await untilCounted(weir, 1)
  // Its client may have all of the answer before Weir looks at its clock.
  const countedMs = performance.now() - sentAt
  const labels = '{upstream="app",worker="1"}'
  const ms = (samples.get(`${duration}_sum${labels}`) as number) * 1_000
  assert.ok(ms >= heldMs && ms <= countedMs, `held for ${heldMs} ms, took ${ms}, counted after ${countedMs}`)
  const buckets = bucketsOf(duration, labels, samples)
  assert.ok(buckets.length > 10)
  for (const [key, count] of buckets) {
    const bound = /le="([\d.]+)"/.exec(key)?.[1] ?? 'Infinity'
    assert.equal(count, Number(bound) * 1_000 >= ms ? 1 : 0, key)
  }
})

test('retries, and those that the budget withholds; copies: each request is one, of its own upstream', async (t) => {
  const failing = await startOrigin(t, resetBeforeHead)
  const good = await startOrigin(t, ok('good'))
  const next = await startOrigin(t, ok('next'))
  const settings = { balance: 'round-robin', outliers: false }
  const poor = { ...settings, retries: { budget: 0, minPerSecond: 0 } }
  const weir = await startWeir(t, {
    metrics: 0,
    upstreams: {
      app: upstreamOf([failing, good], settings),
      poor: upstreamOf([failing, good], poor),
      next: upstreamOf([next]),
    },
    routes: [
      { path: '/poor', upstream: 'poor' },
      { upstream: 'app', mirror: { upstream: 'next' } },
    ],
  })
  for (const [target, statuses] of [
    ['/', [200, 200]],
    ['/poor', [200, 502]],
  ] as const) {
    const answers = [await fetchRaw(weir.port, { target }), await fetchRaw(weir.port, { target })]
    assert.deepEqual(answers.map(({ status }) => status).sort(), statuses)
  }
  await waitFor(() => next.count === 2, { what: 'the copies' })
  await untilCounted(weir, 2)
  const seen = await untilCounted(weir, 2, 'poor')
  const retries = (upstream: string) =>
    ['sent', 'withheld'].map((what) =>
      sum(seen, `weir_upstream_retries_${what}_total`, `upstream="${upstream}"`),
    )
  assert.deepEqual(
    [retries('app'), retries('poor'), retries('next')],
    [
      [1, 0],
      [0, 1],
      [0, 0],
    ],
  )
  assert.deepEqual([classesOf(seen, 'app'), classesOf(seen, 'poor')], [{ '2xx': 2 }, { '2xx': 1, '5xx': 1 }])
  assert.equal(requestsOf(seen, 'next'), 0)
})

test('WebSockets: exchanges, and no requests', async (t) => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  t.after(() => server.close())
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const weir = await startWeir(t, {
    metrics: 0,
    upstreams: { app: upstreamOf([{ url: `http://127.0.0.1:${port}` }]) },
  })
  const socket = new WebSocket(`ws://127.0.0.1:${weir.port}/`)
  await once(socket, 'open')
  socket.send('hello')
  await once(socket, 'message')
  socket.close()
  await once(socket, 'close')
  const seen = await scrapeUntil(
    weir,
    (now) => sum(now, 'weir_exchanges_total', 'outcome="completed"') === 1,
    'the bridge to end',
  )
  assert.deepEqual([requestsOf(seen), classesOf(seen, 'app')], [0, {}])
})

test('several workers: each tells its own, the sum is all', async (t) => {
  const origin = await startOrigin(t, ok('a'))
  const weir = await startWeir(t, { metrics: 0, workers: 2, upstreams: { app: upstreamOf([origin]) } })
  const total = 40
  for (let count = 0; count < total; count++) assert.equal((await fetchRaw(weir.port)).status, 200)
  const seen = await untilCounted(weir, total)
  assert.deepEqual(classesOf(seen, 'app'), { '2xx': total })
  for (const worker of ['worker="1"', 'worker="2"']) {
    const completed = sum(seen, 'weir_exchanges_total', 'outcome="completed"', worker)
    assert.equal(sum(seen, `${duration}_count`, worker), completed)
    assert.equal(sum(seen, 'weir_responses_total', worker), completed)
  }
})

test('worker that dies: the next one begins at 0 under its number, as with all that is counted', async (t) => {
  const origin = await startOrigin(t, ok('a'))
  const weir = await startWeir(t, { metrics: 0, upstreams: { app: upstreamOf([origin]) } })
  for (let count = 0; count < 5; count++) await fetchRaw(weir.port)
  await untilCounted(weir, 5)
  process.kill(weir.workerPid(), 'SIGKILL')
  const fresh = await scrapeUntil(
    weir,
    (now) => now.samples.get('weir_worker_deaths_total') === 1 && sum(now, 'weir_worker_up') === 1,
    'it to be replaced',
  )
  assert.deepEqual([requestsOf(fresh), sum(fresh, 'weir_exchanges_total')], [0, 0])
  await fetchRaw(weir.port)
  const { samples } = await untilCounted(weir, 1)
  const labels = '{upstream="app",worker="1"}'
  assert.equal(samples.get(`${duration}_count${labels}`), 1)
  assert.ok((samples.get(`${duration}_sum${labels}`) as number) > 0)
})

test('reload without metrics, and with them again: requests are counted anew, exchanges go on', async (t) => {
  const origin = await startOrigin(t, ok('a'))
  const weir = await startWeir(t, { metrics: 0, upstreams: { app: upstreamOf([origin]) } })
  const reload = async (settings: object) => {
    const from = weir.log.lines.length
    weir.rewriteConfig({
      listen: { host: '127.0.0.1', port: weir.port },
      upstreams: { app: upstreamOf([origin]) },
      ...settings,
    })
    weir.signal('SIGHUP')
    await weir.waitForLog(({ msg }) => msg === 'configuration reloaded', 'the reload', from)
  }
  for (let count = 0; count < 3; count++) await fetchRaw(weir.port)
  await untilCounted(weir, 3)
  await reload({ metrics: 0, log: { access: 'off' } })
  await fetchRaw(weir.port)
  await untilCounted(weir, 4)
  await reload({})
  const [stats] = await weir.stats()
  assert.equal(stats?.upstreams[0]?.requests, undefined)
  await fetchRaw(weir.port)
  await weir.atRest()
  await reload({ metrics: 0 })
  const again = await scrape(weir)
  assert.deepEqual([requestsOf(again), sum(again, `${duration}_sum`), classesOf(again, 'app')], [0, 0, {}])
  assert.equal(sum(again, 'weir_exchanges_total', 'outcome="completed"'), 5)
  await fetchRaw(weir.port)
  await untilCounted(weir, 1)
})
