/**
 * A gigabyte each way, past a reader that takes 20 MB a second and now and then nothing at all: every byte arrives, and
 * Weir holds next to nothing of it.
 *
 * The pauses are chosen against what is known of the native layer (native-notes): several of more than a second, in which
 * all buffers fill, so that the next write does not fit; one of 14 s, longer than any of the binding's fixed timers. The
 * older binding loses data exactly there when it is not handled with care. The three run side by side, each with a Weir
 * of its own.
 */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { byteStream, StreamCheck, streamSha256 } from '../support/bytes.ts'
import { sink, stream } from '../support/origin-behaviours.ts'
import type { Pace } from '../support/pace.ts'
import { RssWatch } from '../support/process-info.ts'
import { type Proxied, proxied } from '../support/proxied.ts'
import type { RawClient } from '../support/raw-client.ts'

const gibibyte = 1 << 30
const mebibyte = 1 << 20
const growthMaxBytes = 64 * mebibyte

const slowReader: Pace = {
  bytesPerSecond: 20_000_000,
  pauses: [
    { atByte: 1_000_000, ms: 1_500 },
    { atByte: 100_000_000, ms: 200 },
    { atByte: 200_000_000, ms: 2_500 },
    { atByte: 333_333_333, ms: 14_000 },
    { atByte: 500_000_000, ms: 50 },
    { atByte: 700_000_000, ms: 1_200 },
    { atByte: 1_000_000_000, ms: 3_000 },
  ],
}

let expectedSha256 = ''
before(() => {
  expectedSha256 = streamSha256(gibibyte)
})

/** Lets the worker reach its working size, so that what grows afterwards grows with the transfer. */
async function warmUp(
  { connect }: Proxied,
  transfer: (client: RawClient, total: number) => Promise<unknown>,
) {
  const client = await connect()
  for (let i = 0; i < 4; i++) await transfer(client, 8 * mebibyte)
  client.close()
}

async function upload(client: RawClient, total: number): Promise<string> {
  await client.send(`POST /${total} HTTP/1.1\r\nhost: test\r\ncontent-length: ${total}\r\n\r\n`)
  for (const slice of byteStream(total)) await client.send(slice)
  return (await client.response()).text
}

describe('1 GiB at 20 MB/s with pauses', { concurrency: 3 }, () => {
  for (const framing of ['length', 'chunked'] as const) {
    test(`response with ${framing}: identical, in less than 64 MiB`, async (t) => {
      const all = await proxied(t, (exchange) => stream(Number(exchange.path.slice(1)), framing)(exchange))
      await warmUp(all, (client, total) => client.exchange({ target: `/${total}` }))
      const memory = new RssWatch(all.weir.workerPid())

      const client = await all.connect()
      const check = new StreamCheck()
      await client.request({ target: `/${gibibyte}` })
      const { ended } = await client.response({ pace: slowReader, onBody: (piece) => check.update(piece) })

      const growth = await memory.stop()
      t.diagnostic(`the worker grew by ${inMebibytes(growth)} from ${inMebibytes(memory.startBytes)}`)
      assert.deepEqual([ended, check.total, check.firstDifference], ['complete', gibibyte, -1])
      assert.equal(check.sha256(), expectedSha256)
      assert.ok(growth < growthMaxBytes, `the worker grew by ${inMebibytes(growth)}`)
      await all.weir.atRest()
    })
  }

  test('upload: identical, in less than 64 MiB', async (t) => {
    const all = await proxied(t, {
      [`/${gibibyte}`]: sink(slowReader),
      '*': sink(),
    })
    await warmUp(all, upload)
    const memory = new RssWatch(all.weir.workerPid())

    const client = await all.connect()
    client.wire.patienceMs = 60_000 // the kernel's buffers are full when the last byte is out, and the origin is slow
    const answer = await upload(client, gibibyte)

    const growth = await memory.stop()
    t.diagnostic(`the worker grew by ${inMebibytes(growth)} from ${inMebibytes(memory.startBytes)}`)
    assert.equal(answer, `${gibibyte} ${expectedSha256}`)
    assert.ok(growth < growthMaxBytes, `the worker grew by ${inMebibytes(growth)}`)
    await all.weir.atRest()
  })
})

function inMebibytes(bytes: number): string {
  return `${(bytes / mebibyte).toFixed(1)} MiB`
}
