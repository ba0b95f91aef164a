import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArguments } from '../../../../perf/harness/arguments.ts'

test('no arguments mean five_turns_of_three_seconds_of_the_default', () => {
  assert.deepEqual(parseArguments([]), {
    names: [],
    schedule: { turns: 5, seconds: 3, warmupSeconds: 3 },
    generator: null,
    weir: null,
    out: null,
    list: false,
    help: false,
  })
})

test('names and options may_be_mixed', () => {
  const given = parseArguments(['one', '--turns', '7', 'three', '--seconds=2', '--warmup', '0'])
  assert.deepEqual(given.names, ['one', 'three'])
  assert.deepEqual(given.schedule, { turns: 7, seconds: 2, warmupSeconds: 0 })
})

for (const [option, text] of [
  ['--turns', '0'],
  ['--turns', '1.5'],
  ['--seconds', '61'],
  ['--seconds', '3s'],
  ['--warmup', ''],
] as const) {
  test(`${option} "${text}" is_refused_with_the_range`, () => {
    assert.throws(() => parseArguments([option, text]), new RegExp(`${option}: expected .* found "${text}"`))
  })
}

test('an unknown generator is_refused_with_those_there_are', () => {
  assert.throws(() => parseArguments(['--generator', 'ab']), /expected wrk or autocannon, found "ab"/)
  assert.equal(parseArguments(['--generator', 'autocannon']).generator, 'autocannon')
})

test('an unknown option is_refused', () => {
  assert.throws(() => parseArguments(['--turn', '3']), TypeError)
})
