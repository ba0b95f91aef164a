import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { RequestBody, type Source } from '../../../../src/proxy/body/request-body.ts'
import { bytesAt } from '../../../support/bytes.ts'

/** The client's socket: says which way it was turned, in order. */
class FakeSource implements Source {
  readonly calls: ('pause' | 'resume')[] = []

  pause(): void {
    this.calls.push('pause')
  }

  resume(): void {
    this.calls.push('resume')
  }

  get paused(): boolean {
    return this.calls.at(-1) === 'pause'
  }

  /** A resume too many kills the connection; a pause too many does no harm. */
  assertNoResumeTooMany(): void {
    this.calls.forEach((call, index) => {
      if (call === 'resume') assert.equal(this.calls[index - 1], 'pause', this.calls.join(' '))
    })
  }

  /** The turns that it took, without the pauses of a socket that was paused already. */
  get turns(): string {
    return this.calls.filter((call, index) => call !== this.calls[index - 1]).join(' ')
  }
}

/** Listens as undici does. `inData` is what it does on the next piece. */
class Consumer {
  readonly pieces: Buffer[] = []
  ends = 0
  inData: (() => void) | null = null

  constructor(body: RequestBody) {
    body.on('data', (piece: Buffer) => {
      this.pieces.push(piece)
      const then = this.inData
      this.inData = null
      then?.()
    })
    body.on('end', () => this.ends++)
  }

  get text(): string {
    return Buffer.concat(this.pieces).latin1Slice()
  }
}

function setUp() {
  const source = new FakeSource()
  const body = new RequestBody(source)
  return { source, body, consumer: new Consumer(body) }
}

function push(body: RequestBody, text: string, last = false): void {
  body.push(Buffer.from(text), last)
}

test('undici_takes it for a stream', () => {
  const { body } = setUp()
  assert.equal(typeof body.pipe, 'function')
  assert.equal(typeof body.on, 'function')
  assert.throws(() => body.pipe(), /not piped/)
})

test('not asked for yet_kept, and the client is paused', () => {
  const { source, body, consumer } = setUp()
  push(body, 'a')
  push(body, 'b')
  assert.equal(consumer.text, '')
  assert.equal(source.turns, 'pause')
})

test('asked for_what was kept comes first, then the client is resumed', () => {
  const { source, body, consumer } = setUp()
  push(body, 'a')
  push(body, 'b')
  body.resume()
  assert.equal(consumer.text, 'ab')
  assert.equal(source.turns, 'pause resume')
  push(body, 'c')
  assert.equal(consumer.text, 'abc')
})

test('last piece_end behind it, once', () => {
  const { body, consumer } = setUp()
  body.resume()
  push(body, 'a')
  push(body, 'b', true)
  body.resume()
  assert.equal(consumer.text, 'ab')
  assert.equal(consumer.ends, 1)
  assert.ok(body.complete && body.delivered)
})

test('empty last piece_end, no empty data', () => {
  const { body, consumer } = setUp()
  body.resume()
  push(body, 'a')
  push(body, '', true)
  assert.deepEqual([consumer.pieces.length, consumer.ends], [1, 1])
})

test('complete before it is asked for_delivered whole, and the client never paused for nothing', () => {
  const { source, body, consumer } = setUp()
  push(body, 'a', true)
  assert.equal(body.complete, true)
  assert.equal(body.delivered, false)
  assert.deepEqual(source.calls, [])
  body.resume()
  assert.deepEqual([consumer.text, consumer.ends, body.delivered], ['a', 1, true])
})

test('endpoint full_what still comes is kept in order until it has room', () => {
  const { source, body, consumer } = setUp()
  body.resume()
  consumer.inData = () => body.pause()
  push(body, 'a')
  assert.equal(body.paused, true)
  push(body, 'b')
  push(body, 'c')
  assert.equal(consumer.text, 'a')
  consumer.inData = () => body.pause()
  body.resume()
  assert.equal(consumer.text, 'ab')
  assert.equal(source.turns, 'pause', 'not resumed while something is kept')
  body.resume()
  assert.equal(consumer.text, 'abc')
  assert.equal(source.turns, 'pause resume')
})

test('endpoint full behind the last piece_the client is not paused: there is nothing more to hold back', () => {
  const { source, body } = setUp()
  body.resume()
  push(body, 'a', true)
  body.pause()
  assert.deepEqual(source.calls, [])
})

test('destroyed while paused_the client is resumed, the rest is dropped', () => {
  const { source, body, consumer } = setUp()
  push(body, 'a')
  body.destroy()
  push(body, 'b')
  push(body, 'c', true)
  body.resume()
  assert.equal(source.turns, 'pause resume')
  assert.deepEqual([consumer.text, consumer.ends], ['', 0])
  assert.equal(body.complete, true, 'that the client is through is still noted')
})

test('detached without resuming_the client is left alone, now and later', () => {
  const { source, body } = setUp()
  push(body, 'a')
  body.detach(false)
  body.destroy()
  body.resume()
  body.pause()
  assert.equal(source.turns, 'pause')
})

test('destroyed by the last piece_no end behind it', () => {
  // undici destroys the body from inside `data` when it cannot write, for example with too many bytes.
  const { body, consumer } = setUp()
  body.resume()
  consumer.inData = () => body.destroy()
  push(body, 'a', true)
  assert.equal(consumer.ends, 0)
})

test('data in spite of the pause_pauses again: it may have turned reading on', () => {
  const { source, body } = setUp()
  push(body, 'a')
  push(body, 'b')
  assert.deepEqual(source.calls, ['pause', 'pause'])
})

