/** Endpoints go out and come back by the word of the active checks. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Load, runLoad } from '../support/load.ts'
import { type Origin, startOrigin } from '../support/origin.ts'
import { ok, respond, silent } from '../support/origin-behaviours.ts'
import { upstreamOf } from '../support/proxied.ts'
import { fetchRaw } from '../support/raw-client.ts'
import { waitFor } from '../support/wait.ts'
import { startWeir, type Weir } from '../support/weir.ts'

const quick = { interval: '50ms', timeout: '500ms', unhealthyAfter: 2, healthyAfter: 2 }

interface Checked {
  readonly weir: Weir
  readonly origins: readonly Origin[]
  /** Waits for the next line of the log that says so about this origin. */
  says(healthy: boolean, origin: Origin): Promise<void>
}

/** `count` origins with a `/health` that can be turned off, checked by path or by TCP. */
async function checked(t: TestContext, count: number, health: object): Promise<Checked> {
  const origins = await Promise.all(
    Array.from({ length: count }, () => startOrigin(t, { '*': ok() }, { keepRequests: 0 })),
  )
  const weir = await startWeir(t, { workers: 2, upstreams: { app: upstreamOf(origins, { health }) } })
  let from = 0
  return {
    weir,
    origins,
    async says(healthy, origin) {
      const msg = healthy ? 'endpoint is healthy' : 'endpoint is unhealthy'
      const line = await weir.waitForLog(
        (l) => l.msg === msg && l.origin === origin.url,
        `${msg}: ${origin.url}`,
        from,
      )
      from = weir.log.lines.indexOf(line) + 1
    },
  }
}

/** Requests beside the checks that have reached it. */
function counting(origin: Origin, healthy: boolean): { requests: number } {
  const seen = { requests: 0 }
  origin.use({
    '/health': respond({ status: healthy ? 204 : 500 }),
    '*': async (exchange) => {
      seen.requests++
      await exchange.respond()
    },
  })
  return seen
}

test('endpoint whose check fails goes out and comes back under load, with a line for each and no request lost', async (t) => {
  const { weir, origins, says } = await checked(t, 3, { path: '/health', ...quick })
  const [sick] = origins as [Origin]
  const load = new Load({ port: weir.port, connections: 16 })
  await waitFor(() => load.answered > 500, { what: '500 answers' })

  const out = counting(sick, false)
  await says(false, sick)
  await waitFor(
    async () => {
      const before = out.requests
      const answered = load.answered
      await waitFor(() => load.answered > answered + 300, { what: '300 more answers' })
      return out.requests === before
    },
    { what: 'an endpoint that is out to get no more requests' },
  )

  const back = counting(sick, true)
  await says(true, sick)
  await waitFor(() => back.requests > 100, { what: 'requests to the endpoint that is back' })
  await load.stop()
  assert.deepEqual(load.errors, {})
  assert.deepEqual(Object.keys(load.statuses), ['200'])
  const changes = weir.log.lines.filter((line) => /^endpoint is/.test(line.msg)).map((line) => line.msg)
  assert.deepEqual(changes, ['endpoint is unhealthy', 'endpoint is healthy'])
  await weir.atRest()
})

test('every endpoint out: 503 at once; back: 200', async (t) => {
  const { weir, origins, says } = await checked(t, 2, quick)
  assert.equal((await fetchRaw(weir.port)).status, 200)
  for (const origin of origins) await origin.stop()
  await waitFor(() => weir.log.named('endpoint is unhealthy').length === 2, { what: 'both to be out' })
  const shed = await runLoad({ port: weir.port, connections: 4, requests: 40 })
  assert.deepEqual([shed.statuses, shed.errors], [{ 503: 40 }, {}])
  const attempts = (await weir.stats()).flatMap((line) => line.endpoints.map((endpoint) => endpoint.attempts))
  assert.equal(
    attempts.reduce((a, b) => a + b),
    1,
    'only the first request was attempted',
  )
  await origins[0]!.start()
  await says(true, origins[0]!)
  await waitFor(async () => (await fetchRaw(weir.port)).status === 200, { what: 'the first 200' })
  const served = await runLoad({ port: weir.port, connections: 4, requests: 40 })
  assert.deepEqual([served.statuses, served.errors], [{ 200: 40 }, {}])
  await weir.atRest()
})

test('check that gets no answer in time counts as failed', async (t) => {
  const { origins, says } = await checked(t, 2, { path: '/health', ...quick, timeout: '100ms' })
  origins[1]!.use({ '/health': silent, '*': ok() })
  await says(false, origins[1]!)
})

test('check that is answered with a redirect is good, with 404 it is not', async (t) => {
  const { weir, origins, says } = await checked(t, 2, { path: '/health', ...quick })
  origins[0]!.use({ '/health': respond({ status: 302 }), '*': ok() })
  origins[1]!.use({ '/health': respond({ status: 404 }), '*': ok() })
  await says(false, origins[1]!)
  assert.ok(weir.log.named('endpoint is unhealthy').every((line) => line.origin === origins[1]!.url))
})

test('worker that starts later knows who is out', async (t) => {
  const { weir, origins, says } = await checked(t, 2, { path: '/health', ...quick })
  const out = counting(origins[0]!, false)
  await says(false, origins[0]!)
  const from = weir.log.lines.length
  process.kill(weir.workerPids()[0]!, 'SIGKILL')
  await weir.waitForLog((line) => line.msg === 'worker started', 'the worker to be replaced', from)
  await waitFor(async () => (await weir.stats()).length === 2, { what: 'both workers' })
  const before = out.requests
  const load = await runLoad({ port: weir.port, connections: 16, requests: 400 })
  assert.deepEqual([load.statuses, load.errors], [{ 200: 400 }, {}])
  assert.equal(out.requests, before)
})
