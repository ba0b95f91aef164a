import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArguments, usage } from '../../../../perf/head-of-line/arguments.ts'
import { cases, rates } from '../../../../perf/head-of-line/cases.ts'

test('no arguments mean_every case, at two rates', () => {
  const { seed, schedule, ...given } = parseArguments([], 5 * 2 ** 32 + 99)
  assert.deepEqual(given.cases, cases)
  assert.deepEqual([given.rates, given.slowMs, seed], [rates, 20, 99])
  assert.deepEqual(schedule, { turns: 5, seconds: 2, settleSeconds: 1, warmupSeconds: 3 })
})

test('cases may be_named, in the order of the list', () => {
  assert.deepEqual(
    parseArguments(['16', '1'], 0).cases.map(({ name }) => name),
    ['1', '16'],
  )
})

test('rates may be_given', () => {
  assert.deepEqual(parseArguments(['--rate', '500,1000'], 0).rates, [500, 1_000])
  assert.throws(
    () => parseArguments(['--rate', '500,'], 0),
    /--rate: expected a whole number from 1 to 20000, found ""/,
  )
})

test('slow answers may_take longer, but not as long as a client waits', () => {
  assert.equal(parseArguments(['--slow-ms', '1000'], 0).slowMs, 1_000)
  assert.throws(
    () => parseArguments(['--slow-ms', '1001'], 0),
    /--slow-ms: expected a whole number from 2 to 1000/,
  )
})

test('an unknown case is_refused with those there are', () => {
  assert.throws(() => parseArguments(['2'], 0), /no case is called "2".*1, 4, 16, 16-on-4/)
})

test('the usage names_the share of slow answers', () => {
  assert.match(usage, / where 1 % of the answers are slow/)
})