for (const [name, inside] of [
  [
    'endpoint full',
    (body: RequestBody, consumer: Consumer) => {
      body.resume()
      consumer.inData = () => body.pause()
    },
  ],
  ['not asked for yet', () => {}],
] as const) {
  test(`paused inside the binding's callback (${name})_and behind it once more`, async () => {
    const { source, body, consumer } = setUp()
    inside(body, consumer)
    push(body, 'a')
    assert.deepEqual(source.calls, ['pause'])
    await turn()
    assert.deepEqual(source.calls, ['pause', 'pause'])
    await turn()
    assert.deepEqual(source.calls, ['pause', 'pause'], 'not for ever')
  })
}

test('paused inside the callback, but resumed, let go of or through when it is over_left alone', async () => {
  const { source, body } = setUp()
  push(body, 'a')
  body.resume()
  await turn()
  assert.deepEqual(source.calls, ['pause', 'resume'])
  const other = setUp()
  push(other.body, 'a')
  other.body.detach(false)
  await turn()
  assert.deepEqual(other.source.calls, ['pause'])
})

test('renewed inside the callback_the new one is paused behind it', async () => {
  const { source, body } = setUp()
  push(body, 'a')
  const next = body.renewed()
  await turn()
  assert.deepEqual(source.calls, ['pause', 'pause'])
  assert.equal(next.paused, true)
})

test('last piece in spite of the pause_the client is read again: its going is to be noticed, and nothing is left to hold back', async () => {
  const { source, body, consumer } = setUp()
  push(body, 'a')
  push(body, 'b', true)
  assert.deepEqual([body.paused, source.turns], [false, 'pause resume'])
  await turn()
  assert.equal(source.turns, 'pause resume')
  body.resume()
  assert.deepEqual([consumer.text, consumer.ends, source.turns], ['ab', 1, 'pause resume'])
})

test('re-armed_paused again while paused, left alone otherwise', () => {
  const { source, body } = setUp()
  body.rearm()
  assert.deepEqual(source.calls, [])
  push(body, 'a')
  body.rearm()
  assert.deepEqual(source.calls, ['pause', 'pause'])
  body.resume()
  body.rearm()
  assert.equal(source.turns, 'pause resume')
})

test('32 MiB kept_no overrun; a byte more_overrun', () => {
  const { body } = setUp()
  body.push(Buffer.alloc(32 * 1_024 * 1_024), false)
  assert.equal(body.overrun, false)
  push(body, 'x')
  assert.equal(body.overrun, true)
})

test('kept bytes that were delivered_no longer count towards an overrun', () => {
  const { body, consumer } = setUp()
  const piece = Buffer.alloc(1_024 * 1_024)
  for (let round = 0; round < 40; round++) {
    body.push(piece, false)
    consumer.inData = () => body.pause()
    body.resume()
  }
  assert.equal(body.overrun, false)
})

type Step =
  | { readonly kind: 'push'; readonly bytes: number; readonly inData: 'nothing' | 'pause' }
  | { readonly kind: 'resume' | 'pause' | 'destroy' | 'detach' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('push' as const),
      bytes: fc.nat(9),
      inData: fc.constantFrom('nothing' as const, 'pause' as const),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('resume' as const, 'pause' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('destroy' as const, 'detach' as const) }) },
)

test('any interleaving_no resume without a pause, bytes in order, end once and last', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), fc.boolean(), (steps, ends) => {
      const { source, body, consumer } = setUp()
      let pushed = 0
      let flowing = false
      let letGo = false
      const give = (bytes: number, last: boolean) => {
        body.push(Buffer.from(bytesAt(pushed, bytes)), last)
        pushed += bytes
      }
      const check = () => {
        source.assertNoResumeTooMany()
        const emitted = Buffer.concat(consumer.pieces)
        assert.deepEqual(emitted, bytesAt(0, emitted.length), 'in order, nothing lost or doubled')
        if (letGo) return
        assert.equal(body.paused, source.paused)
        if (flowing) {
          assert.equal(emitted.length, pushed, 'all is delivered to whoever is ready')
          assert.equal(source.paused && !body.complete, false, 'the client is not kept waiting')
        } else if (emitted.length < pushed) {
          assert.ok(source.paused || body.complete, 'the client is held back while bytes are kept')
        }
      }
      for (const each of steps) {
        switch (each.kind) {
          case 'push': {
            const pause = each.inData === 'pause' && flowing && each.bytes > 0 && !letGo
            if (pause) {
              consumer.inData = () => {
                flowing = false
                body.pause()
              }
            }
            give(each.bytes, false)
            break
          }
          case 'resume':
            flowing = true
            body.resume()
            break
          case 'pause':
            flowing = false
            body.pause()
            break
          default: {
            const emitted = consumer.pieces.length
            letGo = true
            if (each.kind === 'destroy') body.destroy()
            else body.detach(false)
            assert.equal(consumer.pieces.length, emitted)
          }
        }
        check()
      }
      if (!ends) return
      const emittedBefore = consumer.pieces.length
      give(3, true)
      body.resume()
      body.resume()
      flowing = true
      check()
      assert.equal(consumer.ends, letGo ? 0 : 1)
      if (letGo) assert.equal(consumer.pieces.length, emittedBefore, 'nothing is emitted any more')
      else assert.equal(body.delivered, true)
    }),
    { numRuns: 2_000 },
  )
})
