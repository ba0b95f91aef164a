import type { Machine } from '../harness/machine.ts'
import { writeRun } from '../harness/results.ts'
import type { MemoryTurn } from './measure.ts'
import type { MemoryState } from './states.ts'

export interface MeasuredState {
  readonly state: MemoryState
  /** One or more. */
  readonly turns: readonly MemoryTurn[]
}

/** The content of `perf/results/*-memory.json`: everything that was measured, and what it was measured with. */
export interface MemoryResults {
  readonly kind: 'memory'
  readonly version: 1
  /** ISO 8601, UTC: when the run began. */
  readonly date: string
  /** The commit of the Weir that was measured, and of the harness. */
  readonly revision: string
  readonly machine: Machine
  readonly generator: string
  readonly states: readonly MeasuredState[]
}

/** Writes `<date>-<revision>-memory.json` and returns its path. */
export function writeMemoryResults(folder: string, results: MemoryResults): string {
  return writeRun(folder, results, '-memory')
}
