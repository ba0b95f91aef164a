/** Runs experiments with the benchmark's own machinery: an experiment is a group of rows that take turns. */
import { availableParallelism } from 'node:os'
import { fastApiMissing } from '../harness/fastapi.ts'
import type { Row } from '../harness/row.ts'
import { type Measured, runRows } from '../harness/run.ts'
import type { Run } from '../harness/run-settings.ts'
import { findPeer } from '../peers/peers.ts'
import type { Experiment, Variant } from './experiment.ts'

/** What an experiment gave. */
export interface Outcome {
  readonly experiment: Experiment
  /** Variants that were measured, by name and in the experiment's order. */
  readonly measured: ReadonlyMap<string, Measured>
  /** What could not run here, a line for each reason. */
  readonly skipped: readonly string[]
  /** A line for each that could have, and failed. */
  readonly failed: readonly string[]
}

/** Null if a variant can run on this machine, else why not. */
export type Missing = (variant: Variant) => string | null

/** Asks the machine once for each thing that a variant needs. */
export function missingHere(): Missing {
  let fastApi: string | null | undefined
  return ({ subject, scenario }) => {
    if (scenario.workers > availableParallelism()) return 'there are not as many cores'
    if (scenario.origin.fastApi !== undefined) {
      fastApi ??= fastApiMissing()
      if (fastApi !== null) return fastApi
    }
    return subject === 'weir' || subject === 'origin' ? null : findPeer(subject).missing()
  }
}

export async function runExperiment(run: Run, experiment: Experiment, missing: Missing): Promise<Outcome> {
  /** Names of variants by what they lack. */
  const lacking = new Map<string, readonly string[]>()
  const rows: Row[] = []
  for (const variant of experiment.variants) {
    const why = missing(variant)
    if (why === null) rows.push(rowOf(experiment, variant))
    else lacking.set(why, [...(lacking.get(why) ?? []), variant.name])
  }
  const skipped = [...lacking].map(
    ([why, names]) => `skipped: ${experiment.name} (${names.join(', ')}), ${why}`,
  )
  for (const line of skipped) run.say(line)
  const failed: string[] = []
  const own: Run = {
    ...run,
    bench: experiment.pinned ? run.bench : { ...run.bench, cores: () => null },
    say: (line) => {
      if (line.startsWith('FAILED: ')) failed.push(line)
      run.say(line)
    },
  }
  const measured = rows.length === 0 ? [] : await runOrNone(own, rows)
  const prefix = `${experiment.name}/`
  return {
    experiment,
    measured: new Map(measured.map((one) => [one.row.name.slice(prefix.length), one])),
    skipped,
    failed,
  }
}

/** That nothing is left has been said row by row, and other experiments may fare better. */
async function runOrNone(run: Run, rows: readonly Row[]): Promise<readonly Measured[]> {
  try {
    return await runRows(run, rows)
  } catch (error) {
    if (run.bench.processes.stopping) throw error
    return []
  }
}

/**
 * The baseline groups the rows of an experiment, and none of them bears its name: claims say themselves what is divided by
 * what, and a variant that fails takes no other along.
 */
function rowOf(experiment: Experiment, { name, subject, scenario }: Variant): Row {
  return { name: `${experiment.name}/${name}`, baseline: experiment.name, subject, scenario }
}
