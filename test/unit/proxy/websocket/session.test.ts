/** WebSockets whose endpoint fails the handshake, through a real data plane. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpointPlan, upstreamPlan } from '../../../support/fakes/plans.ts'
import { restOf, runDataPlane } from '../../../support/fakes/running-data-plane.ts'
import { startOrigin } from '../../../support/origin.ts'
import { resetBeforeHead } from '../../../support/origin-behaviours.ts'
import { fetchRaw } from '../../../support/raw-client.ts'

const handshake: [string, string][] = [
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
]

for (const [budget, attempts] of [
  [1, 2],
  [0, 1],
] as const) {
  test(`handshake that an endpoint resets, a budget of ${budget}_${attempts} attempts, and no retry of a request`, async (t) => {
    const origin = await startOrigin(t, resetBeforeHead)
    const retries = { attempts: 1, budget, minPerSecond: budget, bodyBytes: 0, on: [] }
    const { proxy, port } = runDataPlane(t, {
      upstreams: [upstreamPlan({ endpoints: [endpointPlan('a', origin.port)], retries })],
    })
    assert.equal((await fetchRaw(port, { headers: handshake })).status, 502)
    await restOf(proxy)
    const [upstream] = proxy.stats().upstreams
    assert.deepEqual(upstream?.retries, { sent: 0, withheld: 0 })
    assert.equal(proxy.stats().endpoints[0]?.attempts, attempts)
  })
}
