/**
 * What holds for every response, whatever the endpoint's pieces, the client's pace and the kernel's buffer: the bytes
 * that come out are those that went in, it ends once, and nothing is written in a way that 20.51.4 may lose.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ResponseBody } from '../../../../src/proxy/body/response-body.ts'
import type { Remainder } from '../../../../src/proxy/closing.ts'
import { ResponseBlock } from '../../../../src/proxy/headers/response-block.ts'
import { bytesAt } from '../../../support/bytes.ts'
import { FakeResponse } from '../../../support/fakes/http-response.ts'
import { headerValues } from '../../../support/fakes/parse-response.ts'

/** `chunk`: the endpoint sends, `pushy`: even though it was refused, since its parser had it already; `turn`: the event loop turns; `read`: the client takes bytes; `settle`: all of them. */
type Step =
  | { readonly kind: 'chunk'; readonly bytes: number; readonly pushy: boolean }
  | { readonly kind: 'read'; readonly bytes: number }
  | { readonly kind: 'turn' }
  | { readonly kind: 'settle' }

interface Setting {
  readonly framing: 'length' | 'chunked'
  readonly kernelBytes: number
  readonly valueBytes: number
  readonly close: boolean
  readonly steps: readonly Step[]
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** An exchange's part: one ResponseBody for one response after another, reset when each is complete. */
class Run {
  /** undici is: a write was refused, and nobody has resumed it since. */
  paused = false
  completed = 0
  /** Calls of `onLast` for this response. */
  lastCalls = 0
  res: FakeResponse | null = null
  readonly body: ResponseBody
  readonly #second: () => void

  /**
   * @param remainder what the client still sends of its request
   * @param second lets one pass; without it no timer runs
   */
  constructor(remainder: Remainder | null = null, second = (): void => {}) {
    this.#second = second
    this.body = new ResponseBody(
      16_000,
      () => {
        assert.equal(this.paused, true, 'drained only after a refusal')
        this.paused = false
      },
      () => {
        assert.equal(this.lastCalls > 0, true, 'whoever else holds the native response was told')
        this.completed++
        this.body.reset()
      },
      () => {
        this.lastCalls++
        assert.equal(this.res?.done, false, 'told while it lives')
        return remainder
      },
    )
  }

  /** One response from its head to its last byte with the client, checked. */
  async respond({ framing, kernelBytes, valueBytes, close, steps }: Setting): Promise<FakeResponse> {
    const res = new FakeResponse({ kernelBytes })
    const total = steps.reduce((sum, step) => (step.kind === 'chunk' ? sum + step.bytes : sum), 0)
    const block = new ResponseBlock()
    const length = framing === 'length' ? ['content-length', String(total)] : []
    block.read(['x-a', 'v'.repeat(valueBytes), ...length].map((text) => Buffer.from(text)))
    const before = this.completed
    this.paused = false
    this.lastCalls = 0
    this.res = res
    this.body.begin(res.native, 200, block, false, close)
    let sent = 0
    let flowing = true
    for (const step of steps) {
      if (step.kind === 'turn') await turn()
      else if (step.kind === 'read') res.read(step.bytes)
      else if (step.kind === 'settle') await this.settle(res, sent)
      else {
        if (!flowing && !step.pushy) await this.untilDrained(res)
        flowing = this.write(bytesAt(sent, step.bytes))
        sent += step.bytes
      }
    }
    if (!flowing && this.completed === before) await this.untilDrained(res)
    if (this.completed === before) this.body.end()
    for (let round = 0; this.completed === before; round++) {
      assert.ok(round < 5_000, 'the response never completes')
      res.read()
      await turn()
    }
    await turn()
    while (res.read() > 0 || this.#secondBrings(res));
    assert.equal(this.completed, before + 1, 'completed once')
    const parsed = res.parse()
    assert.equal(res.receivedBytes.length, res.bytes.length, 'everything reaches the client')
    assert.equal(parsed.body.length, total)
    assert.ok(parsed.body.equals(concat(total)), 'the bytes that went in')
    assert.ok(parsed.complete && parsed.rest.length === 0)
    assert.deepEqual(headerValues(parsed, 'x-a'), ['v'.repeat(valueBytes)])
    assert.deepEqual(res.misuse, [])
    assert.equal(res.lostBytes, 0)
    return res
  }

  #secondBrings(res: FakeResponse): boolean {
    this.#second()
    return res.read() > 0
  }

