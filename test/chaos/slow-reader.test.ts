/**
 * Clients that read in bursts and rest in between, each with a small receive buffer: every byte of what the origin sent
 * arrives, and while a client rests its origin is held up.
 *
 * `WEIR_SLOW_READS=20 WEIR_SLOW_READ_BYTES=268435456 node test/run.ts chaos/slow-reader` is the full form: 20 times
 * 256 MiB with either framing, each with one rest that is longer than any of the binding's fixed timers (native-notes/02).
 * It takes a minute and a half on two cores; a machine that is busy needs WEIR_TEST_TIMEOUT_MS=900000 beside it.
 * WEIR_TEST_SEED repeats the bursts and rests of a run.
 *
 * A rest ends when the origin has been seen to be held up, and some drawn milliseconds later: it does not guess how long the
 * buffers between the two take to fill.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { bytesAt, StreamCheck } from '../support/bytes.ts'
import { Dice } from '../support/dice.ts'
import type { Behaviour } from '../support/origin.ts'
import { RssWatch } from '../support/process-info.ts'
import { type Proxied, proxied } from '../support/proxied.ts'
import { setReceiveBuffer } from '../support/small-receive-buffer.ts'
import { waitFor } from '../support/wait.ts'
import { responseFraming } from '../support/wire.ts'

const mebibyte = 1 << 20
const reads = Number(process.env.WEIR_SLOW_READS ?? 2)
const total = Number(process.env.WEIR_SLOW_READ_BYTES ?? 32 * mebibyte)
const isFull = total >= 256 * mebibyte
const readersAtOnce = 5
/** No smaller than the window that the connection began with: into one that shrinks, pieces go at the pace of TCP's timers. */
const receiveBufferBytes = 65_536
const longRestMs = 14_000
const growthMaxBytes = 64 * mebibyte

/** What an origin sends in one piece, over and over: a small piece in front of a big one has been lost before (native-notes/01). */
const sliceBytes = [65_536, 13_000, 65_536, 17, 40_000, 1, 65_536, 1_000]

interface Rest {
  readonly atByte: number
  /** How long it goes on once the origin is held up. */
  readonly furtherMs: number
}

/** One response at the origin. */
interface Sending {
  readonly socket: Socket
  /** Handed to the socket. */
  bytes: number
  /** Of what was sent, in hex; '' until all of it has been taken. */
  sha256: string
}

interface Reading {
  readonly rests: number
  /** Rests in which the origin stood still. In the last ones it may have sent everything already. */
  readonly heldUp: number
  /** How far the origin was ahead at most. */
  readonly aheadBytes: number
}

/** Where in the known stream the response of a reader begins. */
function startOf(reader: number): number {
  return reader * 65_537
}

/** Sends to `/<reader>` and keeps account in `sendings`. */
function sender(framing: 'length' | 'chunked', sendings: Map<number, Sending>): Behaviour {
  return async (exchange) => {
    const reader = Number(exchange.path.slice(1))
    const sending: Sending = { socket: exchange.wire.socket, bytes: 0, sha256: '' }
    sendings.set(reader, sending)
    const hash = createHash('sha256')
    await exchange.head(200, [
      framing === 'length' ? ['content-length', String(total)] : ['transfer-encoding', 'chunked'],
    ])
    for (let n = 0; sending.bytes < total; n++) {
      const length = Math.min(sliceBytes[n % sliceBytes.length]!, total - sending.bytes)
      const slice = bytesAt(startOf(reader) + sending.bytes, length)
      hash.update(slice)
      sending.bytes += length
      if (!(await (framing === 'length' ? exchange.write(slice) : exchange.chunk(slice)))) return
    }
    if (framing === 'chunked') await exchange.endChunks()
    sending.sha256 = hash.digest('hex')
  }
}

/** Bursts of some 1 to 3 % of the whole and rests between them. */
function drawRests(dice: Dice): Rest[] {
  const rests: Rest[] = []
  const hundredth = Math.floor(total / 100)
  for (let at = hundredth; at < total; at += hundredth + dice.below(2 * hundredth)) {
    rests.push({ atByte: at, furtherMs: dice.below(8) === 0 ? dice.below(400) : dice.below(30) })
  }
  const long = dice.below(Math.floor(rests.length / 2))
  if (isFull) rests[long] = { atByte: rests[long]!.atByte, furtherMs: longRestMs }
  return rests
}

