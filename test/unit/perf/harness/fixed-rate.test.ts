import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  h2loadArguments,
  parseH2loadLog,
  planRate,
  withWaiting,
} from '../../../../perf/harness/fixed-rate.ts'

const log = readFileSync(new URL('captured/h2load-log.txt', import.meta.url), 'utf8')

test('a log of h2load gives_percentiles_of_its_durations', () => {
  const figures = parseH2loadLog(log, { perConnection: 100, requests: 41, connections: 16 })
  const durations = log
    .trim()
    .split('\n')
    .map((line) => Number(line.split('\t')[2]))
  assert.equal(durations.length, 40)
  assert.ok(Math.max(...durations) < 10_000, 'none is longer than the interval')
  assert.equal(figures.p50Us, durations.toSorted((a, b) => a - b)[19])
  assert.equal(figures.p999Us, Math.max(...durations))
  assert.deepEqual([figures.targetPerSecond, figures.requests, figures.failed], [1600, 40, 1])
})

test('requests without an answer and_those_refused_are_failures_and_no_latencies', () => {
  const plan = { perConnection: 1, requests: 3, connections: 1 }
  const figures = parseH2loadLog('1\t200\t50\n2\t-1\t7000\n3\t503\t3\n', plan)
  assert.deepEqual([figures.requests, figures.failed, figures.p999Us], [1, 2, 50])
})

test('a late answer stands_for_those_that_were_due_behind_it', () => {
  assert.deepEqual(withWaiting([90, 350, 100], 100), [90, 350, 250, 150, 50, 100])
})

test('a stall of half a second is_seen_in_the_99th_percentile', () => {
  // One connection, 100 requests per second for 3 s; what h2load logs of it is one long and 49 short ones behind it.
  const lines = [...Array(299).fill('1\t200\t700'), '1\t200\t500000'].join('\n')
  const plan = { perConnection: 100, requests: 300, connections: 1 }
  assert.ok(parseH2loadLog(lines, plan).p99Us > 450_000)
})

test('a log without an answer has_no_percentiles', () => {
  assert.throws(() => parseH2loadLog('1\t503\t9\n', planRate(1, 1, 1)), /none of 1 requests/)
})

test('a line of another form is_refused', () => {
  assert.throws(
    () => parseH2loadLog('finished\n', planRate(1, 1, 1)),
    /not a line of h2load's log: "finished"/,
  )
})

test('the plan has_as_many_requests_for_each_connection, and at least one', () => {
  assert.deepEqual(planRate(10_000, 3, 64), { perConnection: 469 / 3, requests: 469 * 64, connections: 64 })
  assert.deepEqual(planRate(100, 2, 10_000), { perConnection: 0.5, requests: 10_000, connections: 10_000 })
})

test('arguments carry_rate_headers_and_body', () => {
  const plan = { perConnection: 2.5, requests: 40, connections: 8 }
  const url = 'http://127.0.0.1:9001/'
  assert.deepEqual(h2loadArguments(plan, '/tmp/log', { Cookie: 'a=1' }, '/tmp/body', url), [
    ...['--h1', '-t', '1', '-c', '8', '-n', '40', '--rps=2.5', '--log-file=/tmp/log'],
    ...['-H', 'Cookie: a=1', '-d', '/tmp/body', url],
  ])
})
