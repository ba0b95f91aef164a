/** A route's total time, before the answer's head and behind it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ok, silent } from '../support/origin-behaviours.ts'
import { proxied } from '../support/proxied.ts'

/** Long enough for an ordinary answer on a busy machine. */
const totalMs = 2_000
const routes = [{ path: '/short/*', timeout: `${totalMs}ms`, upstream: 'app' }, { upstream: 'app' }]

test('route timeout: 504 before the head, the connection closed behind it, nothing where there is none', async (t) => {
  const { weir, fetch, origin } = await proxied(
    t,
    {
      '/short/silent': silent,
      '/short/drip': async (exchange) => {
        await exchange.head(200, [['transfer-encoding', 'chunked']])
        // Each piece renews the body's time-out, none of them the total.
        while (await exchange.chunk('drip')) await new Promise((resolve) => setTimeout(resolve, 20))
      },
      '/short/ok': ok(),
      '/slow': async (exchange) => {
        await new Promise((resolve) => setTimeout(resolve, totalMs + 500))
        await exchange.respond({ body: 'late' })
      },
    },
    { config: { routes } },
  )
  const late = await fetch({ target: '/short/silent' })
  assert.equal(late.status, 504)
  assert.equal((JSON.parse(late.text) as { error: string }).error, 'route_timeout')
  assert.equal(origin.count, 1, 'not tried again')
  const cut = await fetch({ target: '/short/drip' })
  assert.equal(cut.status, 200)
  assert.notEqual(cut.ended, 'complete')
  assert.equal((await fetch({ target: '/short/ok' })).status, 200)
  assert.equal((await fetch({ target: '/slow' })).text, 'late')
  await weir.atRest()
})
