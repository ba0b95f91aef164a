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
  const names = new Map<Row, string>()
  for (const variant of experiment.variants) {
    const why = missing(variant)
    if (why === null) names.set(rowOf(experiment, variant), variant.name)
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
    failed: (_row, line) => void failed.push(line),
  }
  let measured: readonly Measured[] = []
  try {
    if (names.size > 0) measured = await runRows(own, [...names.keys()])
  } catch (error) {
    // That every row failed has been said row by row, and other experiments may fare better.
    if (run.bench.processes.stopping || failed.length < names.size) throw error
  }
  return {
    experiment,
    measured: new Map(measured.map((one) => [names.get(one.row)!, one])),
    skipped,
    failed,
  }
}

/** Divided by itself: claims say themselves what is divided by what, and a variant that fails takes no other along. */
function rowOf(experiment: Experiment, { name: variant, subject, scenario }: Variant): Row {
  const name = `${experiment.name}/${variant}`
  return { name, baseline: name, group: experiment.name, subject, scenario }
}
