import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onlyProblem, planOf, upstreamWith } from './read.ts'

const planned = (concurrency: unknown) => planOf(upstreamWith({ concurrency })).upstreams[0]?.concurrency

test('concurrency each_form', () => {
  assert.equal('concurrency' in (planOf(upstreamWith({})).upstreams[0] ?? {}), false)
  assert.equal(planned('off'), undefined)
  assert.equal(planned(7), 7)
  assert.deepEqual(planned('adaptive'), { min: 4, max: 1000, initial: 20, tolerance: 1.5 })
  assert.deepEqual(planned({ min: 2, tolerance: 2 }), { min: 2, max: 1000, initial: 20, tolerance: 2 })
})

test('concurrency defaults_that_contradict_what_is_written give way', () => {
  assert.deepEqual(planned({ max: 3 }), { min: 3, max: 3, initial: 3, tolerance: 1.5 })
  assert.deepEqual(planned({ min: 50 }), { min: 50, max: 1000, initial: 50, tolerance: 1.5 })
})

test('concurrency min_above_max is an error', () => {
  const { expected } = onlyProblem(
    upstreamWith({ concurrency: { min: 9, max: 3 } }),
    'upstreams.app.concurrency.min',
  )
  assert.match(expected ?? '', /at most 3/)
})

for (const wrong of ['fast', 0, 1.5, 100_001]) {
  test(`concurrency ${JSON.stringify(wrong)} is an error that names the forms`, () => {
    const { expected } = onlyProblem(upstreamWith({ concurrency: wrong }), 'upstreams.app.concurrency')
    assert.match(expected ?? '', /"adaptive", "off"|whole number/)
  })
}
