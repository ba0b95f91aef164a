/** Who may come, and how often. Limits are so far apart that no test depends on how fast it runs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { held, ok } from '../support/origin-behaviours.ts'
import { proxied } from '../support/proxied.ts'
import { type ClientResponse, fetchRaw } from '../support/raw-client.ts'
import { Gate, waitFor } from '../support/wait.ts'
import { headerValue } from '../support/wire.ts'

const twoAnHour = { rate: { requests: 2, per: '1h' } }

function errorOf({ text }: ClientResponse): string {
  return (JSON.parse(text) as { error: string }).error
}

test('rate: above it 429 with its headers, counted; the connection lives on, nothing reaches the endpoint', async (t) => {
  const { origin, weir, connect } = await proxied(t, ok(), { config: { clientLimits: twoAnHour } })
  const client = await connect()
  for (let n = 0; n < 2; n++) assert.equal((await client.exchange()).status, 200)
  for (const request of [{}, { method: 'POST', body: 'x'.repeat(1_000) }, {}]) {
    const refused = await client.exchange(request)
    assert.equal(refused.status, 429)
    assert.equal(errorOf(refused), 'rate_limited')
    assert.match(`${refused.header('retry-after')}`, /^1[78]\d\d$/)
    assert.equal(refused.header('ratelimit-policy'), '"rate";q=2;w=3600')
    assert.match(`${refused.header('ratelimit')}`, /^"rate";r=0;t=1[78]\d\d$/)
  }
  assert.equal(origin.count, 2)
  const [stats] = await weir.stats()
  assert.equal(stats?.outcomes.rate_limited, 3)
  assert.deepEqual(stats?.clientLimits, [
    {
      scope: 'all',
      dryRun: false,
      aboveRate: 3,
      aboveInFlight: 0,
      keys: 1,
      keysMax: 65_536,
      evicted: 0,
      uncounted: 0,
    },
  ])
  await weir.atRest()
})

test('rate by header: each value by itself; fixed answers and WebSockets too', async (t) => {
  const { weir } = await proxied(t, ok(), {
    config: {
      clientLimits: { ...twoAnHour, by: { header: 'x-key' } },
      routes: [{ path: '/fixed', respond: { status: 200 } }, { upstream: 'app' }],
    },
  })
  const statuses = async (key: string, target: string, more: [string, string][] = []) => {
    const answers = []
    for (let n = 0; n < 3; n++)
      answers.push((await fetchRaw(weir.port, { target, headers: [['X-Key', key], ...more] })).status)
    return answers
  }
  assert.deepEqual(await statuses('a', '/'), [200, 200, 429])
  assert.deepEqual(await statuses('b', '/fixed'), [200, 200, 429])
  const upgrade: [string, string][] = [
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ]
  assert.deepEqual((await statuses('c', '/', upgrade)).slice(2), [429])
  await weir.atRest()
})

test('in flight: one at a time, the next when it is over; also when its client leaves', async (t) => {
  const gate = new Gate()
  const { origin, weir, fetch, connect } = await proxied(
    t,
    { '/held': held(gate, ok('done')), '/': ok() },
    { config: { clientLimits: { inFlight: 1 } } },
  )
  const first = await connect()
  await first.request({ target: '/held' })
  await waitFor(() => origin.count === 1, { what: 'the first request' })
  const refused = await fetch()
  assert.deepEqual([refused.status, errorOf(refused)], [429, 'too_many_in_flight'])
  assert.equal(refused.header('ratelimit-policy'), '"in-flight";q=1;qu="concurrent-requests"')
  assert.equal(refused.header('ratelimit'), '"in-flight";r=0')
  assert.equal(refused.header('retry-after'), '1')
  gate.open()
  assert.equal((await first.response()).text, 'done')
  assert.equal((await fetch()).status, 200)
  const stuck = new Gate()
  origin.use({ '/held': held(stuck, ok()), '/': ok() })
  const { count } = origin
  await first.request({ target: '/held' })
  await waitFor(() => origin.count > count, { what: 'the second one that is held' })
  assert.equal((await fetch()).status, 429)
  first.close()
  await waitFor(async () => (await fetch()).status === 200, { what: 'its place' })
  stuck.open()
  await weir.atRest()
})

test('dry run: everything passes, and the figures tell what would not have', async (t) => {
  const { weir, fetch } = await proxied(t, ok(), { config: { clientLimits: { ...twoAnHour, dryRun: true } } })
  for (let n = 0; n < 5; n++) assert.equal((await fetch()).status, 200)
  const [stats] = await weir.stats()
  assert.deepEqual([stats?.clientLimits[0]?.aboveRate, stats?.clientLimits[0]?.dryRun], [3, true])
  assert.equal(stats?.outcomes.rate_limited, undefined)
})

test('access: 403 by address, in a route in place of the top level; a reload takes effect at once', async (t) => {
  const config = {
    access: { deny: ['127.0.0.0/8'] },
    routes: [
      { path: '/open', upstream: 'app', access: {} },
      { path: '/inner', respond: { status: 200 }, access: { allow: ['127.0.0.1'] } },
      { path: '/fixed', respond: { status: 200 } },
      { upstream: 'app' },
    ],
  }
  const { origin, weir, connect } = await proxied(t, ok(), { config })
  const client = await connect()
  const status = async (target: string) => (await client.exchange({ target })).status
  assert.deepEqual(
    [await status('/open'), await status('/inner'), await status('/fixed'), await status('/')],
    [200, 200, 403, 403],
  )
  const refused = await client.exchange()
  assert.equal(errorOf(refused), 'forbidden')
  assert.equal(origin.count, 1)
  const reloaded = weir.log.lines.length
  weir.rewriteConfig({
    listen: { host: '127.0.0.1', port: 0 },
    upstreams: { app: { endpoints: [origin.url], health: false } },
  })
  weir.signal('SIGHUP')
  await weir.waitForLog((line) => line.msg === 'configuration reloaded', 'the reload', reloaded)
  await waitFor(async () => (await fetchRaw(weir.port)).status === 200, { what: 'access' })
  await weir.atRest()
})

test('behind a trusted proxy: the last address that is none of its own, for both', async (t) => {
  const { fetch } = await proxied(t, ok(), {
    config: {
      trustedProxies: ['127.0.0.1', '10.0.0.0/8'],
      access: { deny: ['192.0.2.66'] },
      clientLimits: { rate: { requests: 1, per: '1h' } },
    },
  })
  const status = async (...chain: string[]) => {
    const headers = chain.map((value): [string, string] => ['X-Forwarded-For', value])
    return (await fetch({ headers })).status
  }
  assert.equal(await status('192.0.2.66'), 403)
  assert.equal(await status('203.0.113.1, 192.0.2.66, 10.0.0.3'), 403)
  assert.equal(await status('203.0.113.1', '192.0.2.66'), 403, 'in two lines')
  assert.equal(await status('192.0.2.66, 192.0.2.1'), 200, 'what that one claims does not matter')
  assert.equal(await status('192.0.2.66, 192.0.2.1'), 429)
  assert.equal(await status('192.0.2.1, 192.0.2.2'), 200)
})

test('behind a trusted proxy that passes Connection on: nominating X-Forwarded-For takes nothing of its word away', async (t) => {
  const { origin, weir, fetch } = await proxied(t, ok(), {
    config: {
      trustedProxies: ['127.0.0.0/8'],
      forwarding: { requestId: true },
      routes: [
        { path: '/admin/*', upstream: 'app', access: { allow: ['127.0.0.0/8'] } },
        { path: '/counted', upstream: 'app', clientLimits: { rate: { requests: 1, per: '1h' } } },
        { upstream: 'app' },
      ],
    },
  })
  const nominations =
    'keep-alive, X-Forwarded-For, x-forwarded-proto, X-Forwarded-Host, Forwarded, X-Request-Id'
  const ask = (target: string, from: string, connection = nominations, more: [string, string][] = []) =>
    fetch({ target, headers: [['Connection', connection], ['X-Forwarded-For', from], ...more] })
  const stranger = '203.0.113.9'
  assert.equal((await ask('/admin/x', stranger, 'keep-alive')).status, 403)
  assert.equal((await ask('/admin/x', stranger)).status, 403)
  const handshake: [string, string][] = [
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ]
  assert.equal((await ask('/admin/x', stranger, `Upgrade, ${nominations}`, handshake)).status, 403)
  assert.equal((await ask('/counted', stranger)).status, 200)
  assert.equal((await ask('/counted', stranger)).status, 429)
  assert.equal((await ask('/counted', '203.0.113.10')).status, 200, 'another client')
  assert.equal(origin.count, 2)
  const claims: [string, string][] = [
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Host', 'shop.example'],
    ['Forwarded', 'for=203.0.113.9'],
    ['X-Request-Id', 'r'],
  ]
  assert.equal((await ask('/', stranger, nominations, claims)).status, 200)
  const headers = origin.requests[2]?.headers ?? []
  assert.equal(headerValue(headers, 'x-forwarded-for'), '203.0.113.9, 127.0.0.1')
  for (const [name, value] of claims) assert.equal(headerValue(headers, name.toLowerCase()), value)
  await weir.atRest()
})

test('not behind a trusted proxy: X-Forwarded-For changes nothing', async (t) => {
  const { fetch } = await proxied(t, ok(), { config: { clientLimits: twoAnHour } })
  const statuses = []
  for (let n = 0; n < 3; n++)
    statuses.push((await fetch({ headers: [['X-Forwarded-For', `192.0.2.${n}`]] })).status)
  assert.deepEqual(statuses, [200, 200, 429])
})
