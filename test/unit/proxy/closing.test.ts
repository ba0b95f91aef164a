import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  closeBehindLastByte,
  endBehindUpload,
  endChunksAndClose,
  endHeadBehindUpload,
  lingeringResponses,
  type Remainder,
} from '../../../src/proxy/closing.ts'
import { endWithLarge } from '../../../src/proxy/reply.ts'
import { FakeResponse } from '../../support/fakes/http-response.ts'

const upload = { coming: true, bytes: 0 }

function pass(t: TestContext, seconds: number): void {
  for (let second = 1; second <= seconds; second++) t.mock.timers.tick(1_000)
}

const ways: readonly [what: string, end: (res: FakeResponse) => void][] = [
  [
    'chunks',
    ({ native }) => {
      native.write('a')
      endChunksAndClose(native, false, null)
    },
  ],
  [
    'known length',
    ({ native }) => {
      native.tryEnd('a', 2)
      closeBehindLastByte(native)
    },
  ],
  ['a body, while the client still sends', ({ native }) => endBehindUpload(native, 'body', upload)],
  ['no body, while the client still sends', ({ native }) => endHeadBehindUpload(native, upload)],
]

for (const [what, end] of ways) {
  test(`closed by hand behind ${what}_lingers until the connection has closed`, (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate'] })
    const [left, closed] = [new FakeResponse(), new FakeResponse()]
    for (const res of [left, closed]) res.cork(() => end(res))
    assert.equal(lingeringResponses(), 2)
    left.leave()
    assert.equal(lingeringResponses(), 1)
    pass(t, 30)
    assert.equal(closed.closedBy, 'close')
    assert.equal(lingeringResponses(), 0)
  })
}

/** Larger than what the kernel takes. */
const long = Buffer.alloc(40_000, 'x')

test('long fixed answer that is taken at once_does not linger', () => {
  const res = new FakeResponse()
  res.cork(() => endWithLarge(res.native, long, false))
  assert.ok(res.done)
  assert.equal(lingeringResponses(), 0)
})

test('long fixed answer, the client is slow_lingers until it has all, and is not counted twice', () => {
  const res = new FakeResponse({ kernelBytes: 10_000 })
  res.cork(() => endWithLarge(res.native, long, false))
  assert.equal(lingeringResponses(), 1)
  while (res.read() > 0) assert.equal(lingeringResponses(), res.done ? 0 : 1)
  assert.ok(res.done)
  res.leave()
  assert.equal(lingeringResponses(), 0)
})

test('long fixed answer, the client leaves_does not linger any more', () => {
  const res = new FakeResponse({ kernelBytes: 10_000 })
  res.cork(() => endWithLarge(res.native, long, false))
  res.leave()
  assert.equal(lingeringResponses(), 0)
})

/** An answer that the client's kernel does not take at once, while the client still sends. */
const slow: readonly [what: string, body: Buffer, begin: (upload: Remainder) => FakeResponse][] = [
  [
    'long fixed answer',
    long,
    (sending) => {
      const res = new FakeResponse({ kernelBytes: 10_000 })
      res.cork(() => endWithLarge(res.native, long, true, sending))
      return res
    },
  ],
  [
    'answer behind others that are not read',
    Buffer.from('short'),
    (sending) => {
      const res = new FakeResponse({ kernelBytes: 10_000, behindBytes: 5_000 })
      res.cork(() => endBehindUpload(res.native, 'short', sending))
      return res
    },
  ],
]

for (const [what, body, begin] of slow) {
  const start = (t: TestContext) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate'] })
    const sending = { coming: true, bytes: 0 }
    return { sending, res: begin(sending), seconds: (count: number) => pass(t, count) }
  }
  const assertWhole = (res: FakeResponse) => {
    const parsed = res.parse()
    assert.deepEqual([parsed.complete, parsed.rest.length], [true, 0])
    assert.ok(parsed.body.equals(body))
    assert.deepEqual(res.misuse, [])
  }

  test(`${what} to a client that still sends_whole, and closed when the upload is over`, (t) => {
    const { sending, res, seconds } = start(t)
    while (res.read() > 0) assert.equal(res.closedBy, null)
    assertWhole(res)
    seconds(5)
    assert.equal(res.closedBy, null)
    sending.coming = false
    seconds(3)
    assert.equal(res.closedBy, 'close')
    assert.equal(lingeringResponses(), 0)
  })

  test(`${what} to a client that ends its upload, and then takes it_whole, and closed behind it`, (t) => {
    const { sending, res, seconds } = start(t)
    sending.coming = false
    seconds(8)
    assert.equal(res.closedBy, null)
    while (res.read() > 0) assert.equal(res.closedBy, null)
    seconds(2)
    assertWhole(res)
    assert.equal(res.closedBy, 'close')
  })

  test(`${what} to a client that ends its upload and reads nothing_closed all the same`, (t) => {
    const { sending, res, seconds } = start(t)
    sending.coming = false
    seconds(10)
    assert.equal(res.closedBy, 'close')
    assert.equal(lingeringResponses(), 0)
  })
}

test('long fixed answer to a client that takes it for longer than it is waited for otherwise_whole', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate'] })
  const res = new FakeResponse({ kernelBytes: 1_000 })
  res.cork(() => endWithLarge(res.native, long, true, { coming: false, bytes: 0 }))
  while (res.read() > 0) pass(t, 1)
  pass(t, 2)
  assert.ok(res.parse().complete)
  assert.equal(res.closedBy, 'close')
})
