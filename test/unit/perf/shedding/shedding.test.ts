import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { withText } from '../../../../perf/harness/document.ts'
import type { LoadFigures } from '../../../../perf/harness/load-figures.ts'
import type { Turn } from '../../../../perf/harness/turn.ts'
import { configuration } from '../../../../perf/harness/weir.ts'
import { assertAnswers, kinds, scenarioFor } from '../../../../perf/shedding/answers.ts'
import { measureQueue } from '../../../../perf/shedding/queue.ts'
import { type SheddingResults, writeSheddingResults } from '../../../../perf/shedding/results.ts'
import { markers, renderRecord, renderShedding } from '../../../../perf/shedding/table.ts'
import { readConfig } from '../../../../src/config/load.ts'

function load(requests: number, status: number): LoadFigures {
  const latency = { averageUs: 1, deviationUs: 1, maxUs: 1, p50Us: 1, p99Us: 1, p999Us: 1 }
  return { requests, seconds: 1, requestsPerSecond: requests, bytesRead: 1, latency, failed: { status } }
}

function turn(userUs: number, systemUs: number): Turn {
  return {
    load: load(1000, 0),
    cpu: { userUs, systemUs },
    memory: null,
    logBytes: 0,
    foreign: 0,
  }
}

const results: SheddingResults = {
  kind: 'shedding',
  version: 1,
  date: '2026-01-31T12:34:56.789Z',
  revision: 'abc1234',
  machine: { cpu: 'a CPU', cores: 2, node: 'v22.19.0', binding: '20.51.4', kernel: 'linux 6.1' },
  generator: 'wrk',
  placement: 'none',
  schedule: { turns: 3, seconds: 2, warmupSeconds: 1 },
  queue: [{ what: 'queue full: refused', nanoseconds: 8.7 }],
  answers: [
    { path: '/isolated', what: 'a fixed answer', turns: [turn(2, 6), turn(2, 5), turn(3, 6)] },
    { path: '/full', what: '503', turns: [turn(4, 6), turn(4, 6), turn(4, 6)] },
  ],
}

test("each of the queue's operations_is timed", async () => {
  const found = await measureQueue(2_000)
  assert.equal(found.length, 5)
  for (const { what, nanoseconds } of found)
    assert.ok(nanoseconds > 0 && Number.isFinite(nanoseconds), `${what}: ${nanoseconds}`)
})

test('the configuration_is valid, and has each route that is measured', () => {
  const scenario = scenarioFor('http://127.0.0.1:9001', 64)
  const row = { name: scenario.name, baseline: scenario.name, subject: 'weir', scenario }
  const setup = { row, origins: [], port: 8080, certificate: null }
  const result = readConfig(JSON.stringify(configuration(scenario.weir!, setup)))
  assert.ok(result.ok, JSON.stringify(result))
  assert.deepEqual(
    result.plan.routes.map(({ path }) => path),
    kinds.map(({ path }) => path),
  )
  const limits = Object.fromEntries(result.plan.upstreams.map(({ name, queue }) => [name, queue.limit]))
  assert.deepEqual(limits, { full: 0, standing: 10_000 })
})

test('answers that are not what is to be measured_are an error', () => {
  assertAnswers('/isolated', load(1000, 10), false)
  assertAnswers('/full', load(1000, 990), true)
  assert.throws(() => assertAnswers('/isolated', load(1000, 11), false), /\/isolated: 11 of 1000 .* refusals/)
  assert.throws(() => assertAnswers('/full', load(1000, 989), true), /\/full: 11 of 1000 .* no refusals/)
})

test('the table_has the queue in nanoseconds and the answers in microseconds', () => {
  const table = renderShedding(results)
  assert.match(table, /\| queue full: refused \| +9 ns \| the queue alone +\|/)
  assert.match(table, /\| a fixed answer +\| 8\.0 \(7\.0\.\.9\.0\) us \| CPU time of a worker/)
  assert.match(table, /\| 503 +\| +10\.0 us \|/)
})

test('the record_says when, what and where, and has its place in perf/README.md', () => {
  const record = renderRecord(results, 'results/x-shedding.json', 'others: 1 %')
  assert.match(
    record,
    /^2026-01-31, abc1234: a CPU, .* 3 turns of 2 s, .*; others: 1 %\. \[x-shedding\.json\]\(results\/x-shedding\.json\)\n\n\| what /,
  )
  const readme = readFileSync(join(import.meta.dirname, '../../../../perf/README.md'), 'utf8')
  assert.ok(withText(readme, markers, record).includes(record))
})

test('results_are written under date, revision and kind, and read back equal', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = writeSheddingResults(folder, results)
  assert.equal(basename(path), '2026-01-31T123456Z-abc1234-shedding.json')
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), results)
})
