import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hashText } from '../../../../src/proxy/balance/hash-text.ts'

test('part of a text_hashed as if it were cut out', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (before, text, after) => {
      const whole = `${before}${text}${after}`
      assert.equal(hashText(whole, before.length, before.length + text.length), hashText(text))
    }),
  )
})

test('known texts_have the same hash for ever: workers of two versions must agree', () => {
  assert.deepEqual(
    ['', 'a', '192.0.2.1', 'app/http://127.0.0.1:9001 0'].map((text) => hashText(text)),
    [2872998923, 444641715, 1941296713, 2032542150],
  )
})

test('similar texts_fall evenly on the whole range', () => {
  const bins = new Array<number>(64).fill(0)
  for (let number = 0; number < 64_000; number++) bins[hashText(`10.0.0.${number}`) >>> 26]!++
  // A chi-square of 63 degrees of freedom is above 120 once in a hundred thousand.
  const chiSquare = bins.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0)
  assert.ok(chiSquare < 120, `${chiSquare}`)
})
