/** Weir with both planes in one process, which a profiler is to look at. */
import { startProxy } from '../harness/proxy.ts'
import type { Row } from '../harness/row.ts'
import type { Bench, Running } from '../harness/running.ts'
import type { Scenario } from '../harness/scenario.ts'
import { setupFor } from '../harness/subject.ts'
import { weirCommand } from '../harness/weir.ts'

/** What stands around Weir's own command line. */
export interface Wrapping {
  /** What is to start Node, if something else is. */
  readonly before?: readonly string[]
  /** Node's own options. */
  readonly node?: readonly string[]
  /** How long it may take to come up; absent: as long as any other. */
  readonly startMs?: number
}

/** A row of its own for each profiler: names of files come from it. */
export function rowOf(scenario: Scenario, profiler: string): Row {
  const name = `${scenario.name} ${profiler}`
  // Inline there is one worker, whatever the scenario says.
  return { name, baseline: name, subject: 'weir', scenario: { ...scenario, workers: 1 } }
}

/** @throws {RangeError} for a scenario in which Weir has no part, {Error} if it does not come up. */
export async function startInline(
  bench: Bench,
  row: Row,
  origins: readonly Running[],
  { before = [], node = [], startMs }: Wrapping,
): Promise<Running> {
  const shape = row.scenario.weir
  if (shape === null) throw new RangeError(`"${row.scenario.name}" is an origin alone: no Weir to profile`)
  const setup = await setupFor(bench, row, origins)
  // A log that goes nowhere could not say when it is ready, nor what went wrong.
  const run = weirCommand(bench, setup, { ...shape, output: 'file' })
  const [program, script, ...rest] = run.command
  const command = [...before, program!, ...node, script!, ...rest, '--inline']
  const limit = startMs === undefined ? {} : { startMs }
  return startProxy(bench, setup, { ...run, ...limit, command }, bench.cores(1)?.subject ?? null, origins)
}
