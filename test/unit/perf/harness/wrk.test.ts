import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Load } from '../../../../perf/harness/scenario.ts'
import { parseBytes, parseTime, parseWrk, wrkArguments } from '../../../../perf/harness/wrk.ts'

const captured = (name: string) => readFileSync(new URL(`captured/${name}`, import.meta.url), 'utf8')

test('a run without failures gives_every_figure_and_zero_failures', () => {
  assert.deepEqual(parseWrk(captured('wrk-plain.txt')), {
    requests: 52_781,
    seconds: 2.01,
    requestsPerSecond: 26_249.45,
    bytesRead: Math.round(6.24 * 1024 * 1024),
    latency: {
      averageUs: 1850,
      deviationUs: 3920,
      maxUs: 40_400,
      p50Us: 338,
      p99Us: 19_850,
      p999Us: 37_189,
    },
    failed: { status: 0, connect: 0, read: 0, write: 0, timeout: 0 },
  })
})

test('a server that answers 503 and closes connections is_counted_by_kind', () => {
  const figures = parseWrk(captured('wrk-failing.txt'))
  assert.equal(figures.requests, 17_301)
  assert.deepEqual(figures.failed, { status: 17_301, connect: 0, read: 17_301, write: 0, timeout: 0 })
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

const small: Load = {
  protocol: 'http',
  threads: 2,
  connections: 64,
  path: '/',
  method: 'GET',
  headers: {},
  bodyBytes: 0,
}

function argumentsAndFiles(load: Load) {
  const files: Record<string, string> = {}
  const write = (ending: string, content: string) => {
    files[ending] = content
    return `/tmp/x.${ending}`
  }
  return { args: wrkArguments(load, 3, 'http://127.0.0.1:9001/', write), files }
}

test('arguments carry_threads_connections_and_seconds, and a script that prints the percentiles', () => {
  const { args, files } = argumentsAndFiles(small)
  assert.deepEqual(args, [
    ...['-t2', '-c64', '-d3s', '--latency'],
    ...['-s', '/tmp/x.lua', 'http://127.0.0.1:9001/'],
  ])
  assert.match(files.lua!, /\{50, 99, 99\.9\}/)
  // A function for each request or answer would be paid for with each.
  assert.doesNotMatch(files.lua!, /request *=|response *=/)
})

test('headers become_options and an upload_a_file that the script reads', () => {
  const load: Load = { ...small, method: 'POST', headers: { Cookie: 'a="1"; b=2' }, bodyBytes: 17 }
  const { args, files } = argumentsAndFiles(load)
  assert.deepEqual(args.slice(-3, -1), ['-H', 'Cookie: a="1"; b=2'])
  assert.equal(files.body!.length, 17)
  assert.match(files.lua!, /wrk\.method = "POST"\nwrk\.body = io\.open\("\/tmp\/x\.body", "rb"\)/)
})
