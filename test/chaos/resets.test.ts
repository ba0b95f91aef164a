/**
 * Clients that reset at every possible moment: within the request's head, behind it, within its body, before, within and
 * after the response. Nothing is left of them, in the worker or towards the origin.
 *
 * Each is cut when so much has been sent or received, never by the clock, so that a slow machine covers as much as a fast one; at
 * the end every moment must have come about.
 *
 * WEIR_TEST_SEED repeats a run; WEIR_TEST_RESETS sets the number of clients, 30,000 by default.
 */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { bytes } from '../support/bytes.ts'
import { Dice } from '../support/dice.ts'
import { liveMemory, measuresLiveMemory } from '../support/live-memory.ts'
import { chunked, ok, sink, stream } from '../support/origin-behaviours.ts'
import { isAlive } from '../support/process-info.ts'
import { proxied } from '../support/proxied.ts'
import { waitFor } from '../support/wait.ts'

const resets = Number(process.env.WEIR_TEST_RESETS ?? 30_000)
/** After each the worker comes to rest, and what it holds is measured. */
const rounds = 6
const atOnce = 64
const poolSize = 32
const body = bytes(60_000)

/** What clients ask for. Each is cut at some byte of what it sends, or at some byte of what it receives. */
const requests = [
  'GET / HTTP/1.1\r\nhost: test\r\n\r\n',
  'HEAD / HTTP/1.1\r\nhost: test\r\n\r\n',
  'GET /chunked HTTP/1.1\r\nhost: test\r\n\r\n',
  'GET /big HTTP/1.1\r\nhost: test\r\n\r\n',
  'GET /none HTTP/1.1\r\nhost: test\r\n\r\n',
  'POST /sink HTTP/1.1\r\nhost: test\r\ncontent-length: 60000\r\n\r\n',
  'POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 60000\r\n\r\n',
  'POST /sink HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\nea60\r\n',
].map((head) => {
  if (!head.startsWith('POST')) return Buffer.from(head)
  const tail = head.includes('chunked') ? '\r\n0\r\n\r\n' : ''
  return Buffer.concat([Buffer.from(head), body, Buffer.from(tail)])
})

/** Where a client is cut. */
const moments = [
  'within the head of the request',
  'behind the head, before the body',
  'within the body of the request',
  'behind the request, before the answer',
  'within the answer',
  'behind the answer',
] as const

type Moment = (typeof moments)[number]

/** Of all clients, those that must at least be cut at each moment. */
const leastShare = 1 / 200

/** What may be left of each in the worker's memory: less than any object that is made for a client. */
const leftBytesMax = 128

/** By how much a worker that leaks nothing differs from one round to another. */
const noiseBytes = { heapBytes: 2 * 1_024 * 1_024, rssBytes: 4 * 1_024 * 1_024 }

test(`${resets} clients that reset at every possible moment leak nothing`, {
  timeout: 240_000,
}, async (t) => {
  const dice = new Dice(t)
  const all = await proxied(
    t,
    {
      '/': ok('x'.repeat(5_000)),
      '/chunked': chunked(['a', 'b'.repeat(20_000), 'c']),
      '/big': stream(500_000, 'length'),
      '/sink': sink(),
      '/echo': async (exchange) => {
        await exchange.head(200, [['transfer-encoding', 'chunked']])
        for await (const piece of exchange.body()) await exchange.chunk(piece)
        await exchange.endChunks()
      },
    },
    { upstream: { connections: poolSize }, weir: measuresLiveMemory },
  )
  const pid = all.weir.workerPid()
  const counts = Object.fromEntries(moments.map((moment) => [moment, 0])) as Record<Moment, number>
  const round = async () => {
    let left = Math.ceil(resets / rounds)
    const client = async () => {
      while (left-- > 0) counts[await cut(all.weir.port, dice)]++
    }
    await Promise.all(Array.from({ length: atOnce }, client))
    await all.weir.atRest()
    await all.weir.waitForStats((sum) => sum.connections === 0, 'no connection left')
    return liveMemory(all.weir)
  }
  const before = await round() // the first clients bring the worker to the size that it keeps
  let after = before
  for (let i = 1; i < rounds; i++) after = await round()
  for (const kind of ['heapBytes', 'rssBytes'] as const) {
    const most = noiseBytes[kind] + leftBytesMax * resets
    const grown = after[kind] - before[kind]
    t.diagnostic(`${kind} grew by ${Math.round(grown / 1024)} KiB`)
    assert.ok(grown < most, `${grown} ${kind} are left`)
  }
  assert.ok(isAlive(pid) && all.weir.workerPid() === pid, 'the worker that began is the one that ended')
  assert.equal(all.weir.log.named('worker died: it will be replaced').length, 0)
  await waitFor(() => all.origin.connections.open <= poolSize, {
    what: () => `no more than the pool at the origin (${all.origin.connections.open})`,
  })
  const [stats] = await all.weir.stats()
  assert.equal(stats!.outcomes.internal ?? 0, 0)
  t.diagnostic(`outcomes ${JSON.stringify(stats!.outcomes)}`)
  t.diagnostic(`clients cut ${JSON.stringify(counts)}`)
  for (const moment of moments) {
    assert.ok(counts[moment] >= resets * leastShare, `${counts[moment]} of ${resets} cut ${moment}`)
  }
  const { client_aborted: aborted = 0, ...answered } = stats!.outcomes
  assert.ok(aborted > 0, 'clients that Weir saw go')
  const answers = Object.values(answered).reduce((sum, count) => sum + count, 0)
  assert.ok(answers >= counts['behind the answer'], `${answers} answers`)
  const last = await all.fetch()
  assert.deepEqual([last.status, last.body.length], [200, 5_000])
})

