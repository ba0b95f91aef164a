import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { comparable, cpuBars, cpuChart, latencyPoints } from '../../../../perf/harness/chart-specs.ts'
import { chartsMissing, drawCharts } from '../../../../perf/harness/charts.ts'
import type { Results } from '../../../../perf/harness/results.ts'
import type { Spread } from '../../../../perf/harness/statistics.ts'
import type { HalfRateSummary, Summary } from '../../../../perf/harness/summary.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))

const spread = (median: number): Spread => ({ median, min: median - 1, max: median + 1 })
const atHalfRate: HalfRateSummary = {
  targetPerSecond: 5000,
  failed: 0,
  p50Us: spread(150),
  p99Us: spread(1250),
  p999Us: spread(20_000),
}

function summary(
  scenario: string,
  subject: string,
  cpuUs: number | null,
  halfRate: HalfRateSummary | null,
): Summary {
  const us = spread(5)
  return {
    name: `${scenario}@${subject}`,
    scenario,
    subject,
    baseline: `${scenario}@nginx`,
    requestsPerSecond: us,
    cpu:
      cpuUs === null ? null : { totalUs: spread(cpuUs), userUs: us, systemUs: us, coresBusy: us, ratio: us },
    p50Us: us,
    p99Us: us,
    p999Us: us,
    memory: null,
    halfRate,
    passes: { systemCalls: null, allocatedBytes: null },
    failed: {},
    logBytes: us,
    rateRatio: us,
  }
}

const summaries = [
  summary('small', 'weir', 20, atHalfRate),
  summary('small', 'nginx', 12, atHalfRate),
  summary('websocket', 'weir', null, null),
]

test('bars are_the_rows_whose_CPU_time_is_known', () => {
  assert.deepEqual(cpuBars(summaries), [
    { scenario: 'small', subject: 'weir', median: 20, min: 19, max: 21 },
    { scenario: 'small', subject: 'nginx', median: 12, min: 11, max: 13 },
  ])
})

test('a row of which too much failed has_no_bar_and_no_points', () => {
  const failing = { ...summary('small', 'haproxy', 3, atHalfRate), failedShare: 0.5 }
  assert.deepEqual(cpuBars([...summaries, failing]), cpuBars(summaries))
  assert.deepEqual(latencyPoints([...summaries, failing]), latencyPoints(summaries))
})

test('scenarios that one subject ran are_left_out beside others', () => {
  assert.deepEqual(comparable(summaries), summaries.slice(0, 2))
  const alone = summaries.slice(2)
  assert.deepEqual(comparable(alone), alone)
})

test('points are_three_percentiles_in_milliseconds of each row that was measured at half of its rate', () => {
  const points = latencyPoints(summaries)
  assert.equal(points.length, 6)
  assert.deepEqual(points.slice(0, 3), [
    { scenario: 'small', subject: 'weir', percentile: 'p50', ms: 0.15 },
    { scenario: 'small', subject: 'weir', percentile: 'p99', ms: 1.25 },
    { scenario: 'small', subject: 'weir', percentile: 'p99.9', ms: 20 },
  ])
})

const results: Results = {
  version: 2,
  date: '2026-01-31T12:34:56.789Z',
  revision: 'abc1234',
  harness: 'abc1234',
  peers: { nginx: '1.22.1' },
  machine: { cpu: 'a CPU', cores: 2, node: 'v22.19.0', binding: '20.51.4', kernel: 'linux 6.1' },
  generator: 'wrk',
  placement: 'none',
  schedule: { turns: 1, seconds: 1, warmupSeconds: 0 },
  summaries,
  measured: [],
}

test('charts name_every_subject_and_scenario and_have_no_background', {
  skip: chartsMissing() ?? false,
}, () => {
  const paths = drawCharts([results], folder)
  assert.deepEqual(
    paths.map((path) => basename(path)),
    ['cpu.svg', 'latency.svg'],
  )
  for (const path of paths) {
    const svg = readFileSync(path, 'utf8')
    assert.match(svg, /^<svg /)
    for (const word of ['small', 'weir', 'nginx', 'a CPU; Weir abc1234, 2026-01-31']) {
      assert.ok(svg.includes(word), `${word} in ${path}`)
    }
    assert.doesNotMatch(svg, /fill="(white|#fff|#ffffff|black|#000)"/)
  }
})

test('a chart of several runs says_which_scenarios_are_of_the_others', () => {
  const other: Results = { ...results, revision: 'def5678', summaries: [summary('tls', 'weir', 30, null)] }
  const { title } = cpuChart([other, results]) as { title: { subtitle: readonly string[] } }
  assert.deepEqual(title.subtitle, [
    'a CPU; Weir def5678, 2026-01-31; 1 turns of 1 s: tls',
    'a CPU; Weir abc1234, 2026-01-31; 1 turns of 1 s',
  ])
})

test('without latencies there_is_no_chart_of_them', { skip: chartsMissing() ?? false }, () => {
  const paths = drawCharts([{ ...results, summaries: [summary('small', 'weir', 20, null)] }], folder)
  assert.deepEqual(
    paths.map((path) => basename(path)),
    ['cpu.svg'],
  )
})
