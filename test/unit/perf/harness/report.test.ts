import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderSummaries } from '../../../../perf/harness/report.ts'
import type { Measured } from '../../../../perf/harness/run.ts'
import type { Scenario } from '../../../../perf/harness/scenario.ts'
import { summarise } from '../../../../perf/harness/summary.ts'
import type { Turn } from '../../../../perf/harness/turn.ts'

function scenario(name: string, baseline: string): Scenario {
  return {
    name,
    what: name,
    baseline,
    subject: { kind: 'origin', origin: { bytes: 1 } },
    load: { threads: 1, connections: 1, path: '/' },
    placement: 'free',
  }
}

function turn(rate: number, cpuUs: number | null, failed: Record<string, number> = {}): Turn {
  const latency = { averageUs: 0, deviationUs: 0, maxUs: 0, p50Us: 500, p99Us: 2500 }
  return {
    load: { requests: rate, seconds: 1, requestsPerSecond: rate, bytesRead: 0, latency, failed },
    cpu: cpuUs === null ? null : { userUs: cpuUs * 0.75, systemUs: cpuUs * 0.25 },
    logBytes: 0,
    foreign: null,
  }
}

const origin: Measured = {
  scenario: scenario('origin', 'origin'),
  turns: [turn(1000, 8), turn(500, 8), turn(1000, 8)],
}
const proxied: Measured = {
  scenario: scenario('one', 'origin'),
  turns: [turn(400, 24, { status: 0, read: 2 }), turn(200, 32), turn(400, 16, { status: 1, read: 1 })],
}

test('ratios are_taken_turn_by_turn', () => {
  const [, one] = summarise([origin, proxied])
  assert.deepEqual(one!.rateRatio, { median: 0.4, min: 0.4, max: 0.4 })
  assert.deepEqual(one!.cpu!.ratio, { median: 3, min: 2, max: 4 })
  assert.deepEqual(one!.requestsPerSecond, { median: 400, min: 200, max: 400 })
})

test('CPU per request times rate is_the_cores_that_were_busy', () => {
  const [first] = summarise([{ scenario: scenario('a', 'a'), turns: [turn(100_000, 9.5)] }])
  assert.deepEqual(first!.cpu!.coresBusy, { median: 0.95, min: 0.95, max: 0.95 })
})

test('failures add_up_by_kind_and_zeros_are_left_out', () => {
  const [first, second] = summarise([origin, proxied])
  assert.deepEqual(first!.failed, {})
  assert.deepEqual(second!.failed, { read: 3, status: 1 })
})

test('one turn without CPU figures leaves_the_whole_row_without', () => {
  const half: Measured = { scenario: scenario('half', 'half'), turns: [turn(1, 1), turn(1, null)] }
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
  const blind: Measured = { scenario: scenario('blind', 'blind'), turns: [turn(1000, null)] }
  const row = renderSummaries(summarise([blind])).split('\n')[2]!
  assert.match(row, /^\| blind +\| +- \| +- \| +- \| +1,000 \|/)
})
