import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Load, runLoad } from '../../support/load.ts'
import { startOrigin, unusedPort } from '../../support/origin.ts'
import { closeBeforeHead, ok, resetBeforeHead, respond, stream } from '../../support/origin-behaviours.ts'
import { waitFor } from '../../support/wait.ts'

test('load counts answers by status and errors by kind', async (t) => {
  const origin = await startOrigin(t, {
    '/0': ok(),
    '/1': respond({ status: 503 }),
    '/2': closeBeforeHead,
    '/3': resetBeforeHead,
    '/4': async (exchange) => {
      await exchange.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello')
      exchange.finish()
    },
  })
  const load = await runLoad({
    port: origin.port,
    connections: 4,
    requests: 50,
    request: (n) => ({ target: `/${n % 5}` }),
    onResponse: (response) => (response.status === 503 ? 'wrong' : undefined),
  })
  assert.deepEqual(load.statuses, { 200: 10, 503: 10 })
  assert.deepEqual(load.errors, { closed: 10, reset: 10, truncated: 10, wrong: 10 })
  assert.deepEqual([load.sent, load.answered, load.failed], [50, 20, 40])
})

test('load uses so many connections and keeps them', async (t) => {
  const origin = await startOrigin(t, stream(100_000, 'chunked'), { keepRequests: 10 })
  const load = await runLoad({ port: origin.port, connections: 3, requests: 60 })
  assert.deepEqual(load.statuses, { 200: 60 })
  assert.equal(origin.connections.total, 3)
  assert.deepEqual([origin.count, origin.requests.length], [60, 10])
})

test('load stops when told, with every answer in', async (t) => {
  const origin = await startOrigin(t, ok())
  const load = new Load({ port: origin.port })
  await waitFor(() => load.answered > 100, { what: 'a hundred answers' })
  await load.stop()
  assert.equal(load.answered, load.sent)
  assert.equal(origin.count, load.sent)
  assert.equal(load.failed, 0)
})

test('load refused is counted', async () => {
  const load = await runLoad({ port: await unusedPort(), connections: 2, requests: 4 })
  assert.deepEqual(load.errors, { ECONNREFUSED: 4 })
})
