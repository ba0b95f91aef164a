import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseBytes, parseTime, parseWrk, wrkArguments } from '../../../../perf/harness/wrk.ts'

const captured = (name: string) => readFileSync(new URL(`captured/${name}`, import.meta.url), 'utf8')

test('a run without failures gives_every_figure_and_zero_failures', () => {
  assert.deepEqual(parseWrk(captured('wrk-plain.txt')), {
    requests: 252_591,
    seconds: 2,
    requestsPerSecond: 126_207.6,
    bytesRead: 53 * 1024 * 1024,
    latency: { averageUs: 413.06, deviationUs: 195.37, maxUs: 3120, p50Us: 419, p99Us: 1090 },
    failed: { status: 0, connect: 0, read: 0, write: 0, timeout: 0 },
  })
})

test('a server that answers 503 and closes connections is_counted_by_kind', () => {
  const figures = parseWrk(captured('wrk-failing.txt'))
  assert.equal(figures.requests, 60_061)
  assert.deepEqual(figures.failed, { status: 30_030, connect: 0, read: 30_031, write: 0, timeout: 0 })
})

test('answers later than the time-out are_failures_without_a_latency', () => {
  const figures = parseWrk(captured('wrk-timeouts.txt'))
  assert.equal(figures.requests, 128)
  assert.equal(figures.failed.timeout, 128)
  assert.equal(figures.latency.p50Us, 0)
})

test('each unit of wrk is_understood', () => {
  const times = ['1.50us', '1.50ms', '1.50s', '1.50m', '1.50h'].map(parseTime)
  assert.deepEqual(times, [1.5, 1500, 1.5e6, 90e6, 5400e6])
  assert.deepEqual(
    ['0.00B', '15.50KB', '1.00MB', '2.00GB'].map(parseBytes),
    [0, 15_872, 1_048_576, 2_147_483_648],
  )
})

test('a unit that wrk does not have is_refused', () => {
  assert.throws(
    () => parseTime('12.00ns'),
    /"12.00ns" where a number with one of us, ms, s, m, h was expected/,
  )
})

test('output that is not wrk’s is_refused_with_the_output', () => {
  assert.throws(() => parseWrk('unable to connect to 127.0.0.1:9001'), /unable to connect/)
})

test('output cut off before the rate is_refused', () => {
  const cut = captured('wrk-plain.txt').split('Requests/sec')[0]!
  assert.throws(() => parseWrk(cut), SyntaxError)
})

test('arguments carry_threads_connections_and_seconds', () => {
  const load = { threads: 2, connections: 64, path: '/' }
  assert.deepEqual(wrkArguments(load, 3, 'http://127.0.0.1:9001/'), [
    '-t2',
    '-c64',
    '-d3s',
    '--latency',
    'http://127.0.0.1:9001/',
  ])
})
