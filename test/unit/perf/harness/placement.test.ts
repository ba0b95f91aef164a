import assert from 'node:assert/strict'
import { test } from 'node:test'
import { divide, divideForOrigins, findPlacement, parseCoreList } from '../../../../perf/harness/placement.ts'

test('single cores and ranges are_spelled_out', () => {
  assert.deepEqual(parseCoreList('0-2,5'), [0, 1, 2, 5])
  assert.deepEqual(parseCoreList('3'), [3])
})

test('a list of another form is_refused', () => {
  assert.throws(() => parseCoreList('0-2;5'), /"0-2;5" of the list of cores/)
})

test('with cores for both the_last_ones_are_the_subject’s', () => {
  assert.deepEqual(divide([0, 1], 1), { subject: '1', rest: '0' })
  assert.deepEqual(divide([0, 1, 2, 5], 2), { subject: '2,5', rest: '0,1' })
})

test('with none left for the load nothing_is_pinned', () => {
  assert.equal(divide([0, 1], 2), null)
  assert.equal(divide([0, 1], 4), null)
})

test('this machine’s placement pins_one_worker_apart, or gives_the_reason', () => {
  const { cores, explanation } = findPlacement()
  const pinned = cores(1)
  if (pinned === null) assert.match(explanation, /^skipped: .*(taskset|two)/)
  else assert.ok(!parseCoreList(pinned.rest).includes(Number(pinned.subject)), JSON.stringify(pinned))
})

test('in an overload the origins have_cores_of_their_own', () => {
  assert.equal(divideForOrigins([3]), null)
  assert.deepEqual(divideForOrigins([0, 1]), { origins: '0', subject: '1', generator: '1' })
  assert.deepEqual(divideForOrigins([0, 1, 2, 5]), { origins: '0,1', subject: '5', generator: '2' })
})
