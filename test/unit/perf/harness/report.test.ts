import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Passes } from '../../../../perf/harness/passes.ts'
import { renderPasses, renderSummaries } from '../../../../perf/harness/report.ts'
import type { Row } from '../../../../perf/harness/row.ts'
import type { Measured } from '../../../../perf/harness/run.ts'
import { summarise } from '../../../../perf/harness/summary.ts'
import type { Turn } from '../../../../perf/harness/turn.ts'
import { small } from '../../../../perf/scenarios/routes.ts'

function row(name: string, baseline: string): Row {
  return { name, baseline, subject: 'weir', scenario: { ...small, name } }
}

const noPasses: Passes = { systemCalls: null, allocatedBytes: null }

function measured(name: string, baseline: string, turns: readonly Turn[]): Measured {
  return { row: row(name, baseline), turns, rates: [], passes: noPasses }
}

function turn(rate: number, cpuUs: number | null, failed: Record<string, number> = {}): Turn {
  const latency = { averageUs: 0, deviationUs: 0, maxUs: 0, p50Us: 500, p99Us: 2500, p999Us: 9000 }
  return {
    load: { requests: rate, seconds: 1, requestsPerSecond: rate, bytesRead: 0, latency, failed },
    cpu: cpuUs === null ? null : { userUs: cpuUs * 0.75, systemUs: cpuUs * 0.25 },
    memory: { residentBytes: rate * 1024 * 1024, peakBytes: rate * 2 * 1024 * 1024 },
    logBytes: 0,
    foreign: null,
  }
}

const origin = measured('origin', 'origin', [turn(1000, 8), turn(500, 8), turn(1000, 8)])
const proxied = measured('one', 'origin', [
  turn(400, 24, { status: 0, read: 2 }),
  turn(200, 32),
  turn(400, 16, { status: 1, read: 1 }),
])

test('ratios are_taken_turn_by_turn', () => {
  const [, one] = summarise([origin, proxied])
  assert.deepEqual(one!.rateRatio, { median: 0.4, min: 0.4, max: 0.4 })
  assert.deepEqual(one!.cpu!.ratio, { median: 3, min: 2, max: 4 })
  assert.deepEqual(one!.requestsPerSecond, { median: 400, min: 200, max: 400 })
})

test('CPU per request times rate is_the_cores_that_were_busy', () => {
  const [first] = summarise([measured('a', 'a', [turn(100_000, 9.5)])])
  assert.deepEqual(first!.cpu!.coresBusy, { median: 0.95, min: 0.95, max: 0.95 })
})

test('failures add_up_by_kind_and_zeros_are_left_out', () => {
  const [first, second] = summarise([origin, proxied])
  assert.deepEqual(first!.failed, {})
  assert.deepEqual(second!.failed, { read: 3, status: 1 })
})

test('what makes a row doubtful is_in_its_summary', () => {
  const shares = [0.02, 0.3, 0.01].map((foreign) => ({ ...turn(100, 1, { status: 3 }), foreign }))
  const [first] = summarise([measured('a', 'a', shares)])
  assert.equal(first!.failedShare, 0.03)
  assert.deepEqual(first!.foreign, { median: 0.02, min: 0.01, max: 0.3 })
  assert.equal(summarise([origin])[0]!.foreign, null)
})

test('one turn without CPU figures leaves_the_whole_row_without', () => {
  const half = measured('half', 'half', [turn(1, 1), turn(1, null)])
  assert.equal(summarise([half])[0]!.cpu, null)
})

test('a baseline that was not measured is_an_error', () => {
  assert.throws(() => summarise([proxied]), /"one" is to be divided by "origin"/)
})

test('the table has_a_row_per_scenario_and_failures_by_kind_below', () => {
  const lines = renderSummaries(summarise([origin, proxied])).split('\n')
  assert.equal(lines.length, 5)
  const cells = (line: string) => line.split('|').map((cell) => cell.trim())
  assert.deepEqual(cells(lines[0]!).slice(1, 4), ['scenario', 'CPU us/req', 'user'])
  assert.ok(!lines[0]!.includes('log B/req'), 'a column of zeros is left out')
  const one = cells(lines[3]!)
  assert.deepEqual(one.slice(1, 6), ['one', '24.0 (16.0..32.0)', '18.0', '6.0', '400 (200..400)'])
  assert.deepEqual(one.slice(-4), ['3.00 (2.00..4.00)', '0.40', 'origin', ''])
  assert.equal(lines[4], 'failed, one: read 3, status 1')
})

test('a row without CPU figures shows_dashes', () => {
  const blind = measured('blind', 'blind', [turn(1000, null)])
  const row = renderSummaries(summarise([blind])).split('\n')[2]!
  assert.match(row, /^\| blind +\| +- \| +- \| +- \| +1,000 \|/)
})

test('the second table has_what_the_passes_found and_dashes_for_what_was_not_looked_at', () => {
  const rate = { targetPerSecond: 5000, requests: 9, failed: 1, p50Us: 150, p99Us: 1234, p999Us: 20_000 }
  const looked: Measured = {
    ...measured('a', 'a', [turn(10, 1), turn(30, 1)]),
    rates: [rate, { ...rate, p999Us: 30_000 }],
    passes: { systemCalls: { perRequest: 4.25, byName: { read: 4.25 } }, allocatedBytes: 1234.5 },
  }
  const lines = renderPasses(summarise([looked, measured('b', 'b', [turn(1, 1)])])).split('\n')
  const cells = (line: string) => line.split('|').map((cell) => cell.trim())
  assert.deepEqual(cells(lines[2]!).slice(1, -1), [
    ...['a', '5,000', '0.15', '1.23', '25.00 (20.00..30.00)', '2', '4.3', '1,235', '20', '60'],
  ])
  assert.deepEqual(cells(lines[3]!).slice(1, -1), [...['b', '-', '-', '-', '-', '-', '-', '-', '1', '2']])
})
