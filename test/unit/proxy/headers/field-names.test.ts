import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isToken } from '../../../../src/proxy/headers/bytes.ts'
import { fieldName, fieldNames } from '../../../../src/proxy/headers/field-names.ts'
import { isClaim } from '../../../../src/proxy/headers/forwarding.ts'
import { isHopByHop } from '../../../../src/proxy/headers/hop-by-hop.ts'

/** What RequestHead has a meaning of its own for, and never passes on. */
const own = ['host', 'expect', 'content-length', 'transfer-encoding']

test('each name is_found, by other text that reads the same, too', () => {
  for (const [index, name] of fieldNames.entries()) {
    assert.equal(name.index, index)
    const fresh = Buffer.from(name.text).toString()
    assert.equal(fieldName(fresh), name, `${name.text} shares its slot`)
    assert.equal(name.begin, `\r\n${name.text}: `)
  }
  assert.equal(new Set(fieldNames.map(({ text }) => text)).size, fieldNames.length)
})

test('each name_is one that may be written, and passes only if it would be judged to', () => {
  for (const { text, passes } of fieldNames) {
    assert.ok(passes || isClaim(text), text)
    assert.ok(isToken(text) && text === text.toLowerCase(), text)
    assert.equal(passes, !isClaim(text) && !isHopByHop(text) && !own.includes(text), text)
  }
})

test('any other text_is not found', () => {
  const texts = new Set(fieldNames.map(({ text }) => text))
  const near = fc
    .tuple(fc.constantFrom(...texts), fc.nat(40), fc.string({ unit: 'binary', maxLength: 2 }))
    .map(([text, at, by]) => text.slice(0, at) + by + text.slice(at + 1))
  fc.assert(
    fc.property(fc.oneof(near, fc.string({ maxLength: 12 }), fc.string({ unit: 'binary' })), (text) => {
      assert.equal(fieldName(text)?.text ?? null, texts.has(text) ? text : null)
    }),
    { numRuns: 2_000 },
  )
  for (const text of ['', 'a', 'te', 'Accept', 'cookie ', '\u0163ookie']) assert.equal(fieldName(text), null)
})
