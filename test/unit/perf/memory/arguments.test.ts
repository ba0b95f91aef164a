import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArguments } from '../../../../perf/memory/arguments.ts'

test('nothing given_is three workers for each state, kept where the documents look', () => {
  assert.deepEqual(parseArguments([]), { turns: 3, out: null, help: false })
})

test('options_are read', () => {
  assert.deepEqual(parseArguments(['--turns', '1', '--out', '/tmp/x']), {
    turns: 1,
    out: '/tmp/x',
    help: false,
  })
})

test('a number out of bounds_is refused', () => {
  assert.throws(() => parseArguments(['--turns', '21']), /--turns: expected a whole number from 1 to 20/)
})
