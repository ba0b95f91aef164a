import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { h2loadShortArguments, parseH2loadShort } from '../../../../perf/harness/h2load.ts'
import { select } from '../../../../perf/scenarios/catalogue.ts'
import { smallLoad } from '../../../../perf/scenarios/routes.ts'

const captured = (name: string) => fileURLToPath(new URL(`captured/${name}`, import.meta.url))
const nothing = () => assert.fail('nothing is to be stored')

test('a short turn is_a_closed_loop_of_some_milliseconds', () => {
  const load = { ...smallLoad, connections: 64, headers: { accept: 'text/html' } }
  assert.deepEqual(h2loadShortArguments(load, 0.2, '/log', 'http://127.0.0.1:1/', nothing), [
    '--h1',
    ...['-t', String(smallLoad.threads), '-c', '64', '-D', '200ms'],
    '--log-file=/log',
    ...['-H', 'accept: text/html'],
    'http://127.0.0.1:1/',
  ])
})

test('a body comes_from_a_file', () => {
  const load = { ...smallLoad, method: 'POST' as const, bodyBytes: 5 }
  const command = h2loadShortArguments(load, 0.5, '/log', 'http://127.0.0.1:1/', (ending, content) => {
    assert.equal(content.length, 5)
    return `/file.${ending}`
  })
  assert.deepEqual(command.slice(-3), ['-d', '/file.body', 'http://127.0.0.1:1/'])
})

test('varied traffic is_refused', () => {
  assert.throws(
    () => h2loadShortArguments(select(['varied'])[0]!.load, 0.2, '/log', 'http://127.0.0.1:1/', nothing),
    /varied traffic has 1 s or more/,
  )
})

test('what h2load prints gives_requests_rate_bytes_and_latencies', () => {
  const output = readFileSync(captured('h2load-short.txt'), 'utf8')
  const figures = parseH2loadShort(output, 0.2, captured('h2load-log.txt'))
  assert.deepEqual(figures.failed, { status: 0, errored: 0 })
  assert.equal(figures.requestsPerSecond, figures.requests / 0.2)
  assert.ok(
    figures.latency.p50Us <= figures.latency.p999Us && figures.latency.p999Us <= figures.latency.maxUs,
  )
})

test('answers outside 2xx and 3xx are_failures_that_were_answered, and errors were not', () => {
  const output = `
requests: 100 total, 100 started, 90 done, 60 succeeded, 30 failed, 10 errored, 4 timeout
status codes: 60 2xx, 0 3xx, 20 4xx, 0 5xx
traffic: 1.00KB (1024) total, 0B (0) headers (space savings 0.00%), 512B (512) data
`
  const figures = parseH2loadShort(output, 0.2, captured('h2load-log.txt'))
  assert.deepEqual([figures.requests, figures.bytesRead], [80, 1024])
  assert.deepEqual(figures.failed, { status: 20, errored: 10 })
})

test('other output is_shown', () => {
  assert.throws(
    () => parseH2loadShort('no such host', 0.2, captured('h2load-log.txt')),
    /no line like[\s\S]*no such host/,
  )
})
