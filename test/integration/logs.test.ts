/** What Weir logs, and that nothing of it gets lost. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { runLoad } from '../support/load.ts'
import type { LogLine } from '../support/log-lines.ts'
import { startOrigin, unusedPort } from '../support/origin.ts'
import { ok, resetBeforeHead, respond, silent, stream } from '../support/origin-behaviours.ts'
import { type Proxied, proxied, upstreamOf } from '../support/proxied.ts'
import { fetchRaw } from '../support/raw-client.ts'
import { waitFor } from '../support/wait.ts'
import { launchWeir, startWeir } from '../support/weir.ts'

const behaviours = {
  '/ok': ok('hello'),
  '/404': respond({ status: 404 }),
  '/503': respond({ status: 503 }),
  '/reset': resetBeforeHead,
  '/silent': silent,
  '/big': stream(1 << 28, 'length'),
  '*': ok(),
}

function logged(t: TestContext, access: unknown, config: object = {}): Promise<Proxied> {
  return proxied(t, behaviours, { config: { log: { level: 'info', access }, ...config } })
}

/** The access log, complete: Weir has ended. */
async function accessLines({ weir }: Proxied): Promise<LogLine[]> {
  assert.equal(await weir.stop(), 0)
  assert.deepEqual(weir.log.garbled, [])
  return weir.log.named('request')
}

/** One of each: served, an error of the client's, of the origin's, of Weir's; gone before and behind the head. */
async function oneOfEach({ fetch, connect, origin }: Proxied): Promise<void> {
  for (const target of ['/ok', '/404', '/503', '/reset']) await fetch({ target })
  for (const target of ['/silent', '/big']) {
    const { count } = origin
    const client = await connect()
    await client.request({ target })
    await waitFor(() => origin.count > count, { what: `${target} at the origin` })
    if (target === '/big') await client.response({ onBody: () => client.close() }).catch(() => undefined)
    client.close()
    await waitFor(() => !origin.isOpen(origin.requests.at(-1)!), { what: 'the attempt to be cancelled' })
  }
}

function targets(lines: readonly LogLine[]): unknown[] {
  return lines.map((line) => line.target).sort()
}

test('access off: no line for any exchange', async (t) => {
  const all = await logged(t, 'off')
  await oneOfEach(all)
  assert.deepEqual(await accessLines(all), [])
})

test('access errors: a line for each 5xx and each exchange that was aborted, no other', async (t) => {
  const all = await logged(t, 'errors')
  await oneOfEach(all)
  assert.deepEqual(targets(await accessLines(all)), ['/503', '/big', '/reset', '/silent'])
})

test('access all: one line for each exchange, with what one wants to know', async (t) => {
  const all = await logged(t, 'all')
  await oneOfEach(all)
  const lines = await accessLines(all)
  assert.deepEqual(targets(lines), ['/404', '/503', '/big', '/ok', '/reset', '/silent'])
  const served = lines.find((line) => line.target === '/ok')!
  const { client, method, host, status, outcome, upstream, endpoint, attempts, bytes, ms } = served
  assert.deepEqual(
    { client, method, host, status, outcome, upstream, endpoint, attempts, bytes },
    {
      client: '127.0.0.1',
      method: 'GET',
      host: 'test',
      status: 200,
      outcome: 'completed',
      upstream: 'app',
      endpoint: `app/${all.origin.url}`,
      attempts: 1,
      bytes: 5,
    },
  )
  assert.ok(typeof ms === 'number' && ms > 0 && ms < 60_000, `${ms} ms`)
  const by = (target: string) => lines.find((line) => line.target === target)!
  assert.deepEqual(
    [by('/reset').status, by('/reset').outcome, by('/reset').attempts],
    [502, 'endpoint_reset', 2],
  )
  assert.deepEqual([by('/silent').outcome, by('/big').outcome], ['client_aborted', 'client_aborted'])
})

