import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FieldLines } from '../../../src/proxy/headers/response-block.ts'
import { Shortcut } from '../../../src/proxy/shortcut.ts'
import type { Parser } from '../../../src/proxy/undici-parser.ts'

/** The half in JavaScript, which writes down what it is told. */
class FakeParser implements Parser {
  headers: Parser['headers'] = []
  keepAlive = ''
  contentLength = ''
  shouldKeepAlive = false
  timeoutType = null
  readonly told: string[] = []
  /** What the next call of this name returns, instead of 0. */
  readonly returns: Partial<Record<'begin' | 'head' | 'body' | 'complete', number>> = {}

  setTimeout(): void {}

  onMessageBegin(): number {
    return this.#tell('begin', 'begin')
  }

  onHeadersComplete(status: number, upgrade: boolean, keepAlive: boolean): number {
    const { name, rest } = this.headers as FieldLines
    assert.deepEqual([upgrade, keepAlive], [false, true])
    return this.#tell('head', `head ${status} ${name}: ${rest} ${this.keepAlive}`.trimEnd())
  }

  onBody(bytes: Buffer): number {
    return this.#tell('body', `body ${bytes}`)
  }

  onMessageComplete(): number {
    return this.#tell('complete', 'complete')
  }

  #tell(name: keyof FakeParser['returns'], text: string): number {
    this.told.push(text)
    return this.returns[name] ?? 0
  }
}

function setUp() {
  const parser = new FakeParser()
  const shortcut = new Shortcut(parser)
  return { parser, take: (text: string) => shortcut.take(Buffer.from(text)) }
}

const ordinary = 'HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\nKeep-Alive: timeout=5\r\n\r\nok'
const ordinaryTold = ['begin', 'head 200 A: b timeout=5', 'body ok', 'complete']

test('a whole response_told as the other half tells it', () => {
  const { parser, take } = setUp()
  assert.equal(take(ordinary), ordinary.length)
  assert.deepEqual(parser.told, ordinaryTold)
})

test('two and the beginning of a third_the two are taken', () => {
  const { parser, take } = setUp()
  assert.equal(take(ordinary + ordinary + ordinary.slice(0, 20)), 2 * ordinary.length)
  assert.deepEqual(parser.told, [...ordinaryTold, ...ordinaryTold])
})

test('without a body_none is told', () => {
  const { parser, take } = setUp()
  const text = 'HTTP/1.1 404 Not Found\r\nA: b\r\nContent-Length: 0\r\n\r\n'
  assert.equal(take(text), text.length)
  assert.deepEqual(parser.told, ['begin', 'head 404 A: b', 'complete'])
})

test('no ordinary one_nothing is taken or told', () => {
  const { parser, take } = setUp()
  assert.equal(take('HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'), 0)
  assert.deepEqual(parser.told, [])
})

test('undici’s parser has begun one_what looks like a response is left to it, until it is through', () => {
  const { parser, take } = setUp()
  parser.onMessageBegin()
  assert.equal(take(ordinary), 0)
  parser.onMessageComplete()
  parser.told.length = 0
  assert.equal(take(ordinary), ordinary.length)
  assert.deepEqual(parser.told, ordinaryTold)
})

test('the answer to a HEAD with bytes behind its head_they belong to no body', () => {
  const { parser, take } = setUp()
  parser.returns.head = 1
  assert.equal(take(ordinary), ordinary.length - 2)
  assert.deepEqual(parser.told, ['begin', 'head 200 A: b timeout=5', 'complete'])
})

test('the client’s side asks for a pause behind the last byte_the response is complete all the same', () => {
  const { parser, take } = setUp()
  parser.returns.body = 21
  assert.equal(take(ordinary), ordinary.length)
  assert.equal(parser.told.at(-1), 'complete')
})

const ends: [when: keyof FakeParser['returns'], result: number, told: number][] = [
  ['begin', -1, 1],
  ['head', -1, 2],
  ['body', -1, 3],
  ['complete', -1, 4],
  ['complete', 21, 4],
]
for (const [when, result, told] of ends) {
  test(`undici ends the connection at ${when} (${result})_nothing more is told of what was read`, () => {
    const { parser, take } = setUp()
    parser.returns[when] = result
    assert.equal(take(ordinary + ordinary), -1)
    assert.deepEqual(parser.told, ordinaryTold.slice(0, told))
  })
}
