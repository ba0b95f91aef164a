import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ResponseBlock } from '../../../../src/proxy/headers/response-block.ts'

type Pairs = readonly (readonly [name: string, value: string])[]

function raw(pairs: Pairs): Buffer[] {
  return pairs.flatMap(([name, value]) => [Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1')])
}

/** The same as undici's parser cuts it out of one read. */
function rawInOneRead(pairs: Pairs, colon = ': ', lineEnd = '\r\n'): Buffer[] {
  const start = 'HTTP/1.1 200 OK\r\n'
  const head = start + pairs.map(([name, value]) => `${name}${colon}${value}${lineEnd}`).join('') + lineEnd
  const read = Buffer.from(`${head}body`, 'latin1')
  const cut: Buffer[] = []
  let at = start.length
  for (const [name, value] of pairs) {
    cut.push(read.subarray(at, at + name.length))
    at += name.length + colon.length
    cut.push(read.subarray(at, at + value.length))
    at += value.length + lineEnd.length
  }
  return cut
}

function read(pairs: Pairs, block = new ResponseBlock()): ResponseBlock {
  block.read(raw(pairs))
  return block
}

/** The block as header lines again. */
function lines(block: ResponseBlock): string[] {
  return block.name === '' ? [] : `${block.name}: ${block.rest}`.split('\r\n')
}

test('no headers_empty', () => {
  const block = read([])
  assert.deepEqual([block.name, block.rest, block.contentLength], ['', '', -1])
})

test('several_one block in order, names in the case that the endpoint wrote', () => {
  const pairs: Pairs = [
    ['Content-Type', 'text/html'],
    ['set-cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
    ['X-Empty', ''],
  ]
  assert.deepEqual(lines(read(pairs)), [
    'Content-Type: text/html',
    'set-cookie: a=1',
    'Set-Cookie: b=2',
    'X-Empty: ',
  ])
})

const dropped = [
  'Connection',
  'keep-alive',
  'Proxy-Connection',
  'TE',
  'Trailer',
  'Transfer-Encoding',
  'UPGRADE',
  'Date',
  'Content-Length',
]
for (const name of dropped) {
  test(`${name}_not in the block`, () => {
    assert.deepEqual(lines(read([[name, 'x-none']])), [])
    assert.deepEqual(
      lines(
        read([
          ['x-a', '1'],
          [name, 'x-none'],
          ['x-b', '2'],
        ]),
      ),
      ['x-a: 1', 'x-b: 2'],
    )
  })
}

test('content-length_read, digits only', () => {
  assert.equal(read([['CONTENT-LENGTH', '1234']]).contentLength, 1234)
  assert.equal(read([['content-length', 'many']]).contentLength, -1)
})

test('names of the same lengths as those dropped_stay', () => {
  const pairs: Pairs = [
    ['ab', '1'],
    ['etag', '2'],
    ['expires', '3'],
    ['set-cookie', '4'],
    ['accept-patches', '5'],
    ['x-frame-options1', '6'],
    ['x-content-length1', '7'],
  ]
  assert.equal(lines(read(pairs)).length, pairs.length)
})

test('nominated by Connection_dropped wherever they stand, any case, from all Connection headers', () => {
  const block = read([
    ['X-Secret', '1'],
    ['Connection', 'x-secret, close'],
    ['x-kept', '2'],
    ['connection', 'X-Other'],
    ['X-OTHER', '3'],
    ['Content-Length', '5'],
  ])
  assert.deepEqual(lines(block), ['x-kept: 2'])
  assert.equal(block.contentLength, 5)
})

test('nominated are all_empty', () => {
  assert.deepEqual(
    lines(
      read([
        ['x-a', '1'],
        ['connection', 'x-a'],
      ]),
    ),
    [],
  )
})

test('block used again_nothing is left of the first head', () => {
  const block = read([
    ['x-a', '1'],
    ['content-length', '5'],
  ])
  read([], block)
  assert.deepEqual([block.name, block.rest, block.contentLength], ['', '', -1])
})

test('any bytes in values_kept one by one', () => {
  const value = fc.uint8Array().map((bytes) => Buffer.from(bytes).latin1Slice())
  fc.assert(
    fc.property(value, value, (first, second) => {
      const block = read([
        ['x-a', first],
        ['x-b', second],
      ])
      assert.equal(block.rest, `${first}\r\nx-b: ${second}`)
    }),
  )
})

test('framing that two parsers could read differently_malformed', () => {
  const malformed = (...pairs: [string, string][]) => read(pairs).malformed
  assert.equal(malformed(['content-length', '12 ']), false)
  assert.equal(malformed(['Transfer-Encoding', ' Chunked ']), false)
  assert.equal(malformed(['transfer-encoding', 'chunked'], ['connection', 'x-a']), false)
  assert.equal(malformed(['content-length', '9'.repeat(16)]), true)
  for (const coding of ['', 'gzip', 'identity', 'gzip, chunked', 'chunked, chunked', 'xchunked']) {
    assert.equal(malformed(['transfer-encoding', coding]), true, coding)
  }
  assert.equal(malformed(['transfer-encoding', 'chunked'], ['transfer-encoding', 'chunked']), true)
})

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/)
const names = fc.oneof(
  token,
  fc.constantFrom(
    'Date',
    'CONNECTION',
    'Keep-Alive',
    'TE',
    'Trailer',
    'Upgrade',
    'ETag',
    'Vary',
    'x-b',
    'X-B',
  ),
)
const values = fc.oneof(
  fc.stringMatching(/^[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]{0,20}[\x21-\x7e\x80-\xff])?$/),
  fc.constantFrom('', 'close', 'x-b', 'keep-alive, X-B'),
)
const framing = fc.constantFrom<readonly [string, string]>(
  ['content-length', '12'],
  ['Content-Length', 'x'],
  ['Transfer-Encoding', 'chunked'],
  ['transfer-encoding', 'gzip'],
)

test('in one read or in pieces, however the lines lie_the same block', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof({ weight: 4, arbitrary: fc.tuple(names, values) }, { weight: 1, arbitrary: framing }),
      ),
      fc.constantFrom(': ', ':', ':  ', ':\t'),
      fc.constantFrom('\r\n', ' \r\n', '\n'),
      (pairs, colon, lineEnd) => {
        const whole = new ResponseBlock()
        whole.read(rawInOneRead(pairs, colon, lineEnd))
        const pieces = read(pairs)
        assert.deepEqual(lines(whole).map(spaced), lines(pieces).map(spaced))
        assert.deepEqual(
          [whole.contentLength, whole.chunked, whole.malformed],
          [pieces.contentLength, pieces.chunked, pieces.malformed],
        )
      },
    ),
  )
})

/** A line that was taken as it stands may lack the space behind its colon. */
function spaced(line: string): string {
  return line.replace(/^([^:]+): ?/, '$1: ')
}

test('a head cut by the end of a read_taken all the same', () => {
  const pairs: Pairs = [
    ['x-a', '1'],
    ['x-b', '2'],
    ['x-c', '3'],
  ]
  for (let from = 1; from < 6; from++) {
    const cut = rawInOneRead(pairs)
    // undici's copies of what came with the read before.
    for (let index = 0; index < from; index++) cut[index] = Buffer.from(cut[index] as Buffer)
    const block = new ResponseBlock()
    block.read(cut)
    assert.deepEqual(lines(block), ['x-a: 1', 'x-b: 2', 'x-c: 3'])
  }
})
