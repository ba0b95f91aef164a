import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArguments as parse } from '../../../../perf/harness/arguments.ts'
import { peers } from '../../../../perf/peers/peers.ts'

const now = 1_700_000_000_000
const parseArguments = (argv: readonly string[]) => parse(argv, now)

test('no arguments mean the_short_form_beside_two_peers', () => {
  assert.deepEqual(parseArguments([]), {
    names: [],
    full: false,
    peers: ['nginx', 'haproxy'],
    passes: true,
    schedule: { turns: 3, seconds: 2, warmupSeconds: 2 },
    seed: now % 2 ** 32,
    generator: null,
    weir: null,
    before: null,
    record: null,
    out: null,
    list: false,
    help: false,
  })
})

test('a turn may be_some_tenths_of_a_second', () => {
  const { schedule } = parseArguments(['small', '--seconds', '0.2', '--turns', '200'])
  assert.deepEqual(schedule, { turns: 200, seconds: 0.2, warmupSeconds: 2 })
})

test('names and options may_be_mixed', () => {
  const given = parseArguments([
    'one',
    '--turns',
    '7',
    'three',
    '--seconds=2',
    '--warmup',
    '0',
    '--no-passes',
  ])
  assert.deepEqual(given.names, ['one', 'three'])
  assert.deepEqual(given.schedule, { turns: 7, seconds: 2, warmupSeconds: 0 })
  assert.equal(given.passes, false)
})

test('named scenarios are_measured_without_peers unless_they_are_named_too', () => {
  assert.deepEqual(parseArguments(['small']).peers, [])
  assert.deepEqual(parseArguments(['small', '--peers', 'caddy,nginx,caddy']).peers, ['caddy', 'nginx'])
  assert.deepEqual(parseArguments(['--peers', 'none']).peers, [])
})

test('everything is_all_scenarios_and_all_peers', () => {
  const { full, peers: chosen, schedule } = parseArguments(['--full'])
  assert.equal(full, true)
  assert.deepEqual(
    chosen,
    peers.map((peer) => peer.name),
  )
  assert.deepEqual(schedule, { turns: 3, seconds: 2, warmupSeconds: 4 })
  assert.throws(() => parseArguments(['--full', 'small']), /--full is every scenario: .* found "small"/)
})

test('files to be recorded are_no_names_of_scenarios, and nothing is measured beside', () => {
  const { record, names, out, help } = parseArguments(['--record', 'a.json', 'small', '--out', 'there'])
  assert.deepEqual([record, names, out, help], [['a.json', 'small'], [], 'there', false])
  assert.throws(() => parseArguments(['--record']), /--record: expected files of results, found none/)
  for (const others of [
    ['--turns', '3'],
    ['--full'],
    ['--no-passes'],
    ['--peers', 'none'],
    ['--seed', '1'],
  ]) {
    const refused = new RegExp(`--record measures nothing: .* found ${others[0]}$`)
    assert.throws(() => parseArguments(['--record', 'a.json', ...others]), refused)
  }
  assert.equal(parseArguments(['--record', '--help']).help, true)
})

test('an unknown peer is_refused_with_those_there_are', () => {
  assert.throws(
    () => parseArguments(['--peers', 'nginx,apache']),
    /"apache"; there are: nginx, nginx-buffers, haproxy,/,
  )
})

for (const [option, text] of [
  ['--turns', '0'],
  ['--turns', '1.5'],
  ['--seconds', '61'],
  ['--seconds', '0'],
  ['--seconds', '0.25'],
  ['--seconds', '1.5'],
  ['--seconds', '3s'],
  ['--warmup', ''],
  ['--seed', '4294967296'],
] as const) {
  test(`${option} "${text}" is_refused_with_the_range`, () => {
    assert.throws(() => parseArguments([option, text]), new RegExp(`${option}: expected .* found "${text}"`))
  })
}

test('a seed that is given is_the_one', () => {
  assert.equal(parseArguments(['--seed', '7']).seed, 7)
})

test('an unknown generator is_refused_with_those_there_are', () => {
  assert.throws(() => parseArguments(['--generator', 'ab']), /expected wrk or autocannon, found "ab"/)
  assert.equal(parseArguments(['--generator', 'autocannon']).generator, 'autocannon')
})

test('an unknown option is_refused_with_the_one_that_was_meant', () => {
  assert.throws(() => parseArguments(['--turn', '3']), /'--turn': did you mean "--turns"\?/)
  assert.throws(() => parseArguments(['--no-pases']), /'--no-pases': did you mean "--no-passes"\?/)
})

test('a suite with a form of its own has_it, alone and as far as nothing else is asked for', () => {
  const { schedule, passes } = parseArguments(['features'])
  assert.deepEqual([schedule, passes], [{ turns: 50, seconds: 0.4, warmupSeconds: 4 }, false])
  const asked = parseArguments(['features', '--turns', '40', '--passes'])
  assert.deepEqual([asked.schedule.turns, asked.schedule.seconds, asked.passes], [40, 0.4, true])
  assert.equal(parseArguments(['features', 'small']).schedule.turns, 5)
  const { schedule: goals, passes: looks, peers: beside } = parseArguments(['goals'])
  assert.deepEqual([goals, looks, beside], [{ turns: 150, seconds: 0.4, warmupSeconds: 5 }, false, ['nginx']])
  assert.deepEqual(parseArguments(['goals', '--peers', 'none']).peers, [])
})