test('access all: refused, unrouted and fixed answers have their line too', async (t) => {
  const all = await logged(t, 'all', {
    routes: [
      { path: '/fixed', respond: { status: 200 } },
      { path: '/ok', upstream: 'app' },
    ],
  })
  await all.fetch({ target: '/fixed' })
  await all.fetch({ target: '/nowhere' })
  await all.fetch({ target: '/ok', headers: [['Host', 'a/b']] })
  const lines = await accessLines(all)
  assert.deepEqual(
    lines.map((line) => [line.target, line.status, line.outcome]),
    [
      ['/fixed', 200, 'responded'],
      ['/nowhere', 404, 'no_route'],
      ['/ok', 400, 'bad_request'],
    ],
  )
})

test('access sample: about its share of what went well, and every error', async (t) => {
  const all = await logged(t, { sample: 0.1 })
  await runLoad({
    port: all.weir.port,
    requests: 3_000,
    request: (n) => ({ target: n % 30 === 0 ? '/503' : '/ok' }),
  })
  const lines = await accessLines(all)
  const errors = lines.filter((line) => line.target === '/503').length
  const others = lines.length - errors
  assert.equal(errors, 100)
  // 290 of 2,900 on average with a standard deviation of 16.
  assert.ok(others > 150 && others < 450, `${others} of 2,900`)
})

test('access line is not lost when the end comes right behind the answer', async (t) => {
  for (let round = 0; round < 3; round++) {
    const all = await logged(t, 'all')
    const count = 25 * (round + 1)
    const load = await runLoad({ port: all.weir.port, connections: 5, requests: count })
    assert.equal(load.statuses[200], count)
    assert.equal((await accessLines(all)).length, count)
  }
})

test('lines of two busy workers are whole, whatever stands in them', async (t) => {
  const all = await logged(t, 'all', { workers: 2 })
  const count = 2_000
  const request = (n: number) => ({ target: `/${n}/"\\%0a${'x'.repeat((n * 37) % 5_000)}` })
  const load = await runLoad({ port: all.weir.port, connections: 20, requests: count, request })
  assert.deepEqual([load.statuses, load.errors], [{ 200: count }, {}])
  const lines = await accessLines(all)
  assert.equal(lines.length, count)
  assert.equal(new Set(lines.map((line) => line.target)).size, count)
  assert.equal(new Set(lines.map((line) => line.worker)).size, 2)
})

test('level warn: nothing is logged while all is well, not even what access asks for', async (t) => {
  const origin = await startOrigin(t, ok())
  const port = await unusedPort()
  const weir = launchWeir(t, {
    listen: { host: '127.0.0.1', port },
    upstreams: { app: upstreamOf([origin]) },
    log: { level: 'warn', access: 'all' },
  })
  const served = () =>
    fetchRaw(port).then(
      (answer) => answer.status === 200,
      () => false,
    )
  await waitFor(served, { what: 'the first answer' })
  assert.equal(await weir.stop(), 0)
  assert.deepEqual([weir.log.lines, weir.log.garbled], [[], []])
})

test('level raised and lowered again by reloads: the access log is silent in between, and there again at once', async (t) => {
  const listen = { host: '127.0.0.1', port: await unusedPort() }
  const config = (level: string, status: number) => ({
    listen,
    upstreams: {},
    routes: [{ respond: { status } }],
    log: { level, access: 'all' },
  })
  const weir = await startWeir(t, config('info', 200))
  for (const [level, status] of [
    ['warn', 201],
    ['info', 202],
  ] as const) {
    weir.rewriteConfig(config(level, status))
    weir.signal('SIGHUP')
    const isNew = async () => (await fetchRaw(weir.port)).status === status
    await waitFor(isNew, { what: `the plan that answers ${status}` })
  }
  await weir.waitForLog(
    ({ msg, status }) => msg === 'request' && status === 202,
    'the line of the last answer',
  )
  assert.equal(weir.log.named('request').filter(({ status }) => status === 201).length, 0)
})

test('level debug from the start: what becomes of each attempt is told', async (t) => {
  const { weir, fetch } = await proxied(t, resetBeforeHead, {
    upstream: { retries: { attempts: 0 } },
    config: { log: { level: 'debug' } },
  })
  assert.equal((await fetch()).status, 502)
  await weir.waitForLog(({ msg }) => msg === 'attempt failed', 'the line of the attempt')
})
