import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findPlacement, parseCoreList } from '../../../../perf/harness/placement.ts'

test('single cores and ranges are_spelled_out', () => {
  assert.deepEqual(parseCoreList('0-2,5'), [0, 1, 2, 5])
  assert.deepEqual(parseCoreList('3'), [3])
})

test('a list of another form is_refused', () => {
  assert.throws(() => parseCoreList('0-2;5'), /"0-2;5" of the list of cores/)
})

test('the subject’s core is_none_of_the_others, or the reason is given', () => {
  const { cores, explanation } = findPlacement()
  if (cores === null) assert.match(explanation, /^skipped: .*(taskset|two)/)
  else assert.ok(!parseCoreList(cores.rest).includes(Number(cores.subject)), JSON.stringify(cores))
})
