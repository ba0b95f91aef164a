import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Outcome, outcomes } from '../../../src/plan/outcome.ts'
import { durationBoundsMs, type ResponseClass, responseClasses } from '../../../src/plan/request-stats.ts'
import { RequestCounts } from '../../../src/proxy/request-counts.ts'

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)

/** In which bucket such a one is. */
function bucketOf(ms: number): number {
  const counts = new RequestCounts()
  counts.add({ startedAt: 0, status: 200 }, outcomes.completed, ms)
  const { durations } = counts.stats()
  assert.equal(durations.length, durationBoundsMs.length + 1)
  assert.equal(sum(durations), 1)
  return durations.indexOf(1)
}

/** The only class that has one. */
function classOf(status: number, outcome: Outcome): ResponseClass {
  const counts = new RequestCounts()
  counts.add({ startedAt: 1, status }, outcome, 2)
  const { responses } = counts.stats()
  assert.equal(responses.length, responseClasses.length)
  assert.equal(sum(responses), 1)
  return responseClasses[responses.indexOf(1)] as ResponseClass
}

test('nothing yet_zeros', () => {
  const { durations, sumMs, responses } = new RequestCounts().stats()
  assert.deepEqual([sum(durations), sumMs, sum(responses)], [0, 0, 0])
})

test('bounds_ascending, from a millisecond to a minute', () => {
  assert.deepEqual(
    durationBoundsMs,
    durationBoundsMs.toSorted((a, b) => a - b),
  )
  assert.equal(new Set(durationBoundsMs).size, durationBoundsMs.length)
  assert.deepEqual([durationBoundsMs[0], durationBoundsMs.at(-1)], [1, 60_000])
})

test('duration_in the first bucket whose bound it does not exceed', () => {
  assert.equal(bucketOf(0), 0)
  for (const [index, bound] of durationBoundsMs.entries()) {
    assert.equal(bucketOf(bound), index, `${bound} ms`)
    assert.equal(bucketOf(bound * (1 + Number.EPSILON)), index + 1, `just above ${bound} ms`)
  }
  assert.equal(bucketOf(1e9), durationBoundsMs.length)
})

test('began before it was to be counted_left out, and of the classes, too', () => {
  const counts = new RequestCounts()
  counts.add({ startedAt: Number.NaN, status: 200 }, outcomes.completed, 1)
  assert.deepEqual(counts.stats(), new RequestCounts().stats())
})

test('whole answer_the class of its status', () => {
  const got = [200, 204, 299, 301, 304, 400, 404, 499, 500, 503, 599, 600, 999].map((status) =>
    classOf(status, outcomes.completed),
  )
  const [ok, moved, client, server] = ['2xx', '3xx', '4xx', '5xx'] as const
  assert.deepEqual(got, [
    ...[ok, ok, ok],
    ...[moved, moved],
    ...[client, client, client],
    ...[server, server, server, server, server],
  ])
})

test('answer of Weir’s own_the class of its status, whole', () => {
  for (const outcome of Object.values(outcomes)) {
    if (outcome.status === 0) continue
    assert.equal(classOf(outcome.status, outcome), `${Math.floor(outcome.status / 100)}xx`, outcome.code)
  }
})

test('cut off behind its head_truncated, unless the client did it', () => {
  const { responseTruncated, bodyTimeout, routeTimeout, drainTimeout, clientAborted, clientStalled } =
    outcomes
  for (const outcome of [responseTruncated, bodyTimeout, routeTimeout, drainTimeout]) {
    assert.equal(classOf(200, outcome), 'truncated', outcome.code)
    assert.equal(classOf(404, outcome), 'truncated', outcome.code)
  }
  assert.equal(classOf(200, clientAborted), '2xx')
  assert.equal(classOf(404, clientAborted), '4xx')
  assert.equal(classOf(200, clientStalled), '2xx')
})

test('client left before there was a status_none', () => {
  assert.equal(classOf(0, outcomes.clientAborted), 'none')
})

test('whatever comes_each is in one bucket and one class, and the sum is theirs', () => {
  const request = fc.record({
    ms: fc.double({ min: 0, max: 1e6, noNaN: true }),
    status: fc.constantFrom(0, 200, 302, 404, 502),
    outcome: fc.constantFrom(...(Object.values(outcomes) as Outcome[])),
  })
  fc.assert(
    fc.property(fc.array(request), (requests) => {
      const counts = new RequestCounts()
      for (const { ms, status, outcome } of requests) counts.add({ startedAt: 0, status }, outcome, ms)
      const { durations, sumMs, responses } = counts.stats()
      assert.equal(sum(durations), requests.length)
      assert.equal(sum(responses), requests.length)
      assert.equal(sumMs, sum(requests.map(({ ms }) => ms)))
      let below = 0
      for (const [index, bound] of durationBoundsMs.entries()) {
        below += durations[index] as number
        assert.equal(below, requests.filter(({ ms }) => ms <= bound).length, `up to ${bound} ms`)
      }
    }),
  )
})
