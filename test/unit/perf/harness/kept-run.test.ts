import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseKeptRun } from '../../../../perf/harness/kept-run.ts'

test('nothing given_is three turns, kept where the documents look', () => {
  assert.deepEqual(parseKeptRun([]), { turns: 3, out: null, help: false })
})

test('options_are read', () => {
  assert.deepEqual(parseKeptRun(['--turns', '1', '--out', '/tmp/x']), {
    turns: 1,
    out: '/tmp/x',
    help: false,
  })
})

test('a number out of bounds_is refused', () => {
  assert.throws(() => parseKeptRun(['--turns', '21']), /--turns: expected a whole number from 1 to 20/)
})
