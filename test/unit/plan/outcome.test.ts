import assert from 'node:assert/strict'
import { STATUS_CODES } from 'node:http'
import { test } from 'node:test'
import { idempotentMethods, outcomes } from '../../../src/plan/outcome.ts'

const rows = Object.entries(outcomes)

test('codes_unique, lower case with underscores, the same word as the row', () => {
  const codes = rows.map(([, { code }]) => code)
  assert.equal(new Set(codes).size, codes.length)
  for (const [name, { code }] of rows) {
    assert.equal(
      code,
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    )
  }
})

test('table_cannot be changed', () => {
  assert.ok(Object.isFrozen(outcomes))
  for (const [name, row] of rows) assert.ok(Object.isFrozen(row), name)
})

for (const [name, { status, message, closes, fault, retry }] of rows) {
  test(`${name}_an answer with a message, or neither`, () => {
    assert.equal(status === 0, message === '')
    if (status !== 0) assert.ok(STATUS_CODES[status] !== undefined && status >= 400)
    else assert.equal(closes, false)
  })

  test(`${name}_blame and status agree`, () => {
    if (status >= 400 && status < 500) assert.equal(fault, 'client')
    if (status === 502 || status === 504) assert.equal(fault, 'endpoint')
    if (fault === 'none') assert.equal(status, 0)
    // Only what an endpoint failed at is worth another endpoint.
    if (retry !== 'never') assert.equal(fault, 'endpoint')
  })
}

test('idempotent methods_those of RFC 9110, section 9.2.2', () => {
  assert.deepEqual([...idempotentMethods].sort(), ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PUT', 'TRACE'])
})
