import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { withText } from '../../../../perf/harness/document.ts'
import type { LoadFigures } from '../../../../perf/harness/load-figures.ts'
import type { MemoryTurn } from '../../../../perf/memory/measure.ts'
import {
  type MeasuredState,
  type MemoryResults,
  writeMemoryResults,
} from '../../../../perf/memory/results.ts'
import { states } from '../../../../perf/memory/states.ts'
import { markers, renderLoads, renderMemory, renderRecord, verdictOf } from '../../../../perf/memory/table.ts'

const mebibyte = 1024 * 1024
const of = (name: string) => states.find((state) => state.name === name)!

function load(requestsPerSecond: number, status = 0): LoadFigures {
  const latency = { averageUs: 1, deviationUs: 1, maxUs: 1, p50Us: 1, p99Us: 1, p999Us: 1 }
  return {
    requests: requestsPerSecond * 10,
    seconds: 10,
    requestsPerSecond,
    bytesRead: 1,
    latency,
    failed: { status },
  }
}

function turn(residentMiB: number, loads: readonly LoadFigures[] = []): MemoryTurn {
  const residentBytes = residentMiB * mebibyte
  return { memory: { residentBytes, peakBytes: residentBytes + mebibyte, fileBytes: 54 * mebibyte }, loads }
}

const measured: readonly MeasuredState[] = [
  { state: of('at rest'), turns: [turn(77), turn(77.2), turn(76.9)] },
  {
    state: of('busy with uploads'),
    turns: [119, 121, 130].map((mib) => turn(mib, [load(20_000), load(1_000, 2), load(100)])),
  },
  { state: of('idle'), turns: [turn(95), turn(95), turn(96)] },
]

test('a bound_holds if every worker is below it', () => {
  const busy = (...mib: readonly number[]) =>
    verdictOf({ state: of('busy'), turns: mib.map((one) => turn(one)) })
  assert.equal(busy(119, 119.9), 'holds')
  assert.equal(busy(119, 120, 121), '**does not hold** in 2 of 3')
  assert.equal(busy(120, 121), '**does not hold**')
  assert.equal(verdictOf({ state: of('at rest'), turns: [turn(500)] }), null)
})

test('the table_has what was found beside what is asked', () => {
  const table = renderMemory(measured)
  assert.match(table, /\| at rest, a second after its start +\| +77 \| +54 \| +78 \| +\| +\|/)
  assert.match(table, /1 MiB +\| 121 \(119\.\.130\) \| +54 \| 122 \(120\.\.131\) \| +\| +\|/)
  assert.match(table, /10,000 idle .* \| +95 \(95\.\.96\) \| .* below 200 \| holds /)
})

test('the loads_say how many were answered, and how many not', () => {
  assert.deepEqual(renderLoads(measured), [
    'busy with uploads: 1,800 connections, GET: 20,000 requests/s',
    'busy with uploads: 100 connections, POST of 16,384 bytes: 1,000 requests/s; 6 of 30,000 failed',
    'busy with uploads: 100 connections, POST of 1,048,576 bytes: 100 requests/s',
  ])
})

const results: MemoryResults = {
  kind: 'memory',
  version: 1,
  date: '2026-01-31T12:34:56.789Z',
  revision: 'abc1234',
  machine: { cpu: 'a CPU', cores: 2, node: 'v22.19.0', binding: '20.51.4', kernel: 'linux 6.1' },
  generator: 'wrk',
  states: measured,
}

test('the record_says when, what and where, and has its place in perf/README.md', () => {
  const record = renderRecord(results, 'results/2026-01-31T123456Z-abc1234-memory.json', 'others: 1 %')
  assert.match(
    record,
    /^2026-01-31, abc1234: a CPU, 2 cores; Node v22\.19\.0; .*\. 3 workers for each line, median \(lowest\.\.highest\); others: 1 %\. \[2026-01-31T123456Z-abc1234-memory\.json\]\(results\/2026-01-31T123456Z-abc1234-memory\.json\)\n\n\| worker /,
  )
  assert.match(record, /\n\nAnswered meanwhile: busy with uploads: 1,800 connections, GET: /)
  const readme = readFileSync(join(import.meta.dirname, '../../../../perf/README.md'), 'utf8')
  assert.ok(withText(readme, markers, record).includes(record))
})

test('results_are written under date, revision and kind, and read back equal', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = writeMemoryResults(folder, results)
  assert.equal(basename(path), '2026-01-31T123456Z-abc1234-memory.json')
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), results)
})
