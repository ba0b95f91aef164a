/** A canary: some of a route's requests go to another upstream. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOrigin } from '../support/origin.ts'
import { ok } from '../support/origin-behaviours.ts'
import { upstreamOf } from '../support/proxied.ts'
import { fetchRaw } from '../support/raw-client.ts'
import { startWeir } from '../support/weir.ts'

test('by weight and by header: both have requests, and who asks for one gets it', async (t) => {
  const app = await startOrigin(t, ok('app'))
  const canary = await startOrigin(t, ok('canary'))
  const weir = await startWeir(t, {
    upstreams: { app: upstreamOf([app]), canary: upstreamOf([canary]) },
    routes: [
      {
        path: '/dark/*',
        upstream: [
          { upstream: 'app', weight: 1 },
          { upstream: 'canary', weight: 0 },
        ],
        upstreamHeader: 'x-upstream',
      },
      {
        upstream: [
          { upstream: 'app', weight: 1 },
          { upstream: 'canary', weight: 1 },
        ],
      },
    ],
  })
  // That one of them has none of 100 is a matter of 1 in 10^30.
  for (let n = 0; n < 100; n++) await fetchRaw(weir.port, { target: `/${n}` })
  assert.ok(app.count > 0 && canary.count > 0)
  assert.equal(app.count + canary.count, 100)
  for (let n = 0; n < 20; n++) assert.equal((await fetchRaw(weir.port, { target: '/dark/' })).text, 'app')
  for (const [value, text] of [
    ['canary', 'canary'],
    ['app', 'app'],
    ['nobody', 'app'],
  ] as const) {
    const headers: [string, string][] = [['X-Upstream', value]]
    assert.equal((await fetchRaw(weir.port, { target: '/dark/', headers })).text, text)
  }
  await weir.atRest()
})
