import type { Machine } from '../harness/machine.ts'
import { writeRun } from '../harness/results.ts'
import type { Measured } from '../harness/run.ts'
import type { Schedule } from '../harness/run-settings.ts'
import type { Experiment } from './experiment.ts'
import type { Outcome } from './run.ts'
import { type ClaimVerdict, verdictsOf } from './verdict.ts'

/** What the figures are worthless without. */
export interface Circumstances {
  /** ISO 8601, UTC: when the run began. */
  readonly date: string
  /** The commit of what was measured, and of the harness that did. */
  readonly revision: string
  readonly machine: Machine
  /** What else ran, a version each. */
  readonly versions: readonly string[]
  readonly placement: string
  readonly schedule: Schedule
  /** Of the order of turns; each experiment has its own from it (`seedOf`). */
  readonly seed: number
  /** The command that wrote this. */
  readonly command: string
}

/** The content of `perf/results/*-report.json`: everything that the report is made of, which is drawn from nothing else. */
export interface ReportResults extends Circumstances {
  readonly kind: 'report'
  readonly version: 1
  /** The run was not at its end when this was written, and may never have come there; absent: it was. */
  readonly unfinished?: true
  readonly outcomes: readonly KeptOutcome[]
}

/** An outcome, as a file can have it. */
export interface KeptOutcome {
  readonly experiment: Experiment
  /** Variants that were measured, in the experiment's order. */
  readonly measured: readonly (Measured & { readonly variant: string })[]
  readonly skipped: readonly string[]
  readonly failed: readonly string[]
  /** What follows from them. */
  readonly verdicts: readonly ClaimVerdict[]
}

export function resultsOf(circumstances: Circumstances, outcomes: readonly Outcome[]): ReportResults {
  return {
    kind: 'report',
    version: 1,
    ...circumstances,
    outcomes: outcomes.map((outcome) => ({
      ...outcome,
      measured: [...outcome.measured].map(([variant, one]) => ({ variant, ...one })),
      verdicts: verdictsOf(outcome),
    })),
  }
}

export function outcomesOf({ outcomes }: ReportResults): readonly Outcome[] {
  return outcomes.map(({ experiment, measured, skipped, failed }) => ({
    experiment,
    measured: new Map(measured.map((one) => [one.variant, one])),
    skipped,
    failed,
  }))
}

/** Writes `<date>-<revision>-report.json`, in the place of an earlier one of the same run, and returns its path. */
export function writeReportResults(folder: string, results: ReportResults): string {
  return writeRun(folder, results, '-report')
}
