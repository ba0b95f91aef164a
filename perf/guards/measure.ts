import { findGenerator } from '../harness/load.ts'
import type { Passes } from '../harness/passes.ts'
import { which } from '../harness/processes.ts'
import { runRows } from '../harness/run.ts'
import type { Bench } from '../harness/running.ts'
import type { Scenario } from '../harness/scenario.ts'
import { select } from '../scenarios/catalogue.ts'
import { type Figures, figuresOf } from './budgets.ts'
import { measureQueues } from './queues.ts'

/** Enough for the compilers to be through with what a request runs: what they allocate is not the request's. */
const warmupSeconds = 2

/** What has a cost of its own to guard: the two that all else is made of, a dozen fields, requests sent ahead, bodies. */
export const guarded = ['isolated', 'small', 'browser', 'pipelined', 'upload-16k']

/**
 * Counts, on real processes, in a minute and a half. What cannot be counted here is said, and null.
 *
 * @param names of `guarded`, those to be counted
 */
export async function measureFigures(
  bench: Omit<Bench, 'allocation' | 'cores'>,
  say: (line: string) => void,
  names: readonly string[] = guarded,
): Promise<Figures> {
  // Not pinned: counts are the same on any core.
  const whole: Bench = { ...bench, cores: () => null, allocation: true }
  const generator = findGenerator(null)
  const passes: Record<string, Passes> = {}
  for (const scenario of select(names)) {
    const [measured] = await runRows(
      {
        bench: whole,
        generator,
        schedule: { turns: 1, seconds: 1, warmupSeconds },
        wanted: { h2load: null, strace: which('strace'), allocation: true },
        say,
      },
      [alone(scenario)],
    )
    passes[scenario.name] = measured!.passes
  }
  return figuresOf(passes, await measureQueues(whole, generator, 1))
}

function alone(scenario: Scenario) {
  return { name: scenario.name, baseline: scenario.name, subject: 'weir', scenario }
}
