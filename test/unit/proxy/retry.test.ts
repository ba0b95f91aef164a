import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Outcome, outcomes } from '../../../src/plan/outcome.ts'
import { mayRetry, retriesMax, unsentRetriesMax } from '../../../src/proxy/retry.ts'

/** RFC 9110, section 9.2.2. Methods are case-sensitive: `get` is a method of its own, of which nothing is known. */
const idempotent = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']
const others = ['POST', 'PATCH', 'CONNECT', 'get', 'PROPFIND', '']

/** Outcomes that may be followed by another attempt, written down apart from the table that is tested against them. */
const always = new Set<Outcome>([outcomes.connectFailed, outcomes.connectTimeout])
const ifIdempotent = new Set<Outcome>([outcomes.endpointReset])

for (const [name, outcome] of Object.entries(outcomes)) {
  const when = always.has(outcome) ? 'any method' : ifIdempotent.has(outcome) ? 'idempotent methods' : 'never'
  test(`${name}_another attempt: ${when}`, () => {
    for (const method of [...idempotent, ...others]) {
      const expected = when === 'any method' || (when === 'idempotent methods' && idempotent.includes(method))
      assert.equal(mayRetry(outcome, method, 1, true), expected, method)
    }
  })
}

test('attempts used up_none, whatever failed', () => {
  assert.deepEqual([retriesMax, unsentRetriesMax], [1, 2])
  for (const outcome of Object.values(outcomes)) {
    // What was not sent is cheap to try again; what was sent is not.
    assert.equal(mayRetry(outcome, 'GET', 2, true), always.has(outcome))
    assert.equal(mayRetry(outcome, 'GET', 3, true), false)
  }
})

test('body gone_none, even where nothing was sent', () => {
  for (const outcome of Object.values(outcomes)) assert.equal(mayRetry(outcome, 'PUT', 1, false), false)
})
