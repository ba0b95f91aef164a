import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  contentLength,
  fieldValue,
  isHost,
  isTarget,
  isToken,
  toWritable,
} from '../../../../src/proxy/headers/bytes.ts'

test('fieldValue of any text_its UTF-8 bytes, one character each, or null for control characters', () => {
  // Long values are looked through in another way.
  const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 60 })
  const anyText = fc
    .tuple(ascii, fc.string({ unit: 'grapheme', maxLength: 3 }), ascii)
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'grapheme' }), anyText), (text) => {
      const bytes = fieldValue(text)
      const hasControls = [...text].some((character) => {
        const code = character.charCodeAt(0)
        return (code < 0x20 && character !== '\t') || code === 0x7f
      })
      assert.equal(bytes === null, hasControls)
      if (bytes === null) return
      assert.ok([...bytes].every((character) => character.charCodeAt(0) <= 0xff))
      assert.equal(Buffer.from(bytes, 'latin1').toString('utf8'), text)
    }),
  )
})

test('fieldValue with any one character, short or long_judged alike', () => {
  for (let code = 0; code < 0x100; code++) {
    const character = String.fromCharCode(code)
    const isControl = (code < 0x20 && code !== 0x09) || code === 0x7f
    for (const around of ['', 'a'.repeat(12), 'a'.repeat(300)]) {
      const text = around + character + around
      const expected = isControl ? null : Buffer.from(text).latin1Slice()
      assert.equal(fieldValue(text), expected, `${code} among ${around.length}`)
    }
  }
})

test('fieldValue of ASCII_the same string', () => {
  for (const length of [0, 5, 24, 25, 2_000]) assert.equal(fieldValue('~'.repeat(length)), '~'.repeat(length))
  assert.equal(fieldValue('€'), '\u00e2\u0082\u00ac')
})

test('toWritable of any byte string_goes out as these bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const writable = toWritable(Buffer.from(bytes).latin1Slice())
      // The binding writes text as UTF-8 and a buffer as it is.
      assert.deepEqual(Buffer.from(writable as string), Buffer.from(bytes))
    }),
  )
})

test('toWritable of ASCII_text, which costs least', () => {
  assert.equal(typeof toWritable('x-a: 1\r\nx-b: 2'), 'string')
})

/** RFC 9110, section 5.6.2. */
const tokens: [text: string, ok: boolean][] = [
  ['GET', true],
  ['get', true],
  ["!#$%&'*+-.^_`|~09", true],
  ['', false],
  ['G(E)T', false],
  ['G ET', false],
  ['GET\x7f', false],
  ['GÉT', false],
  ['GET\u0147', false],
]
for (const [text, ok] of tokens) {
  test(`token ${JSON.stringify(text)}_${ok ? 'yes' : 'no'}`, () => assert.equal(isToken(text), ok))
}

/** RFC 3986, section 3.2.2, with a port. */
const hosts: [text: string, ok: boolean][] = [
  ['example.com', true],
  ['example.com:8080', true],
  ['[::1]:80', true],
  ['xn--bcher-kva.example', true],
  ['a_b.example', true],
  ['%41.example', true],
  ['%41.example:80', true],
  ['example.com:', true],
  ['[2001:db8::7]', true],
  ['[::ffff:192.0.2.1]:1', true],
  ['[v1.a:b]:1', true],
  ['[::1', false],
  ['::1', false],
  ['[::1]a', false],
  ['[::1]:a', false],
  ['[::1%25lo]', false],
  ['[192.0.2.1]', false],
  ['[v1.]', false],
  ['[]', false],
  ['a[b]', false],
  ['a:b', false],
  ['a:1:2', false],
  ['a:-1', false],
  ['a:1%41', false],
  [':80', false],
  ['%', false],
  ['%4', false],
  ['%4g.example', false],
  ['', false],
  ['a/b', false],
  ['a@b', false],
  ['a b', false],
  ['a\\b', false],
  ['a?b', false],
  ['a#b', false],
  ['bücher.example', false],
]
for (const [text, ok] of hosts) {
  test(`host ${JSON.stringify(text)}_${ok ? 'yes' : 'no'}`, () => assert.equal(isHost(text), ok))
}

/** RFC 9112, section 3.2: origin-form, visible ASCII, no fragment. */
const targets: [text: string, ok: boolean][] = [
  ['/', true],
  ['/a/../b/./c//d%2e%2e/%2F%00x', true],
  ['//evil.example/x', true],
  ['/a?', true],
  ['/a?b=c?d', true],
  ['/~!$&\'()*+,;=:@"<>\\^`{|}', true],
  ['', false],
  ['*', false],
  ['a', false],
  ['?x', false],
  ['/a#frag', false],
  ['/a b', false],
  ['/a\tb', false],
  ['/a\x7f', false],
  ['/\x00', false],
  ['/é', false],
  ['/\ufffd', false],
]
for (const [text, ok] of targets) {
  test(`target ${JSON.stringify(text)}_${ok ? 'yes' : 'no'}`, () => assert.equal(isTarget(text), ok))
}

for (const [what, judge, cases] of [
  ['host', isHost, hosts],
  ['target', isTarget, targets],
] as const) {
  test(`${what} asked for again, behind any other_the same verdict`, () => {
    for (const [before] of cases)
      for (const [text, ok] of cases) {
        judge(before)
        assert.deepEqual([judge(text), judge(text)], [ok, ok], `${text} behind ${before}`)
      }
  })
}

/** RFC 9110, section 8.6: digits. Fifteen of them are all that can be counted exactly with room to spare. */
const lengths: [text: string, value: number][] = [
  ['0', 0],
  ['3', 3],
  ['003', 3],
  ['999999999999999', 999_999_999_999_999],
  ['', -1],
  ['1000000000000000', -1],
  ['+3', -1],
  ['-1', -1],
  ['3, 3', -1],
  ['3 ', -1],
  [' 3', -1],
  ['0x3', -1],
  ['3.0', -1],
  ['1e3', -1],
  ['٣', -1],
]
for (const [text, value] of lengths) {
  test(`contentLength ${JSON.stringify(text)}_${value}`, () => assert.equal(contentLength(text), value))
}
