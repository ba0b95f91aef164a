import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOwnShortage } from '../../../src/plan/own-shortage.ts'

test('want of descriptors, memory or ports, at every address_is our own; anything else is not', () => {
  const error = (code: string) => Object.assign(new Error(code), { code })
  const all = (...codes: string[]) => new AggregateError(codes.map(error))
  for (const ours of [error('EMFILE'), error('ENOMEM'), error('EADDRNOTAVAIL'), all('EMFILE', 'EMFILE')])
    assert.ok(isOwnShortage(ours))
  for (const other of [error('ECONNREFUSED'), new Error('x'), all('EMFILE', 'ECONNREFUSED'), all()])
    assert.ok(!isOwnShortage(other))
})
