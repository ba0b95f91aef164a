import type { Machine } from '../harness/machine.ts'
import { writeRun } from '../harness/results.ts'
import type { HeadOfLineSchedule } from './arguments.ts'
import type { MeasuredCase } from './run.ts'
import type { Point } from './summary.ts'

/** The content of `perf/results/*-head-of-line.json`: everything that was measured, and what it was measured with. */
export interface HeadOfLineResults {
  readonly kind: 'head-of-line'
  readonly version: 1
  /** ISO 8601, UTC: when the run began. */
  readonly date: string
  /** The commit of the Weir that was measured, of the other one beside it (null: none), and of the harness. */
  readonly revision: string
  readonly before: string | null
  readonly harness: string
  readonly machine: Machine
  readonly placement: string
  readonly schedule: HeadOfLineSchedule
  readonly seed: number
  /** What the origin takes for slow answers, and their share of all requests, 0 to 1. */
  readonly slowMs: number
  readonly slowShare: number
  readonly points: readonly Point[]
  readonly measured: readonly MeasuredCase[]
}

/** Writes `<date>-<revision>-head-of-line.json` and returns its path. */
export function writeHeadOfLineResults(folder: string, results: HeadOfLineResults): string {
  return writeRun(folder, results, '-head-of-line')
}
