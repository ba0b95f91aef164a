import type { Machine } from '../harness/machine.ts'
import { writeRun } from '../harness/results.ts'
import type { Portions } from './count.ts'
import type { Counted } from './run.ts'
import type { InstructionsSummary } from './summary.ts'

/** The content of `perf/results/*-instructions.json`: everything that was counted, and with what. */
export interface InstructionsResults {
  readonly kind: 'instructions'
  readonly version: 1
  /** ISO 8601, UTC: when the run began. */
  readonly date: string
  /** The commit of the Weir that was counted, and of the harness that did. */
  readonly revision: string
  readonly harness: string
  readonly peers: Readonly<Record<string, string>>
  readonly machine: Machine
  readonly valgrind: string
  readonly turns: number
  readonly portions: Portions
  readonly summaries: readonly InstructionsSummary[]
  readonly counted: readonly Counted[]
}

/** Writes `<date>-<revision>-instructions.json` and returns its path. */
export function writeInstructionsResults(folder: string, results: InstructionsResults): string {
  return writeRun(folder, results, '-instructions')
}
