import assert from 'node:assert/strict'
import { test } from 'node:test'
import { all, describe, onlySuite, select, selections, suites } from '../../../../perf/scenarios/catalogue.ts'

const names = (scenarios: ReturnType<typeof select>) => scenarios.map((scenario) => scenario.name)

test('names of suites and scenarios are_unique', () => {
  const every = [
    ...[...suites, ...selections].map((suite) => suite.name),
    ...all.map((scenario) => scenario.name),
  ]
  assert.equal(new Set(every).size, every.length, every.join(' '))
})

test('every baseline is_itself, an origin alone or a scenario of the same suite that is its own', () => {
  for (const suite of suites) {
    for (const scenario of suite.scenarios) {
      if (scenario.baseline === `${scenario.name}@origin`) continue
      const baseline = suite.scenarios.find((other) => other.name === scenario.baseline)
      assert.ok(baseline !== undefined, scenario.name)
      assert.equal(baseline.baseline, baseline.name, scenario.name)
    }
  }
})

test('no names select_the_short_form, and everything_all', () => {
  assert.deepEqual(names(select([])), ['isolated', 'small'])
  assert.deepEqual(select([], true), all)
})

test('a suite and one of its own scenarios select_each_once, in the order of the catalogue', () => {
  assert.deepEqual(names(select(['three', 'routes'])), ['origin', 'isolated', 'small', 'three'])
})

test('an earlier name selects_what_is_called_otherwise_now', () => {
  assert.deepEqual(names(select(['one'])), ['small'])
})

test('an unknown name is_refused_with_those_there_are', () => {
  assert.throws(
    () => select(['two']),
    /"two"; there are: suites routes, traffic, logging, features, goals; scenarios origin,/,
  )
})

test('the list names every_suite_and_scenario', () => {
  const text = describe()
  for (const { name, what } of [...suites, ...selections, ...all])
    assert.ok(text.includes(name) && text.includes(what), name)
})

test('the goals are_those that are asked for, and varied traffic has none', () => {
  assert.deepEqual(
    select(['goals']).map(({ name, mostCpuRatio }) => [name, mostCpuRatio]),
    [
      ['isolated', 1.0],
      ['small', 1.3],
      ['browser', 1.6],
      ['varied', undefined],
      ['response-16k', 1.4],
      ['response-1m', 1.0],
      ['connections-2000', 1.3],
      ['pipelined', 0.9],
    ],
  )
  assert.equal(onlySuite(['goals'])?.scenarios.length, 8)
  // What is made of another scenario does not have its goal.
  const others = all.filter(({ name }) => !select(['goals']).some((one) => one.name === name))
  assert.deepEqual(
    others.filter(({ mostCpuRatio }) => mostCpuRatio !== undefined),
    [],
  )
})
