import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Curiosity } from '../../../../src/proxy/headers/curiosity.ts'
import { KnownHeads } from '../../../../src/proxy/headers/known-heads.ts'
import { ResponseBlock } from '../../../../src/proxy/headers/response-block.ts'
import { WholeResponse } from '../../../../src/proxy/headers/whole-response.ts'
import { parseResponse } from '../../../support/llhttp.ts'

/** Remembers everything. */
const curious = new Curiosity(1, 1)

/** Each head that this has read is known to it from then on. */
const response = new WholeResponse(new KnownHeads(curious))

/** Reads it twice: the second time it may be known, and what is said of it is to be the same. */
function read(text: string, at = 0): WholeResponse | null {
  const bytes = Buffer.from(text, 'latin1')
  const first = said(response.read(bytes, at))
  const second = said(response.read(bytes, at))
  assert.deepEqual(second, first)
  if (second === null) return null
  if (response.head !== response) knownOnce++
  return response
}

let knownOnce = 0

/** All that it says, of what it has read or known. */
function said(whole: boolean): unknown {
  if (!whole) return null
  const { status, name, rest, contentLength, keepAlive } = response.head
  return { status, name, rest, contentLength, keepAlive, bodyAt: response.bodyAt }
}

test('an ordinary response_what is passed on of its head, and where its body is', () => {
  const head =
    'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Wed, 25 Nov 2026 17:00:00 GMT\r\nX-A:b\r\nContent-Length: 2\r\n' +
    'Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nSet-Cookie: a=\xe9\r\nset-cookie: b\r\n\r\n'
  assert.ok(read(`${head}ok`))
  assert.deepEqual(said(true), {
    status: 200,
    name: 'Content-Type',
    rest: 'text/plain\r\nX-A:b\r\nSet-Cookie: a=\xe9\r\nset-cookie: b',
    contentLength: 2,
    keepAlive: 'timeout=5',
    bodyAt: head.length,
  })
})

test('nothing is passed on_no lines', () => {
  assert.ok(read('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n'))
  const { status, name, rest } = response.head
  assert.deepEqual([status, name, rest], [404, '', ''])
})

test('behind another one_read from where it begins', () => {
  const first = 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na'
  const both = `${first}HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nbc`
  assert.ok(read(both, first.length))
  assert.deepEqual([response.head.status, response.bodyAt], [201, both.length - 2])
})

test('behind a head that is known, the body is not whole_left to undici’s parser', () => {
  const head = 'HTTP/1.1 200 OK\r\nX-Known: yes\r\nContent-Length: 10\r\n\r\n'
  assert.ok(read(`${head}0123456789`))
  // As long as that, and eight bytes shorter: looked for in the same place.
  assert.equal(read(`${head}01`), null)
  assert.ok(read(`${head}0123456789`))
})

