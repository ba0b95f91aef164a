import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LineIndex } from '../../../src/config/line-index.ts'

test('LineIndex each_offset gives its line and column', () => {
  const lines = new LineIndex('ab\n\nc')
  const positions = [0, 1, 2, 3, 4, 5].map((offset) => lines.at(offset))
  assert.deepEqual(
    positions.map(({ line, column }) => `${line}:${column}`),
    ['1:1', '1:2', '1:3', '2:1', '3:1', '3:2'],
  )
})

test('LineIndex any_text agrees with counting', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '\n', '\r'), maxLength: 60 })
  fc.assert(
    fc.property(text, fc.nat(60), (text, offset) => {
      const before = text.slice(0, offset).split('\n')
      const at = Math.min(offset, text.length)
      assert.deepEqual(new LineIndex(text).at(at), {
        line: before.length,
        column: (before.at(-1)?.length ?? 0) + 1,
      })
    }),
  )
})
