import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultSuite, describe, select, suites } from '../../../../perf/scenarios/catalogue.ts'

const all = suites.flatMap((suite) => suite.scenarios)
const names = (scenarios: ReturnType<typeof select>) => scenarios.map((scenario) => scenario.name)

test('names of suites and scenarios are_unique', () => {
  const every = [...suites.map((suite) => suite.name), ...all.map((scenario) => scenario.name)]
  assert.equal(new Set(every).size, every.length, every.join(' '))
})

test('every baseline is_a_scenario_of_the_same_suite_that_is_its_own_baseline', () => {
  for (const suite of suites) {
    for (const scenario of suite.scenarios) {
      const baseline = suite.scenarios.find((other) => other.name === scenario.baseline)
      assert.equal(baseline?.baseline, baseline?.name, scenario.name)
      assert.ok(baseline !== undefined, scenario.name)
    }
  }
})

test('no names select_the_default_suite', () => {
  assert.deepEqual(names(select([])), ['origin', 'isolated', 'one', 'three'])
  assert.equal(select([]), defaultSuite.scenarios)
})

test('a scenario brings_its_baseline_in_the_order_of_the_catalogue', () => {
  assert.deepEqual(names(select(['three'])), ['origin', 'three'])
  assert.deepEqual(names(select(['one/all-sync'])), ['one/off', 'one/all-sync'])
})

test('a suite and one of its own scenarios select_each_once', () => {
  assert.deepEqual(names(select(['one', 'routes'])), ['origin', 'isolated', 'one', 'three'])
})

test('an unknown name is_refused_with_those_there_are', () => {
  assert.throws(() => select(['two']), /"two"; there are: suites routes, logging; scenarios origin,/)
})

test('the list names every_suite_and_scenario', () => {
  const text = describe()
  for (const { name, what } of [...suites, ...all])
    assert.ok(text.includes(name) && text.includes(what), name)
})