const length = 'Content-Length: 2\r\n'
const others: [condition: string, text: string][] = [
  ['HTTP/1.0', `HTTP/1.0 200 OK\r\n${length}\r\nok`],
  ['lower-case version', `http/1.1 200 OK\r\n${length}\r\nok`],
  ['interim', `HTTP/1.1 100 Continue\r\n${length}\r\nok`],
  ['interim early hints', `HTTP/1.1 103 Early Hints\r\n${length}\r\nok`],
  ['204', `HTTP/1.1 204 No Content\r\n${length}\r\nok`],
  ['304', `HTTP/1.1 304 Not Modified\r\n${length}\r\nok`],
  ['status above 599', `HTTP/1.1 600 What\r\n${length}\r\nok`],
  ['two digits', `HTTP/1.1 20 OK\r\n${length}\r\nok`],
  ['four digits', `HTTP/1.1 2000 OK\r\n${length}\r\nok`],
  ['no reason and no space', `HTTP/1.1 200\r\n${length}\r\nok`],
  ['control character in the reason', `HTTP/1.1 200 O\x01K\r\n${length}\r\nok`],
  ['bare LF behind the status line', `HTTP/1.1 200 OK\n${length}\r\nok`],
  ['bare LF behind a field', 'HTTP/1.1 200 OK\r\nA: b\nContent-Length: 2\r\n\r\nok'],
  ['bare CR in a value', `HTTP/1.1 200 OK\r\nA: b\rc\r\n${length}\r\nok`],
  ['NUL in a value', `HTTP/1.1 200 OK\r\nA: b\0c\r\n${length}\r\nok`],
  ['bare LF at the end', `HTTP/1.1 200 OK\r\n${length}\nok`],
  ['bare CR at the end', `HTTP/1.1 200 OK\r\n${length}\rok`],
  ['folded line', `HTTP/1.1 200 OK\r\nA: b\r\n c\r\n${length}\r\nok`],
  ['space before the colon', `HTTP/1.1 200 OK\r\nA : b\r\n${length}\r\nok`],
  ['empty name', `HTTP/1.1 200 OK\r\n: b\r\n${length}\r\nok`],
  ['name that is no token', `HTTP/1.1 200 OK\r\nA(): b\r\n${length}\r\nok`],
  ['no colon', `HTTP/1.1 200 OK\r\nA\r\n${length}\r\nok`],
  ['empty value', `HTTP/1.1 200 OK\r\nA:\r\n${length}\r\nok`],
  ['two spaces before the value', `HTTP/1.1 200 OK\r\nA:  b\r\n${length}\r\nok`],
  ['white space behind the value', `HTTP/1.1 200 OK\r\nA: b \r\n${length}\r\nok`],
  ['no length', 'HTTP/1.1 200 OK\r\nA: b\r\n\r\nok'],
  ['two lengths', `HTTP/1.1 200 OK\r\n${length}${length}\r\nok`],
  ['a list of lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok'],
  ['a signed length', 'HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok'],
  ['a length beyond counting', 'HTTP/1.1 200 OK\r\nContent-Length: 1000000000000002\r\n\r\nok'],
  ['chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['both framings', `HTTP/1.1 200 OK\r\n${length}TRANSFER-ENCODING: chunked\r\n\r\nok`],
  ['Connection: close', `HTTP/1.1 200 OK\r\n${length}Connection: close\r\n\r\nok`],
  ['Connection that nominates', `HTTP/1.1 200 OK\r\n${length}Connection: keep-alive, a\r\nA: b\r\n\r\nok`],
  ['Upgrade', `HTTP/1.1 200 OK\r\n${length}Upgrade: h2c\r\n\r\nok`],
  ['TE', `HTTP/1.1 200 OK\r\n${length}TE: trailers\r\n\r\nok`],
  ['Trailer', `HTTP/1.1 200 OK\r\n${length}Trailer: a\r\n\r\nok`],
  ['Proxy-Connection', `HTTP/1.1 200 OK\r\n${length}Proxy-Connection: keep-alive\r\n\r\nok`],
  ['body not whole', `HTTP/1.1 200 OK\r\n${length}\r\no`],
  ['a line feed before it', `\nHTTP/1.1 200 OK\r\n${length}\r\nok`],
  ['a long head', `HTTP/1.1 200 OK\r\nA: ${'b'.repeat(8_192)}\r\n${length}\r\nok`],
  ['nothing', ''],
]

for (const [condition, text] of others) {
  test(`${condition}_left to undici’s parser`, () => assert.equal(read(text), null))
}

test('not all of it yet, wherever it is cut_left to undici’s parser', () => {
  const text = 'HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok'
  for (let bytes = 0; bytes < text.length; bytes++) assert.equal(read(text.slice(0, bytes)), null)
  assert.ok(read(text))
})

test('any one byte anywhere in a value, long or short_as RFC 9110, section 5.5, has it', () => {
  for (let code = 0; code < 0x100; code++) {
    const fits = code === 0x09 || (code >= 0x20 && code !== 0x7f)
    for (let before = 1; before < 10; before++) {
      // Another one in the same four bytes must hide nothing.
      for (const behind of ['a', 'abc', '\xffabcdefgh', '\x80 a', '~\x81~']) {
        const value = 'a'.repeat(before) + String.fromCharCode(code) + behind
        const bytes = Buffer.from(`HTTP/1.1 200 OK\r\nA: ${value}\r\n${length}\r\nok`, 'latin1')
        const fresh = new WholeResponse()
        assert.equal(fresh.read(bytes, 0), fits, JSON.stringify(value))
        if (!fits) continue
        assert.equal(fresh.rest, value)
        assert.equal(fresh.ascii, Buffer.byteLength(value) === value.length, JSON.stringify(value))
      }
    }
  }
})

/** Pieces of responses, good and bad ones: what stands in them is put together at random. */
const pieces = [
  'HTTP/1.1 ',
  'HTTP/1.0 ',
  '200 OK',
  '404 Not Found',
  '502 ',
  '\r\n',
  '\n',
  '\r',
  'Content-Length: 3',
  'content-length:3',
  'Content-Length: 0',
  'CONTENT-LENGTH: 03',
  'Transfer-Encoding: chunked',
  'Connection: Keep-Alive',
  'Connection: close',
  'Keep-Alive: timeout=5',
  'Date: now',
  'X-A: b',
  'x-b:\tc',
  'Y: \xff',
  ' ',
  'abc',
  ':',
]
const statusLine = fc.constantFrom('HTTP/1.1 200 OK\r\n', 'HTTP/1.1 500 \r\n', 'HTTP/1.1 299 It is \xe9\r\n')
const line = fc.constantFrom(...pieces.filter((piece) => piece.includes(':') && piece.length > 1))
const body = fc.constantFrom('abc', '', 'ab', 'abcHTTP/1.1 200')
const likely = fc
  .tuple(statusLine, fc.array(line, { maxLength: 3 }), fc.array(line, { maxLength: 2 }), body)
  .map(
    ([status, before, behind, rest]) =>
      `${status}${[...before, 'Content-Length: 3', ...behind].map((text) => `${text}\r\n`).join('')}\r\n${rest}`,
  )
/** One byte of it, changed, added or taken away. */
const mutated = fc
  .tuple(likely, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.constantFrom('set', 'add', 'cut', 'none'))
  .map(([text, place, byte, how]) => {
    const at = place % text.length
    const character = String.fromCharCode(byte)
    if (how === 'none') return text
    if (how === 'set') return text.slice(0, at) + character + text.slice(at + 1)
    return how === 'add'
      ? text.slice(0, at) + character + text.slice(at)
      : text.slice(0, at) + text.slice(at + 1)
  })
const anything = fc.array(fc.constantFrom(...pieces), { maxLength: 16 }).map((parts) => parts.join(''))

test('whatever is read here_undici’s parser reads the same', () => {
  let taken = 0
  fc.assert(
    fc.property(fc.oneof({ weight: 3, arbitrary: mutated }, anything), (text) => {
      if (read(text) === null) return
      taken++
      const bytes = Buffer.from(text, 'latin1')
      const parsed = parseResponse(bytes)
      const { head } = response
      const end = response.bodyAt + head.contentLength
      assert.deepEqual(
        [head.status, end, bytes.latin1Slice(response.bodyAt, end), true],
        [parsed.status, parsed.end, parsed.body, parsed.keepAlive],
      )
      const here = new ResponseBlock()
      const there = new ResponseBlock()
      here.read(head)
      there.read(parsed.fields.flat().map((part) => Buffer.from(part, 'latin1')))
      assert.equal(there.malformed, false)
      // The white space behind a colon is passed on as it came, or else written anew.
      const lines = ({ name, rest }: ResponseBlock) =>
        `${name}: ${rest}`.replaceAll(/\r\n([^:]+): ?/g, '\r\n$1: ')
      assert.equal(lines(here), lines(there))
      assert.equal(here.contentLength, there.contentLength)
    }),
    { numRuns: 20_000 },
  )
  assert.ok(taken > 200, `only ${taken} were taken`)
  assert.ok(knownOnce > 200, `only ${knownOnce} were known the second time`)
})