  write(chunk: Buffer): boolean {
    const before = this.completed
    const flowing = this.body.write(chunk)
    if (!flowing) this.paused = true
    return flowing || this.completed > before
  }

  /** undici is paused: it sends on when it is resumed, or when the response is over. */
  async untilDrained(res: FakeResponse): Promise<void> {
    const before = this.completed
    for (let round = 0; this.paused && this.completed === before; round++) {
      assert.ok(round < 5_000, 'the endpoint is never resumed')
      res.read()
      await turn()
    }
  }

  /** The endpoint has nothing to say for now, and the client reads: it gets all that there is. */
  async settle(res: FakeResponse, sent: number): Promise<void> {
    if (sent === 0) return
    for (let idle = 0; idle < 3; ) {
      idle = res.read() > 0 ? 0 : idle + 1
      await turn()
    }
    assert.equal(res.parse().body.length, sent)
    const left = res.bytes.length - res.receivedBytes.length
    assert.equal(left, 0, `${left} bytes are in a buffer, though the client reads`)
  }
}

function concat(total: number): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < total; at += 65_536) pieces.push(bytesAt(at, Math.min(65_536, total - at)))
  return Buffer.concat(pieces)
}

const size = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 2_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 2_000, max: 40_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(1, 14_999, 15_000, 15_001, 16_000, 16_001, 65_536) },
)
const chunk = fc.record({ kind: fc.constant('chunk' as const), bytes: size, pushy: fc.boolean() })
const read = fc.record({ kind: fc.constant('read' as const), bytes: size })
const turnStep = fc.record({ kind: fc.constant('turn' as const) })
const settle = fc.record({ kind: fc.constant('settle' as const) })

function setting(step: fc.Arbitrary<Step>): fc.Arbitrary<Setting> {
  return fc.record({
    framing: fc.constantFrom('length' as const, 'chunked' as const),
    kernelBytes: fc.oneof(fc.integer({ min: 1_000, max: 60_000 }), fc.constantFrom(1_000_000)),
    valueBytes: fc.oneof(fc.nat(300), fc.constantFrom(12_000, 13_990)),
    close: fc.constant(false),
    steps: fc.array(step, { minLength: 1, maxLength: 12, size: 'max' }),
  })
}

test('any two responses in a row_bytes out equal bytes in, one end each', async () => {
  const any = setting(
    fc.oneof(
      { weight: 4, arbitrary: chunk },
      { weight: 2, arbitrary: read },
      { weight: 2, arbitrary: turnStep },
    ),
  )
  await fc.assert(
    fc.asyncProperty(any, any, async (first, second) => {
      const run = new Run()
      await run.respond(first)
      await run.respond(second)
    }),
    { numRuns: 400 },
  )
})

test('endpoint that pauses in its answer_a client that reads has all that was sent', async () => {
  // An event stream: nothing more may come for minutes, and what was sent must not wait for it in a buffer.
  const any = setting(
    fc.oneof(
      { weight: 4, arbitrary: chunk },
      { weight: 1, arbitrary: read },
      { weight: 3, arbitrary: settle },
    ),
  )
  await fc.assert(
    fc.asyncProperty(any, async (each) => {
      await new Run().respond(each)
    }),
    { numRuns: 400 },
  )
})

test('closing behind any response_announced once, and the bytes are the same', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const any = setting(fc.oneof({ weight: 4, arbitrary: chunk }, { weight: 2, arbitrary: read })).map(
    (each) => ({
      ...each,
      close: true,
    }),
  )
  await fc.assert(
    fc.asyncProperty(any, fc.boolean(), async (each, uploads) => {
      const remainder = uploads ? { coming: true, bytes: 0 } : null
      const run = new Run(remainder, uploads ? () => t.mock.timers.tick(1_000) : undefined)
      const res = await run.respond(each)
      assert.deepEqual(headerValues(res.parse(), 'connection'), ['close'])
      if (!uploads) return
      t.mock.timers.tick(60_000)
      assert.notEqual(res.closedBy, null, 'not left to a client that has stopped')
    }),
    { numRuns: 400 },
  )
})
