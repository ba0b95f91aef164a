/** A client that goes away takes its attempt with it: the origin's connection ends, and nothing stays in flight. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { bytes } from '../support/bytes.ts'
import { Dice } from '../support/dice.ts'
import { held, ok, silent, sink, stream } from '../support/origin-behaviours.ts'
import { type Proxied, proxied } from '../support/proxied.ts'
import { Gate, waitFor } from '../support/wait.ts'

const gigabyte = 1 << 30

/** The request's connection to the origin ends, and Weir is at rest, with the client to blame. */
async function assertCancelled({ origin, weir }: Proxied): Promise<void> {
  await waitFor(() => !origin.isOpen(origin.only()), { what: 'the end of the connection to the origin' })
  await weir.atRest()
  const [stats] = await weir.stats()
  assert.deepEqual(stats!.outcomes, { client_aborted: 1 })
}

for (const how of ['close', 'reset'] as const) {
  test(`client gone (${how}) before the head cancels the attempt`, async (t) => {
    const all = await proxied(t, silent)
    const client = await all.connect()
    await client.request()
    await waitFor(() => all.origin.count === 1, { what: 'the request at the origin' })
    client[how]()
    await assertCancelled(all)
  })

  test(`client gone (${how}) in the middle of a response cancels the attempt`, async (t) => {
    for (const framing of ['length', 'chunked'] as const) {
      const all = await proxied(t, stream(gigabyte, framing))
      const client = await all.connect()
      await client.request()
      const response = client.response({ onBody: () => client[how]() })
      await response.catch(() => undefined)
      await assertCancelled(all)
    }
  })

  test(`client gone (${how}) in the middle of an upload cancels the attempt`, async (t) => {
    for (const head of ['content-length: 1000000', 'transfer-encoding: chunked']) {
      const all = await proxied(t, sink())
      const client = await all.connect()
      await client.send(`POST / HTTP/1.1\r\nhost: test\r\n${head}\r\n\r\n`)
      await client.sendChunk(bytes(50_000)) // with Content-Length the chunk's head is a part of the body
      await waitFor(() => (all.origin.requests[0]?.bodyBytes ?? 0) >= 50_000, {
        what: 'the upload at the origin',
      })
      client[how]()
      await assertCancelled(all)
      assert.equal(all.origin.only().complete, false)
    }
  })
}

test('client gone while its reader stands still cancels the attempt', async (t) => {
  const all = await proxied(t, stream(gigabyte, 'length'))
  const client = await all.connect()
  await client.request()
  await waitForStandstill(all)
  client.reset()
  await assertCancelled(all)
})

test('client gone while the origin does not read its upload is noticed within the time-outs', async (t) => {
  // A paused socket is not watched (native-notes), so it is a deadline that finds out.
  const gate = new Gate()
  const all = await proxied(t, held(gate, ok()), {
    upstream: { timeouts: { body: '3s', headers: '3s' } },
  })
  const client = await all.connect()
  await client.send(`POST / HTTP/1.1\r\nhost: test\r\ncontent-length: ${gigabyte}\r\n\r\n`)
  await sendUntilFull(client.wire.socket)
  client.reset()
  await all.weir.waitForStats((sum) => sum.inFlight === 0 && sum.connections === 0, 'nothing in flight')
  await all.weir.atRest()
  gate.open() // the origin reads again, and so sees the end
  await waitFor(() => !all.origin.isOpen(all.origin.only()), { what: 'the end of the attempt' })
  assert.equal(all.origin.only().complete, false)
})

test('client gone while it waits in the queue gives up its place', async (t) => {
  const gate = new Gate()
  const all = await proxied(t, held(gate, ok()), {
    upstream: { connections: 1, queue: { limit: 1, timeout: '30s' } },
  })
  const [busy, waiting] = [await all.connect(), await all.connect()]
  const first = busy.exchange({ target: '/first' })
  await gate.reached(1)
  await waiting.request({ target: '/waiting' })
  await all.weir.waitForStats((sum) => sum.queued === 1, 'one request waiting')
  waiting.close()
  await all.weir.waitForStats((sum) => sum.queued === 0, 'none waiting')
  const last = (await all.connect()).exchange({ target: '/last' })
  await all.weir.waitForStats((sum) => sum.queued === 1, 'the next request in its place')
  gate.open()
  assert.deepEqual([(await first).status, (await last).status], [200, 200])
  assert.deepEqual(
    all.origin.requests.map((request) => request.target),
    ['/first', '/last'],
  )
  await all.weir.atRest()
})

test('clients that come and go at every moment leave nothing behind', async (t) => {
  const all = await proxied(t, { '/big': stream(3_000_000, 'chunked'), '*': ok('x'.repeat(5_000)) })
  await abuse(t, all, 300)
  await all.weir.atRest()
  assert.equal((await all.fetch()).status, 200)
  await all.weir.waitForStats((sum) => sum.connections === 0, 'no connection left')
  await waitFor(() => all.origin.connections.open <= 64, { what: 'no more than the pool' })
})

/** Requests of all kinds, left by their client after 0 to 3 turns of the event loop. */
async function abuse(t: TestContext, { connect, weir }: Proxied, count: number): Promise<void> {
  const dice = new Dice(t)
  for (let i = 0; i < count; i++) {
    const client = await connect()
    const target = dice.below(2) ? '/big' : '/'
    void client.request(
      dice.below(2) ? { target } : { method: 'POST', target, body: bytes(dice.below(200_000)) },
    )
    if (dice.below(2)) void client.response().catch(() => undefined)
    for (let turns = dice.below(4); turns > 0; turns--) await new Promise(setImmediate)
    if (dice.below(2)) client.reset()
    else client.close()
  }
  assert.equal(weir.log.named('worker died: it will be replaced').length, 0)
}

/** The response has stopped flowing: everything between the origin and the client that does not read is full. */
async function waitForStandstill({ origin }: Proxied): Promise<void> {
  let last = -1
  await waitFor(
    () => {
      const now = origin.bytesWritten()
      const still = now > 0 && now === last
      last = now
      return still
    },
    { what: 'a standstill', everyMs: 200 },
  )
}

/** Writes zeros until the socket takes no more for a while. */
async function sendUntilFull(socket: import('node:net').Socket): Promise<void> {
  const piece = Buffer.alloc(65_536)
  while (socket.write(piece)) {}
  let last = -1
  await waitFor(
    () => {
      const now = socket.bytesWritten - socket.writableLength
      if (socket.writableLength === 0) while (socket.write(piece)) {}
      const still = now === last && socket.writableLength > 0
      last = now
      return still
    },
    { what: 'a full socket', everyMs: 200 },
  )
}
