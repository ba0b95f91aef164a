/** What has been answered by the time of a drain, or is during it, and is not over for the client yet: the drain waits for it, in moderation. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { bytes } from '../support/bytes.ts'
import type { Behaviour } from '../support/origin.ts'
import { held, ok } from '../support/origin-behaviours.ts'
import { Pacer } from '../support/pace.ts'
import { type Proxied, proxied } from '../support/proxied.ts'
import type { RawClient } from '../support/raw-client.ts'
import { queuedBytes } from '../support/tcp-queues.ts'
import { Gate, waitFor, within } from '../support/wait.ts'

const uploadBytes = 1_000_000
const pieceBytes = 50_000
/** What of it comes behind the answer takes 2 s: four times what a drain waits for another request. */
const bytesPerSecond = 475_000

async function beginDrain({ weir }: Proxied): Promise<void> {
  weir.signal('SIGTERM')
  await weir.waitForLog((line) => line.msg === 'draining', 'draining')
}

/** A drain that is older than the half second for which it waits for another request. */
async function beginLongDrain(all: Proxied): Promise<void> {
  await beginDrain(all)
  const begun = performance.now()
  await waitFor(() => performance.now() - begun > 700, { what: 'the drain to be older than its quiet' })
}

/** A client that is answered 413 behind the first piece of its upload, and has not looked at it. */
async function answeredEarly(t: TestContext, config: Record<string, unknown> = {}) {
  const early: Behaviour = async (exchange) => {
    exchange.closing = true
    await exchange.respond({ status: 413, body: 'too much' })
    await exchange.drain()
  }
  const all = await proxied(t, early, { config })
  const client = await all.connect()
  await client.send(`POST / HTTP/1.1\r\nhost: test\r\ncontent-length: ${uploadBytes}\r\n\r\n`)
  await client.send(bytes(pieceBytes))
  await waitFor(() => client.wire.socket.bytesRead > 0, { what: 'the answer' })
  return { ...all, client }
}

test('upload goes on behind an early answer_the drain waits for its end, and the client has the answer', async (t) => {
  const all = await answeredEarly(t)
  const { client, weir } = all
  await beginDrain(all)
  const pacer = new Pacer({ bytesPerSecond })
  for (let sent = pieceBytes; sent < uploadBytes; sent += pieceBytes) {
    assert.ok(await client.send(bytes(pieceBytes)), `still taken behind ${sent} bytes`)
    await pacer.passed(pieceBytes)
  }
  const answer = await client.response({ method: 'POST' })
  assert.deepEqual([answer.status, answer.text, answer.ended], [413, 'too much', 'complete'])
  assert.deepEqual(await client.closed(), { how: 'fin', unread: '' })
  assert.equal(await weir.exited, 0)
})

test('upload behind an early answer does not end_the drain waits no longer than it may', async (t) => {
  const all = await answeredEarly(t, { drainTimeout: '1s' })
  const exit = all.weir.stop()
  const sending = (async () => {
    const pacer = new Pacer({ bytesPerSecond: 100_000 })
    while (await all.client.send(bytes(10_000))) await pacer.passed(10_000)
  })()
  // It is looked after for 30 s otherwise.
  assert.equal(await within(exit, 15_000, 'the end of the drain'), 0)
  await sending
})

test('fixed answer that its client is slow to take_whole although the drain has begun', async (t) => {
  const body = 'x'.repeat(65_536)
  const all = await proxied(t, ok(), {
    config: { routes: [{ path: '/long', respond: { status: 200, body } }, { upstream: 'app' }] },
  })
  const client = await all.connect()
  const asked = await askUntilStuck(all, client, body.length)
  await beginLongDrain(all)
  for (let n = 1; n <= asked; n++) {
    const { bodyBytes, ended } = await client.response()
    assert.deepEqual([bodyBytes, ended], [body.length, 'complete'], `answer ${n} of ${asked}`)
  }
  assert.equal(await all.weir.exited, 0)
})

/** Asks for it again and again, and reads nothing. @returns how often; what is left of the last answer does not fit the kernel */
async function askUntilStuck({ weir }: Proxied, client: RawClient, bodyBytes: number): Promise<number> {
  for (let asked = 1; ; asked++) {
    assert.ok(asked < 500, 'the kernel takes everything')
    const before = queuedBytes([weir.port])
    const isWhole = () => queuedBytes([weir.port]) >= before + bodyBytes
    const isAnswered = async () => (await weir.stats())[0]!.outcomes.responded === asked
    await client.request({ target: '/long' })
    await waitFor(async () => isWhole() || (await isAnswered()), { what: `answer ${asked}` })
    // Of the first one the client has taken 64 KiB.
    if (asked > 1 && !isWhole()) return asked
  }
}

test('answer that began before the drain ends during it_there is time for its end to leave', async (t) => {
  const gate = new Gate()
  const all = await proxied(
    t,
    async (exchange) => {
      await exchange.drain()
      await exchange.head(200, [['transfer-encoding', 'chunked']])
      await exchange.chunk('first')
      await held(gate, () => undefined)(exchange)
      await exchange.chunk('last')
      await exchange.endChunks()
    },
    { config: { log: { access: { sample: 1 } } } },
  )
  const client = await all.connect()
  await client.request()
  await gate.reached(1)
  await waitFor(() => client.wire.socket.bytesRead > 0, { what: 'the beginning of the answer' })
  await beginLongDrain(all)
  gate.open()
  assert.equal((await client.response()).text, 'firstlast')
  assert.equal(await all.weir.exited, 0)
  const [ended] = all.weir.log.named('request')
  const [drained] = all.weir.log.named('drained')
  const waited = (drained!.time as number) - (ended!.time as number)
  assert.ok(waited >= 490, `drained ${waited} ms behind the answer`)
})
