import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArguments, usage } from '../../../../perf/overload/arguments.ts'

const names = (argv: readonly string[]) => {
  const { setups, closedLoop } = parseArguments(argv, 0)
  return [...setups.map(({ name }) => name), ...(closedLoop ? ['closed-loop'] : [])]
}

test('no arguments mean_the_short_form', () => {
  assert.deepEqual(names([]), ['slots', 'fastapi-1', 'closed-loop'])
  const { loads, schedule, seed, full } = parseArguments([], 5 * 2 ** 32 + 99)
  assert.deepEqual(loads, [0.5, 1, 4])
  assert.deepEqual(schedule, { turns: 1, seconds: 2, warmupSeconds: 2, settleSeconds: 1 })
  assert.deepEqual([seed, full], [99, false])
})

test('the full form is_everything', () => {
  assert.deepEqual(names(['--full']), ['slots', 'fastapi-1', 'fastapi-3', 'closed-loop'])
  const { loads, schedule } = parseArguments(['--full'], 0)
  assert.deepEqual(loads, [0.5, 1, 1.5, 2, 4])
  assert.deepEqual(schedule, { turns: 3, seconds: 4, warmupSeconds: 2, settleSeconds: 4 })
})

test('setups may_be_named', () => {
  assert.deepEqual(names(['fastapi-3']), ['fastapi-3'])
  assert.deepEqual(names(['closed-loop', 'slots', '--full']), ['slots', 'closed-loop'])
})

test('an unknown setup is_refused_with_those_there_are', () => {
  assert.throws(() => parseArguments(['go'], 0), /"go"; there are: slots, fastapi-1, fastapi-3, closed-loop/)
  assert.throws(() => parseArguments(['fastapi'], 0), /"fastapi": did you mean "fastapi-1"\?/)
  assert.throws(() => parseArguments(['--turns', '0'], 0), /--turns: expected a whole number from 1 to 20/)
})

test('the help_says what the defaults are', () => {
  const { schedule: full } = parseArguments(['--full'], 0)
  const { schedule: short } = parseArguments([], 0)
  for (const [option, value] of [
    ['turns', (schedule: typeof full) => schedule.turns],
    ['seconds', (schedule: typeof full) => schedule.seconds],
    ['settle', (schedule: typeof full) => schedule.settleSeconds],
  ] as const) {
    const line = new RegExp(`--${option} N .*default ${value(full)} with --full, else ${value(short)}\\b`)
    assert.match(usage, line)
  }
})
