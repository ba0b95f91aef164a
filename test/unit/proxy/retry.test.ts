import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Outcome, outcomes } from '../../../src/plan/outcome.ts'
import { mayGather, mayHedge, mayRetry, unsentRetries } from '../../../src/proxy/retry.ts'
import { upstreamPlan } from '../../support/fakes/plans.ts'

const { retries } = upstreamPlan()
const none = { replayable: true, untouched: true, length: 0 }

/** RFC 9110, section 9.2.2. Methods are case-sensitive: `get` is a method of its own, of which nothing is known. */
const idempotent = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']
const others = ['POST', 'PATCH', 'CONNECT', 'get', 'PROPFIND', '']

/** Outcomes that may be followed by another attempt, written down apart from the table that is tested against them. */
const always = new Set<Outcome>([outcomes.connectFailed, outcomes.connectTimeout])
const ifIdempotent = new Set<Outcome>([
  outcomes.endpointReset,
  outcomes.retriedStatus,
  // If there is another endpoint, which is upstream.outliers.test.ts' affair.
  outcomes.headersTimeout,
])

for (const [name, outcome] of Object.entries(outcomes)) {
  const when = always.has(outcome) ? 'any method' : ifIdempotent.has(outcome) ? 'idempotent methods' : 'never'
  test(`${name}_another attempt: ${when}`, () => {
    for (const method of [...idempotent, ...others]) {
      const expected = when === 'any method' || (when === 'idempotent methods' && idempotent.includes(method))
      assert.equal(mayRetry(outcome, method, 1, none, retries), expected, method)
    }
  })
}

test('attempts used up_none, whatever failed', () => {
  assert.deepEqual([retries.attempts, unsentRetries], [1, 2])
  for (const outcome of Object.values(outcomes)) {
    // What was not sent is cheap to try again; what was sent is not.
    assert.equal(mayRetry(outcome, 'GET', 2, none, retries), always.has(outcome))
    assert.equal(mayRetry(outcome, 'GET', 3, none, retries), false)
  }
})

test('body gone_none, even where nothing was sent', () => {
  const gone = { replayable: false, untouched: false, length: 0 }
  for (const outcome of Object.values(outcomes)) {
    assert.equal(mayRetry(outcome, 'PUT', 1, gone, retries), false)
  }
})

test('body that streams, and nobody has taken of it_only where nothing was sent', () => {
  const streaming = { replayable: false, untouched: true, length: 0 }
  for (const outcome of Object.values(outcomes)) {
    for (const method of ['PUT', 'POST']) {
      assert.equal(mayRetry(outcome, method, 1, streaming, retries), always.has(outcome))
    }
  }
})

test('body longer than bodyBytes_only where nothing was sent', () => {
  const body = { replayable: true, untouched: true, length: 11 }
  const few = { ...retries, bodyBytes: 10 }
  assert.equal(mayRetry(outcomes.endpointReset, 'PUT', 1, body, few), false)
  assert.equal(mayRetry(outcomes.endpointReset, 'PUT', 1, { ...body, length: 10 }, few), true)
  assert.equal(mayRetry(outcomes.connectFailed, 'PUT', 1, body, few), true)
})

test('attempts 0_no retry at all; 3_up to three', () => {
  for (const outcome of Object.values(outcomes)) {
    assert.equal(mayRetry(outcome, 'GET', 1, none, { ...retries, attempts: 0 }), false)
  }
  assert.equal(mayRetry(outcomes.endpointReset, 'GET', 3, none, { ...retries, attempts: 3 }), true)
  assert.equal(mayRetry(outcomes.endpointReset, 'GET', 4, none, { ...retries, attempts: 3 }), false)
})

test('mayGather_a known, short body of an idempotent method', () => {
  const few = { ...retries, bodyBytes: 10 }
  assert.equal(mayGather('PUT', 10, few), true)
  assert.equal(mayGather('PUT', 11, few), false)
  assert.equal(mayGather('PUT', -1, few), false)
  assert.equal(mayGather('POST', 10, few), false)
  assert.equal(mayGather('PUT', 10, { ...few, attempts: 0 }), false)
})

test('sent while another attempt is under way_with a body that is there, up to bodyBytes, whatever attempts says', () => {
  const kept = { ...retries, attempts: 0, bodyBytes: 10 }
  assert.equal(mayHedge(none, kept), true)
  assert.equal(mayHedge({ replayable: true, untouched: true, length: 10 }, kept), true)
  assert.equal(mayHedge({ replayable: true, untouched: true, length: 11 }, kept), false)
  assert.equal(mayHedge({ replayable: false, untouched: true, length: 0 }, kept), false)
})
