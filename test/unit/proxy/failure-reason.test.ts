import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOwnShortage, reasonOf } from '../../../src/proxy/failure-reason.ts'

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

test('want of descriptors or memory, at every address_is our own; anything else is not', () => {
  const error = (code: string) => Object.assign(new Error(code), { code })
  const all = (...codes: string[]) => new AggregateError(codes.map(error))
  for (const ours of [error('EMFILE'), error('ENOMEM'), all('EMFILE', 'EMFILE')])
    assert.ok(isOwnShortage(ours))
  for (const other of [error('ECONNREFUSED'), new Error('x'), all('EMFILE', 'ECONNREFUSED'), all()])
    assert.ok(!isOwnShortage(other))
})
