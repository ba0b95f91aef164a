/** Requests are copied to another upstream, and nobody in front notices whatever becomes of the copies. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { runLoad } from '../support/load.ts'
import { type Behaviour, startOrigin, unusedPort } from '../support/origin.ts'
import { breakMidBody, ok, resetBeforeHead, respond, silent, stream } from '../support/origin-behaviours.ts'
import { upstreamOf } from '../support/proxied.ts'
import { fetchRaw } from '../support/raw-client.ts'
import { Gate, waitFor } from '../support/wait.ts'
import { startWeir } from '../support/weir.ts'

async function mirrored(
  t: TestContext,
  other: { url: string },
  mirror: object = {},
  settings: Readonly<Record<string, unknown>> = {},
) {
  const app = await startOrigin(t, ok('app'))
  const weir = await startWeir(t, {
    upstreams: { app: upstreamOf([app]), next: upstreamOf([other], settings) },
    routes: [{ upstream: 'app', mirror: { upstream: 'next', ...mirror } }],
  })
  const figures = async () => (await weir.stats())[0]?.mirrors[0]
  return { app, weir, figures }
}

test('copies arrive as the originals do, without those that have a body', async (t) => {
  const next = await startOrigin(t, ok('next'))
  const { app, weir, figures } = await mirrored(t, next)
  for (let n = 0; n < 20; n++) {
    const answer = await fetchRaw(weir.port, { target: `/${n}?q`, headers: [['X-A', `${n}`]] })
    assert.equal(answer.text, 'app')
  }
  assert.equal((await fetchRaw(weir.port, { method: 'POST', body: 'x' })).text, 'app')
  await weir.atRest()
  const seen = (origin: typeof app) =>
    origin.requests.map(({ method, target, headers }) => JSON.stringify([method, target, headers])).sort()
  assert.deepEqual(
    seen(next),
    seen(app).filter((text) => !text.includes('POST')),
  )
  assert.deepEqual(await figures(), { upstream: 'next', sent: 20, dropped: 0, failed: 0 })
})

test('a share of them', async (t) => {
  const next = await startOrigin(t, ok('next'))
  const { weir } = await mirrored(t, next, { share: 0.5 })
  assert.deepEqual((await runLoad({ port: weir.port, requests: 200 })).statuses, { 200: 200 })
  await weir.atRest()
  assert.ok(next.count > 50 && next.count < 150, `${next.count}`)
})

const open = new Gate()
open.open()

const bad: [string, Behaviour][] = [
  ['resets', resetBeforeHead],
  ['answers 503', respond({ status: 503 })],
  ['breaks off', breakMidBody('length', 'reset', 1_000, open)],
  ['sends much', stream(1_000_000, 'chunked')],
]
for (const [what, behaviour] of bad) {
  test(`the other one ${what}: no client notices, nothing is left in flight`, async (t) => {
    const next = await startOrigin(t, behaviour)
    const { weir } = await mirrored(t, next)
    const load = await runLoad({ port: weir.port, connections: 8, requests: 300 })
    assert.deepEqual([load.statuses, load.errors], [{ 200: 300 }, {}])
    await weir.atRest()
  })
}

test('the other one refuses: no client notices', async (t) => {
  const { weir, figures } = await mirrored(t, { url: `http://127.0.0.1:${await unusedPort()}` })
  const load = await runLoad({ port: weir.port, connections: 8, requests: 300 })
  assert.deepEqual([load.statuses, load.errors], [{ 200: 300 }, {}])
  await weir.atRest()
  const { sent = 0, dropped = 0, failed = 0 } = (await figures()) ?? {}
  assert.deepEqual([sent + dropped, failed], [300, sent])
  assert.ok(dropped > 0, 'shut at the gate')
})

test('the other one hangs: copies take its places and no more, and end with its time-out', async (t) => {
  const next = await startOrigin(t, silent)
  const settings = { connections: 3, timeouts: { headers: '1s' }, outliers: false }
  const { weir, figures } = await mirrored(t, next, {}, settings)
  const load = await runLoad({ port: weir.port, connections: 8, requests: 200 })
  assert.deepEqual([load.statuses, load.errors], [{ 200: 200 }, {}])
  await waitFor(() => next.connections.open === 0, { what: 'the copies to be given up' })
  await weir.atRest()
  const { sent = 0, dropped = 0, failed = 0 } = (await figures()) ?? {}
  assert.deepEqual([sent + dropped, failed], [200, sent])
  assert.ok(dropped > 0)
})
