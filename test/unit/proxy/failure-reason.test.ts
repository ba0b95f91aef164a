import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reasonOf } from '../../../src/proxy/failure-reason.ts'

test('reason of an error_its words, or its name, or the words of those inside', () => {
  const inside = [new Error('connect ECONNREFUSED ::1:80'), new Error('connect ECONNREFUSED 127.0.0.1:80')]
  assert.deepEqual(
    [new Error('other side closed'), new TypeError(), new AggregateError(inside), new AggregateError([])].map(
      reasonOf,
    ),
    [
      'other side closed',
      'TypeError',
      'connect ECONNREFUSED ::1:80, connect ECONNREFUSED 127.0.0.1:80',
      'AggregateError',
    ],
  )
})
