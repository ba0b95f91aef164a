import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  closeBehindLastByte,
  endBehindUpload,
  endChunksAndClose,
  endHeadBehindUpload,
  lingeringResponses,
} from '../../../src/proxy/closing.ts'
import { endWithLarge } from '../../../src/proxy/reply.ts'
import { FakeResponse } from '../../support/fakes/http-response.ts'

const upload = { coming: true, bytes: 0 }

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
    for (let second = 1; second <= 30; second++) t.mock.timers.tick(1_000)
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