/** One client: sends a request or a part of it, receives nothing or a part of the answer, and is gone with an RST. */
function cut(port: number, dice: Dice): Promise<Moment> {
  const request = requests[dice.below(requests.length)]!
  const headBytes = request.indexOf('\r\n\r\n') + 4
  // In a third of the cases within what is sent, most often near its beginning, where the head is.
  const whole = dice.below(3) > 0
  const span = dice.below(2) ? request.length : Math.min(request.length, headBytes + 20)
  const part = dice.below(4) === 0 ? headBytes : dice.below(span + 1)
  const sent = whole ? request : request.subarray(0, part)
  // Of those that send all, half read on, up to some byte or the end of the answer.
  const leaveAt = whole && dice.below(2) ? 1 + dice.below(dice.below(2) ? 300 : 30_000) : 0
  const turns = dice.below(6)
  const answer = new Answer(request.subarray(0, 4).toString() === 'HEAD')
  const moment = (): Moment => {
    if (answer.complete) return 'behind the answer'
    if (answer.bytes > 0) return 'within the answer'
    if (sent.length === request.length) return 'behind the request, before the answer'
    if (sent.length < headBytes) return 'within the head of the request'
    return sent.length === headBytes ? 'behind the head, before the body' : 'within the body of the request'
  }
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let when: Moment | null = null
    const leave = () => {
      when ??= moment()
      socket.resetAndDestroy()
    }
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(when ?? moment()))
    socket.on('end', leave)
    socket.on('data', (piece) => {
      answer.take(piece)
      if (leaveAt > 0 && (answer.bytes >= leaveAt || answer.complete)) leave()
    })
    socket.on('connect', () => {
      socket.write(sent)
      if (leaveAt === 0) void afterTurns(turns).then(leave)
    })
  })
}

/** How far an answer has come. */
class Answer {
  bytes = 0
  complete = false
  readonly #isHead: boolean
  /** Of the head, until it is whole; then the last bytes, in which the end of a chunked body can be seen. */
  #tail = ''
  #total = Number.NaN

  constructor(isHead: boolean) {
    this.#isHead = isHead
  }

  take(piece: Buffer): void {
    this.bytes += piece.length
    this.#tail += piece.latin1Slice()
    if (Number.isNaN(this.#total)) {
      const end = this.#tail.indexOf('\r\n\r\n') + 4
      if (end < 4) return
      const length = /content-length: (\d+)/i.exec(this.#tail.slice(0, end))
      this.#total = length === null ? Number.POSITIVE_INFINITY : end + (this.#isHead ? 0 : Number(length[1]))
      if (length === null && this.#isHead) this.#total = end
    }
    this.#tail = this.#tail.slice(-16)
    this.complete = this.bytes >= this.#total || this.#tail.endsWith('\r\n0\r\n\r\n')
  }
}

async function afterTurns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await new Promise(setImmediate)
}