/** Waits until nothing more leaves the origin although it has more to send. False if it has sent everything. */
async function heldUp(sending: Sending): Promise<boolean> {
  const { socket } = sending
  let last = -1
  let still = 0
  await waitFor(
    () => {
      const gone = socket.bytesWritten - socket.writableLength
      still = gone === last && socket.writableLength > 0 ? still + 1 : 0
      last = gone
      return still >= 5 || sending.sha256 !== ''
    },
    { what: 'the origin to be held up', everyMs: 15, timeoutMs: 60_000 },
  )
  return still >= 5
}

async function readSlowly(
  all: Proxied,
  reader: number,
  rests: readonly Rest[],
  sendings: ReadonlyMap<number, Sending>,
): Promise<Reading> {
  const client = await all.connect()
  setReceiveBuffer(client.wire.socket, receiveBufferBytes)
  client.wire.patienceMs = 60_000
  await client.request({ target: `/${reader}` })
  const head = (await client.wire.head())!
  assert.match(head.startLine, /^HTTP\/1\.1 200 /)
  const sending = sendings.get(reader)!
  const check = new StreamCheck(startOf(reader))
  let next = 0
  let timesHeldUp = 0
  let aheadBytes = 0
  for await (const piece of client.wire.body(responseFraming('GET', 200, head))) {
    check.update(piece)
    while (next < rests.length && check.total >= rests[next]!.atByte) {
      if (await heldUp(sending)) timesHeldUp++
      await sleep(rests[next++]!.furtherMs)
      aheadBytes = Math.max(aheadBytes, sending.bytes - check.total)
    }
  }
  client.close()
  assert.deepEqual([check.total, check.firstDifference], [total, -1], `reader ${reader}`)
  assert.equal(check.sha256(), sending.sha256, `reader ${reader}`)
  return { rests: rests.length, heldUp: timesHeldUp, aheadBytes }
}

describe('readers that rest', { concurrency: 2 }, () => {
  for (const framing of ['length', 'chunked'] as const) {
    test(`${reads} × ${total / mebibyte} MiB with ${framing}: identical, the origin is held up, the worker does not grow`, async (t) => {
      const dice = new Dice(t)
      const plans = Array.from({ length: reads }, () => drawRests(dice))
      const sendings = new Map<number, Sending>()
      const all = await proxied(t, sender(framing, sendings))
      const memory = new RssWatch(all.weir.workerPid())
      const readings: Reading[] = []
      let begun = 0
      const readOn = async () => {
        while (begun < reads) {
          const reader = begun++
          readings.push(await readSlowly(all, reader, plans[reader]!, sendings))
        }
      }
      const startedAt = performance.now()
      await Promise.all(Array.from({ length: readersAtOnce }, readOn))

      const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
      const growth = await memory.stop()
      const sum = (of: (reading: Reading) => number) => readings.reduce((a, reading) => a + of(reading), 0)
      const ahead = Math.max(...readings.map((reading) => reading.aheadBytes)) / mebibyte
      t.diagnostic(`${readings.length} equal in ${seconds} s; the worker grew by ${growth / mebibyte} MiB`)
      t.diagnostic(
        `held up in ${sum((r) => r.heldUp)} of ${sum((r) => r.rests)} rests, ${ahead.toFixed(1)} MiB ahead at most`,
      )
      assert.equal(readings.length, reads)
      for (const reading of readings)
        assert.ok(
          reading.heldUp > reading.rests / 8,
          `held up in ${reading.heldUp} of ${reading.rests} rests`,
        )
      // Far above what the kernels keep, and far below the whole: with less than 256 MiB it says nothing.
      if (isFull) assert.ok(ahead < 64, `the origin was ${ahead} MiB ahead`)
      assert.ok(growth < growthMaxBytes, `the worker grew by ${growth} bytes`)
      await all.weir.atRest()
    })
  }
})
