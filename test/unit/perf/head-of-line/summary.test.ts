import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenLoopFigures } from '../../../../perf/harness/open-loop-client.ts'
import type { MeasuredCase, Step } from '../../../../perf/head-of-line/run.ts'
import { pointsOf, renderPoints } from '../../../../perf/head-of-line/summary.ts'

function figures(p99Us: number, held: number): OpenLoopFigures {
  return {
    offered: 2_010,
    offeredPerSecond: 1_005,
    good: 2_000,
    goodPerSecond: 1_000,
    shed: 10,
    status: 0,
    timeouts: 0,
    unsent: 0,
    errors: {},
    p50Us: 1,
    p99Us: 2,
    p999Us: 3,
    shedP99Us: 4,
    lateUs: 900,
    connections: 10,
    heldBack: {
      slow: 20,
      slowP50Us: 20_100,
      fast: 1_980,
      p50Us: 500,
      p90Us: 700,
      p99Us,
      p999Us: 21_000,
      maxUs: 22_000,
      held,
    },
  }
}

function step(turn: number, rate: number, p99Us: number, held: number, cpuUs: number | null): Step {
  return { rate, turn, figures: figures(p99Us, held), cpuUs, foreign: 0 }
}

function measured(name: string, steps: readonly Step[]): MeasuredCase {
  return { name, what: '', upstream: {}, steps, repeated: 0 }
}

const first = measured('1', [step(0, 1_000, 1_000, 0, 40), step(1, 1_000, 3_000, 0, 20)])
const other = measured('16', [step(1, 1_000, 12_000, 198, 10), step(0, 1_000, 10_000, 99, 30)])

test('a point is_all turns of a case at one rate, divided by the first case in the same turn', () => {
  const [one, two, ...others] = pointsOf([first, other])
  assert.deepEqual(others, [])
  assert.deepEqual([one?.name, one?.p99Ms, one?.cpuRatio], ['1', { median: 2, min: 1, max: 3 }, null])
  assert.deepEqual(two, {
    name: '16',
    rate: 1_000,
    p50Ms: { median: 0.5, min: 0.5, max: 0.5 },
    p90Ms: { median: 0.7, min: 0.7, max: 0.7 },
    p99Ms: { median: 11, min: 10, max: 12 },
    p999Ms: { median: 21, min: 21, max: 21 },
    maxMs: { median: 22, min: 22, max: 22 },
    heldShare: { median: (0.05 + 0.1) / 2, min: 0.05, max: 0.1 },
    cpuUs: { median: 20, min: 10, max: 30 },
    // 30 of 40, 10 of 20.
    cpuRatio: { median: 0.625, min: 0.5, max: 0.75 },
    failed: 20,
    lateMs: 0.9,
  })
})

test('the table has_a row for each case at each rate, those of one rate together', () => {
  const faster = measured('16', [...other.steps, step(0, 8_000, 10_000, 0, 5)])
  const slower = measured('1', [...first.steps, step(0, 8_000, 1_000, 0, 10)])
  const lines = renderPoints(pointsOf([slower, faster])).split('\n')
  assert.deepEqual(
    lines.slice(2).map((line) => line.split(/ *\| */).slice(1, 3)),
    [
      ['1,000', '`1`'],
      ['1,000', '`16`'],
      ['8,000', '`1`'],
      ['8,000', '`16`'],
    ],
  )
  assert.match(lines[3]!, /\| +11\.0 \(10\.0\.\.12\.0\) \|.*\| 7\.50 \(5\.00\.\.10\.00\) % \|.*\| 0\.63 \(/)
})

test('without CPU time there is_a dash', () => {
  const none = measured('1', [step(0, 1_000, 1_000, 0, null)])
  const [one, two] = pointsOf([none, measured('16', [step(0, 1_000, 1_000, 0, 10)])])
  assert.deepEqual([one?.cpuUs, two?.cpuRatio], [null, null])
  assert.match(renderPoints([one!]), /\| +- \| +- \| +10 \| +0\.9 \|$/)
})
