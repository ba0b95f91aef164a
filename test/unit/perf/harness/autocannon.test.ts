import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { autocannonArguments, parseAutocannon } from '../../../../perf/harness/autocannon.ts'
import type { Load } from '../../../../perf/harness/scenario.ts'

const captured = (name: string) => readFileSync(new URL(`captured/${name}`, import.meta.url), 'utf8')

test('a run without failures gives_every_figure_in_microseconds', () => {
  assert.deepEqual(parseAutocannon(captured('autocannon-plain.json')), {
    requests: 153_235,
    seconds: 2.03,
    requestsPerSecond: 153_235 / 2.03,
    bytesRead: 33_711_700,
    latency: { averageUs: 180, deviationUs: 690, maxUs: 24_000, p50Us: 0, p99Us: 2000, p999Us: 8000 },
    failed: { status: 0, timeout: 0, error: 0 },
  })
})

test('connections closed without an answer, which autocannon reports nowhere, are_counted_as_errors', () => {
  const figures = parseAutocannon(captured('autocannon-failing.json'))
  // 46,529 sent, 31,009 answered, one on each of 16 connections may have been under way at the end.
  assert.deepEqual(figures.failed, { status: 15_505, timeout: 0, error: 46_529 - 31_009 - 16 })
})

test('a server that never answers gives_time-outs_counted_once', () => {
  const figures = parseAutocannon(captured('autocannon-silent.json'))
  assert.equal(figures.requests, 0)
  assert.deepEqual(figures.failed, { status: 0, timeout: 37, error: 0 })
})

test('output that is not JSON is_refused_with_the_output', () => {
  assert.throws(() => parseAutocannon('connect ECONNREFUSED'), /not JSON: connect ECONNREFUSED/)
})

test('JSON without a figure is_refused_with_its_path', () => {
  const result = JSON.parse(captured('autocannon-plain.json'))
  delete result.latency.p99
  assert.throws(() => parseAutocannon(JSON.stringify(result)), /no number at latency\.p99, but undefined/)
})

const url = 'http://127.0.0.1:9001/'
const load: Load = {
  protocol: 'http',
  threads: 1,
  connections: 8,
  path: '/',
  method: 'GET',
  headers: {},
  bodyBytes: 0,
}
const write = (ending: string) => `/tmp/x.${ending}`

test('more than one thread becomes worker_threads', () => {
  assert.deepEqual(autocannonArguments(load, 3, url, write), ['--json', '-c', '8', '-d', '3', url])
  assert.deepEqual(autocannonArguments({ ...load, threads: 2 }, 3, url, write).slice(-3), ['-w', '2', url])
})

test('an upload with headers becomes options and a file', () => {
  const upload: Load = { ...load, method: 'POST', headers: { Referer: 'https://a.test/?b=c' }, bodyBytes: 5 }
  assert.deepEqual(autocannonArguments(upload, 3, url, write).slice(5, -1), [
    ...['-m', 'POST', '-H', 'Referer=https://a.test/?b=c', '-i', '/tmp/x.body'],
  ])
})
