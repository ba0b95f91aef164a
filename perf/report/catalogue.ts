import { noSuch } from '../../src/usage-error.ts'
import { backends, capacity, slowBackends } from './capacity.ts'
import type { Experiment } from './experiment.ts'
import { loads } from './load.ts'
import { settings } from './settings.ts'

/** In the order of the report. */
export const experiments: readonly Experiment[] = [capacity, backends, slowBackends, ...settings, ...loads]

/** Of the orders of turns of one experiment, from that of a run: its own, and the same whichever others run. */
export function seedOf(experiment: Experiment, seed: number): number {
  return (seed + experiments.indexOf(experiment)) % 2 ** 32
}

/**
 * Experiments by name, in the catalogue's order and each once; all without names. `keep-alive` takes `keep-alive-light`
 * along.
 *
 * @throws {UsageError} for a name that none has, with those that there are.
 */
export function select(names: readonly string[]): readonly Experiment[] {
  const matches = (experiment: Experiment, name: string) =>
    experiment.name === name || experiment.name.startsWith(`${name}-`)
  for (const name of names) {
    if (experiments.some((experiment) => matches(experiment, name))) continue
    throw noSuch(
      'experiment',
      name,
      experiments.map((experiment) => experiment.name),
    )
  }
  return experiments.filter(
    (experiment) => names.length === 0 || names.some((name) => matches(experiment, name)),
  )
}
