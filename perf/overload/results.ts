import type { Machine } from '../harness/machine.ts'
import { writeRun } from '../harness/results.ts'
import type { Turn } from '../harness/turn.ts'
import type { OverloadSchedule } from './arguments.ts'
import type { Verdict } from './laws.ts'
import type { MeasuredSetup } from './run.ts'

/** The content of `perf/results/*-overload.json`: everything that was measured, and what it was measured with. */
export interface OverloadResults {
  readonly kind: 'overload'
  readonly version: 1
  /** ISO 8601, UTC: when the run began. */
  readonly date: string
  /** The commit of the Weir that was measured, and of the harness that did. */
  readonly revision: string
  readonly harness: string
  readonly peers: Readonly<Record<string, string>>
  readonly machine: Machine
  readonly placement: string
  readonly schedule: OverloadSchedule
  readonly seed: number
  /** How long a client waits, and how many there may be at a time. */
  readonly timeoutMs: number
  readonly mostConnections: number
  readonly setups: readonly MeasuredSetup[]
  /** FastAPI at 500 connections, by variant; empty if it was not measured. */
  readonly closedLoop: Readonly<Record<string, readonly Turn[]>>
  readonly verdicts: readonly Verdict[]
}

/** Writes `<date>-<revision>-overload.json` and returns its path. */
export function writeOverloadResults(folder: string, results: OverloadResults): string {
  return writeRun(folder, results, '-overload')
}
