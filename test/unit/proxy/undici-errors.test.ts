/** From undici's errors to the outcome table, by what was known when they came. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errors } from 'undici'
import { type Outcome, outcomes } from '../../../src/plan/outcome.ts'
import { classify, isDefect } from '../../../src/proxy/undici-errors.ts'

function systemError(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code })
}

const { badRequest, badResponse, connectFailed, connectTimeout, endpointReset, responseTruncated } = outcomes

/** Before the connection stood, after the request was sent, after the head came. */
const table: [error: Error, unsent: Outcome, sent: Outcome, headSeen: Outcome][] = [
  [systemError('ECONNREFUSED'), connectFailed, endpointReset, responseTruncated],
  [systemError('EHOSTUNREACH'), connectFailed, endpointReset, responseTruncated],
  [systemError('ENOTFOUND'), connectFailed, endpointReset, responseTruncated],
  [systemError('ECONNRESET'), connectFailed, endpointReset, responseTruncated],
  [systemError('EPIPE'), connectFailed, endpointReset, responseTruncated],
  [new AggregateError([systemError('ECONNREFUSED')]), connectFailed, endpointReset, responseTruncated],
  [new errors.ConnectTimeoutError(), connectTimeout, endpointReset, responseTruncated],
  [new errors.SocketError('other side closed'), connectFailed, endpointReset, responseTruncated],
  [new errors.SocketError('closed'), connectFailed, endpointReset, responseTruncated],
  [new errors.SocketError('bad response'), connectFailed, badResponse, responseTruncated],
  [new errors.SocketError('bad upgrade'), connectFailed, badResponse, responseTruncated],
  [new errors.HTTPParserError('Invalid header'), connectFailed, badResponse, responseTruncated],
  [new errors.HeadersOverflowError(), connectFailed, badResponse, responseTruncated],
  [new errors.ResponseContentLengthMismatchError(), connectFailed, badResponse, responseTruncated],
  [new errors.ClientDestroyedError(), connectFailed, endpointReset, responseTruncated],
  [new errors.ClientClosedError(), connectFailed, endpointReset, responseTruncated],
  [new errors.InvalidArgumentError('invalid header'), badRequest, badRequest, badRequest],
  [new errors.NotSupportedError('expect header'), badRequest, badRequest, badRequest],
  [new errors.RequestContentLengthMismatchError(), connectFailed, badRequest, responseTruncated],
  [new Error('anything else'), connectFailed, endpointReset, responseTruncated],
]

for (const [error, unsent, sent, headSeen] of table) {
  const name = `${error.name}${error.message === '' ? '' : ` "${error.message}"`}`
  test(`${name}_${unsent.code} unsent, ${sent.code} sent, ${headSeen.code} behind the head`, () => {
    assert.equal(classify(error, false, false), unsent)
    assert.equal(classify(error, true, false), sent)
    assert.equal(classify(error, true, true), headSeen)
  })
}

test('defect_what the engine throws, and nothing that undici or the system does', () => {
  const { x } = {} as { x?: { y: number } }
  const thrown = [() => x!.y, () => new Array(-1), () => (globalThis as never as () => void)()].map(errorOf)
  for (const error of thrown) assert.ok(isDefect(error), error.stack)
  for (const [error] of table) assert.ok(!isDefect(error), error.stack)
  assert.ok(!isDefect(new assert.AssertionError({ message: 'of undici’s parser' })))
  assert.ok(!isDefect(errorOf(() => Buffer.alloc(1).readInt8(1))), 'complains of what it was given')
})

function errorOf(act: () => unknown): Error {
  try {
    act()
  } catch (error) {
    return error as Error
  }
  throw new assert.AssertionError({ message: 'it throws' })
}
