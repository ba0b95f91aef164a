import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArguments } from '../../../../perf/instructions/arguments.ts'

test('no arguments mean_four scenarios beside nginx', () => {
  const { names, peers, turns, calls, weir, out } = parseArguments([])
  assert.deepEqual([names, peers], [['isolated', 'small', 'browser', 'varied', 'pipelined'], ['nginx']])
  assert.deepEqual([turns, calls, weir, out], [3, true, null, null])
})

test('named scenarios have_no peers unless they are named too', () => {
  assert.deepEqual(parseArguments(['features']).peers, [])
  assert.deepEqual(parseArguments(['small', '--peers', 'nginx,nginx']).peers, ['nginx'])
  assert.deepEqual(parseArguments(['--peers', 'none']).peers, [])
})

test('options_are taken', () => {
  const given = parseArguments(['small', '--turns', '5', '--at-once', '1', '--no-calls', '--weir', 'w.ts'])
  assert.deepEqual([given.turns, given.atOnce, given.calls, given.weir], [5, 1, false, 'w.ts'])
})

test('what cannot be_is_refused_with_what can', () => {
  assert.throws(
    () => parseArguments(['--peers', 'haproxy']),
    /--peers: expected none or nginx, found "haproxy"/,
  )
  assert.throws(() => parseArguments(['--peers', 'apache']), /no peer is called "apache"/)
  assert.throws(() => parseArguments(['--turns', '0']), /--turns: expected a whole number from 1 to 20/)
  assert.throws(() => parseArguments(['--at-once', '65']), /--at-once: expected a whole number from 1 to 64/)
})
