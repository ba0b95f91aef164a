import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withText } from '../../../../perf/harness/document.ts'

const markers = { begin: '<!-- a -->', end: '<!-- z -->' }

test('what stands between two markers is_replaced', () => {
  const first = withText('before\n<!-- a -->\n<!-- z -->\nafter\n', markers, 'one')
  assert.equal(first, 'before\n<!-- a -->\n\none\n\n<!-- z -->\nafter\n')
  assert.equal(withText(first, markers, 'two'), first.replace('one', 'two'))
})

test('a document without them is_refused', () => {
  assert.throws(
    () => withText('<!-- z --><!-- a -->', markers, ''),
    /expected "<!-- a -->" and later "<!-- z -->"/,
  )
})
