import type { Machine } from '../harness/machine.ts'
import { writeRun } from '../harness/results.ts'
import type { Schedule } from '../harness/run-settings.ts'
import type { Answers } from './answers.ts'
import type { Operation } from './queue.ts'

/** The content of `perf/results/*-shedding.json`: everything that was measured, and what it was measured with. */
export interface SheddingResults {
  readonly kind: 'shedding'
  readonly version: 1
  /** ISO 8601, UTC: when the run began. */
  readonly date: string
  /** The commit of the Weir that was measured, and of the harness. */
  readonly revision: string
  readonly machine: Machine
  readonly generator: string
  readonly placement: string
  readonly schedule: Schedule
  readonly queue: readonly Operation[]
  readonly answers: readonly Answers[]
}

/** Writes `<date>-<revision>-shedding.json` and returns its path. */
export function writeSheddingResults(folder: string, results: SheddingResults): string {
  return writeRun(folder, results, '-shedding')
}
