import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArguments } from '../../../../perf/profiling/arguments.ts'

test('nothing given_is two scenarios, recorded, without comparison', () => {
  assert.deepEqual(parseArguments([]), {
    names: [],
    seconds: 10,
    warmupSeconds: 5,
    diff: false,
    record: true,
    tables: false,
    help: false,
  })
})

test('options_are read', () => {
  const given = parseArguments(['tls', '--diff', '--no-record', '--seconds', '2', '--warmup', '1'])
  assert.deepEqual(given.names, ['tls'])
  assert.deepEqual([given.diff, given.record, given.seconds, given.warmupSeconds], [true, false, 2, 1])
})

test('a number out of bounds_is refused', () => {
  assert.throws(() => parseArguments(['--seconds', '61']), /--seconds: expected a whole number from 1 to 60/)
})
