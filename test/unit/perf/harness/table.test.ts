import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatNumber, formatSpread, renderTable } from '../../../../perf/harness/table.ts'

test('columns align_left_and_right_and_are_Markdown', () => {
  const columns = [
    { title: 'scenario', align: 'left' },
    { title: 'n', align: 'right' },
  ] as const
  const rows = [
    ['one', '1,234'],
    ['a longer name', '5'],
  ]
  assert.equal(
    renderTable(columns, rows),
    [
      '| scenario      |     n |',
      '| ------------- | ----: |',
      '| one           | 1,234 |',
      '| a longer name |     5 |',
    ].join('\n'),
  )
})

test('a row with a cell too few is_refused', () => {
  assert.throws(() => renderTable([{ title: 'a', align: 'left' }], [[]]), /0 cells, the table 1 columns/)
})

test('numbers have commas_between_thousands_and_fixed_digits', () => {
  assert.equal(formatNumber(1_234_567.891), '1,234,568')
  assert.equal(formatNumber(6, 1), '6.0')
})

test('a spread shows median_and_ends', () => {
  assert.equal(formatSpread({ median: 2.04, min: 1, max: 3 }, 1), '2.0 (1.0..3.0)')
})

test('a spread without extent as shown is_one_number', () => {
  assert.equal(formatSpread({ median: 2.01, min: 2.0, max: 2.02 }, 1), '2.0')
})
