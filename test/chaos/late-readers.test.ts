/**
 * Clients whose connections close behind their answers, and who read nothing before that: answers of all lengths around what the kernel
 * holds of one, so that it takes the last piece of some of them in part. Every byte is there when they read at last.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamCheck } from '../support/bytes.ts'
import { type Behaviour, type Origin, startOrigin } from '../support/origin.ts'
import { stream } from '../support/origin-behaviours.ts'
import { upstreamOf } from '../support/proxied.ts'
import { RawClient } from '../support/raw-client.ts'
import { queuedBytes } from '../support/tcp-queues.ts'
import { waitFor } from '../support/wait.ts'
import { startWeir, type Weir } from '../support/weir.ts'

/** Less than a piece of a body in chunks, so that the kernel is full within the last one of some answer. */
const stepBytes = 9_000
const readers = 40
/** Of them, those whose answers are shorter than what the kernel has held of one that goes on; it may hold more of one that ends. */
const shorter = 10

for (const framing of ['chunked', 'length'] as const) {
  test(`${readers} clients that read when all is closed (${framing}): nothing is lost of any answer`, async (t) => {
    const sized: Behaviour = (exchange) => stream(Number(exchange.path.slice(1)), framing)(exchange)
    const origin = await startOrigin(t, sized)
    const weir = await startWeir(t, {
      upstreams: { app: upstreamOf([origin], { connections: 2 * readers }) },
    })
    const ask = async (total: number): Promise<RawClient> => {
      const client = await RawClient.connect(weir.port)
      t.after(() => client.close())
      client.wire.socket.pause()
      // `close` alone is the binding's affair.
      await client.request({ target: `/${total}`, headers: [['Connection', 'x-a, close']] })
      return client
    }
    const capacity = await held(origin, weir, ask)
    const totals = Array.from({ length: readers }, (_, index) => capacity + (index - shorter) * stepBytes)
    const clients = await Promise.all(totals.map(ask))
    await standstill(origin)
    // What the kernel has taken whole, as far as Weir can tell, is closed; what it has not is still in flight.
    const [line] = await weir.waitForStats(
      ({ connections, inFlight }) => connections === inFlight && inFlight < readers,
      'connections to be closed',
    )
    t.diagnostic(`${capacity} bytes in the kernel, ${line!.inFlight} of ${readers} answers still in flight`)
    assert.ok(line!.inFlight > 0, 'the last ones are too long for it')
    for (const [index, client] of clients.entries()) {
      const check = new StreamCheck()
      const { bodyBytes, ended } = await client.response({ onBody: (piece) => check.update(piece) })
      const total = totals[index]
      assert.deepEqual([bodyBytes, ended, check.firstDifference], [total, 'complete', -1], `${total} bytes`)
    }
    await weir.atRest()
  })
}

/** What the kernel holds of an answer that nobody reads. */
async function held(origin: Origin, weir: Weir, ask: (total: number) => Promise<RawClient>): Promise<number> {
  const client = await ask(64 << 20)
  await standstill(origin)
  const bytes = queuedBytes([weir.port])
  client.reset()
  await weir.atRest()
  return bytes
}

/** Nothing more leaves the origin. */
async function standstill(origin: Origin): Promise<void> {
  let last = -1
  let still = 0
  await waitFor(
    () => {
      const now = origin.bytesWritten()
      still = now > 0 && now === last ? still + 1 : 0
      last = now
      return still >= 3
    },
    { what: 'a standstill', everyMs: 200 },
  )
}
