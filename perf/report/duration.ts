/** How long a run takes, reckoned. */
import type { Schedule } from '../harness/run-settings.ts'
import type { Experiment } from './experiment.ts'

/** Seconds beside the load, from runs on two cores: to start a variant with its backends, and behind each piece of load. */
const startSeconds = 1.5
const restSeconds = 0.8
/** Most variants are warm after twice the least that they are warmed up for, in pieces of a second. */
const warmUpTimes = 2

/** On a quiet machine: turns that are measured again, two for each variant at most, come on top. */
export function reckonMinutes(experiments: readonly Experiment[], schedule: Schedule): number {
  const { turns, seconds, warmupSeconds } = schedule
  const variants = experiments.reduce((sum, experiment) => sum + experiment.variants.length, 0)
  const each =
    startSeconds + warmUpTimes * warmupSeconds * (1 + restSeconds) + turns * (seconds + restSeconds)
  return Math.ceil((variants * each) / 60)
}
