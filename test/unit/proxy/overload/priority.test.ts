import assert from 'node:assert/strict'
import { test } from 'node:test'
import { priorityOf } from '../../../../src/proxy/overload/priority.ts'
import { planOf, routesWith } from '../../config/read.ts'

test('none or normal_nothing to look at', () => {
  assert.equal(priorityOf(undefined), null)
  assert.equal(priorityOf('normal'), null)
})

test('a word_the same for every request', () => {
  assert.equal(priorityOf('high')?.(['x-priority', 'low']), 0)
  assert.equal(priorityOf('low')?.([]), 2)
})

test('a header_by its whole value; the default without it and for any other', () => {
  const of = priorityOf({
    header: 'x-priority',
    values: [
      ['batch', 'low'],
      ['toString', 'high'],
    ],
    default: 'normal',
  })
  assert.ok(of)
  assert.equal(of(['accept', 'batch', 'x-priority', 'batch']), 2)
  assert.equal(of(['x-priority', 'toString']), 0)
  assert.equal(of(['x-priority', 'Batch']), 1)
  assert.equal(of(['x-priority', 'constructor']), 1)
  assert.equal(of([]), 1)
})

test('configuration_each form arrives in the plan; normal leaves none', () => {
  const planned = (priority: unknown) => planOf(routesWith({ upstream: 'app', priority })).routes[0]?.priority
  assert.equal(planned('normal'), undefined)
  assert.equal(planned('low'), 'low')
  assert.deepEqual(planned({ header: 'X-Priority', values: { batch: 'low' } }), {
    header: 'x-priority',
    values: [['batch', 'low']],
    default: 'normal',
  })
})
