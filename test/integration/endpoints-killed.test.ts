/** One of three endpoints is killed, with whatever is in flight on it. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Load, runLoad } from '../support/load.ts'
import { type OriginProcess, startOriginProcess } from '../support/origin-process.ts'
import { upstreamOf } from '../support/proxied.ts'
import type { ClientRequest, ClientResponse } from '../support/raw-client.ts'
import { waitFor } from '../support/wait.ts'
import { startWeir, type Weir } from '../support/weir.ts'

const clients = 18
/** Connections per endpoint: so many requests at most are in flight on the one that is killed. */
const rooms = [
  ['the others have room', 32],
  // Then what was meant for the dead one has to wait for a place on them, not to fail on it again.
  ['the others are full', 8],
] as const
/** Every request takes a while at the origin, so that there always are some. */
const target = '/?delay=10'
const health = { interval: '100ms', unhealthyAfter: 2, healthyAfter: 1 }

async function threeProcesses(t: TestContext, connections: number) {
  const origins = await Promise.all(['one', 'two', 'three'].map((name) => startOriginProcess(t, name)))
  const weir = await startWeir(t, { upstreams: { app: upstreamOf(origins, { connections, health }) } })
  return { weir, origins }
}

/** A load during which the first of the origins is killed, and later comes back. Ends when it serves again. */
async function killOneUnder(
  t: TestContext,
  connections: number,
  request: ClientRequest,
): Promise<{ load: Load; weir: Weir; reasons: Record<string, number> }> {
  const { weir, origins } = await threeProcesses(t, connections)
  const [victim] = origins as [OriginProcess]
  const reasons: Record<string, number> = {}
  let fromVictim = 0
  const load = new Load({
    port: weir.port,
    connections: clients,
    request: () => request,
    onResponse: (answer) => {
      if (answer.status === 200) fromVictim += Number(answer.text === victim.name)
      else countReason(reasons, answer)
      return undefined
    },
  })
  await waitFor(() => fromVictim > 50, { what: 'answers of the one to be killed' })
  await victim.kill()
  const answered = load.answered
  await weir.waitForLog((line) => line.msg === 'endpoint is unhealthy', 'the endpoint is unhealthy')
  await waitFor(() => load.answered > answered + 300, { what: '300 answers without it' })
  await victim.start()
  fromVictim = 0
  await waitFor(() => fromVictim > 50, { what: 'answers of the one that is back' })
  await load.stop()
  await weir.atRest()
  return { load, weir, reasons }
}

for (const [room, connections] of rooms) {
  test(`endpoint killed under GETs, ${room}: none fails`, async (t) => {
    const { load, weir, reasons } = await killOneUnder(t, connections, { target })
    assert.deepEqual(load.errors, {})
    assert.deepEqual(reasons, {})
    assert.equal(weir.log.named('endpoint is unhealthy').length, 1)
    assert.equal(weir.log.named('endpoint is healthy').length, 1)
  })

  test(`endpoint killed under POSTs, ${room}: at most those in flight on it fail, each with 502`, async (t) => {
    const request = { method: 'POST', target, body: 'x'.repeat(1_000) }
    const { load, reasons } = await killOneUnder(t, connections, request)
    const inFlightMax = Math.min(connections, clients)
    const { endpoint_reset: failed = 0, ...others } = reasons
    t.diagnostic(`${failed} of at most ${inFlightMax} in flight failed`)
    assert.deepEqual(load.errors, {})
    assert.deepEqual(others, {})
    assert.ok(failed <= inFlightMax, `${failed} failed`)
  })
}

test('every endpoint killed and one back: what comes then is served', async (t) => {
  const { weir, origins } = await threeProcesses(t, 8)
  assert.deepEqual((await runLoad({ port: weir.port, requests: 30 })).statuses, { 200: 30 })
  for (const origin of origins) await origin.kill()
  const failed = await runLoad({ port: weir.port, requests: 30 })
  assert.equal((failed.statuses[502] ?? 0) + (failed.statuses[503] ?? 0), 30, JSON.stringify(failed.statuses))
  await waitFor(() => weir.log.named('endpoint is unhealthy').length === 3, { what: 'all to be out' })
  await origins[2]!.start()
  await weir.waitForLog((line) => line.msg === 'endpoint is healthy', 'one is back')
  await waitFor(async () => (await runLoad({ port: weir.port, requests: 1 })).statuses[200] === 1, {
    what: 'a 200',
  })
  assert.deepEqual((await runLoad({ port: weir.port, requests: 30 })).statuses, { 200: 30 })
  await weir.atRest()
})

/** By the error's name, which Weir puts into the answer. */
function countReason(reasons: Record<string, number>, { text }: ClientResponse): void {
  const { error } = JSON.parse(text) as { error: string }
  reasons[error] = (reasons[error] ?? 0) + 1
}
