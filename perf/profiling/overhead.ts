/** `perf/overhead.json`: what a request costs by layer, run after run. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Machine } from '../harness/machine.ts'
import type { SystemCalls } from '../harness/system-calls.ts'

export interface OverheadRun {
  /** ISO 8601, UTC. */
  readonly date: string
  readonly commit: string
  readonly machine: Machine
  readonly scenario: string
  /**
   * `perf`: everything. `perf, user only`: perf was not allowed to see the kernel, whose time is in one line. `cpu-prof`: no
   * perf, so that native code and the kernel are in whatever called them.
   */
  readonly source: 'perf' | 'perf, user only' | 'cpu-prof'
  readonly samples: number
  readonly requestsPerSecond: number
  /** Of the machine's time, to others: what makes a run worth less. Null: unknown. */
  readonly foreign: number | null
  /** CPU time per request in microseconds, without a profiler: user and system. */
  readonly totalUs: number
  readonly userUs: number
  readonly systemUs: number
  /** By which division (layers.ts) the next and the shares below are made; absent: the first. */
  readonly division?: number
  /** The total, divided by layer. */
  readonly layers: Readonly<Record<string, number>>
  /** Null where strace is missing or not allowed. */
  readonly systemCalls: SystemCalls | null
  /** Bytes on the JavaScript heap per request. */
  readonly allocatedBytes: number | null
  /** Shares by layer as V8's own profilers see them, which is only what is JavaScript's. */
  readonly profilers: Readonly<Record<string, Readonly<Record<string, number>>>>
}

export function divisionOf(run: OverheadRun): number {
  return run.division ?? 1
}

export interface Overhead {
  readonly version: 1
  /** Newest last. */
  readonly runs: readonly OverheadRun[]
}

/** @throws {SyntaxError} if the file is of another form. */
export function readOverhead(path: string): Overhead {
  if (!existsSync(path)) return { version: 1, runs: [] }
  const overhead = JSON.parse(readFileSync(path, 'utf8')) as Overhead
  if (overhead.version !== 1 || !Array.isArray(overhead.runs))
    throw new SyntaxError(`${path}: expected version 1 with runs, found version ${overhead.version}`)
  return overhead
}

/** How many runs of a scenario are kept: a history, and not an archive. */
const keptPerScenario = 20

/** With a run at the end; of its scenario, the oldest go. */
export function append(overhead: Overhead, run: OverheadRun): Overhead {
  const runs = [...overhead.runs, run]
  const ofScenario = runs.filter((one) => one.scenario === run.scenario)
  const dropped = new Set(ofScenario.slice(0, -keptPerScenario))
  return { version: 1, runs: runs.filter((one) => !dropped.has(one)) }
}

export function writeOverhead(path: string, overhead: Overhead): void {
  const rounded = (_key: string, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value
  writeFileSync(path, `${JSON.stringify(overhead, rounded, 1)}\n`)
}

/** The last run of a scenario, or null. */
export function lastOf(overhead: Overhead, scenario: string): OverheadRun | null {
  return overhead.runs.findLast((run) => run.scenario === scenario) ?? null
}

/** The last run of each scenario, in the order in which they were first recorded. */
export function latestOf(overhead: Overhead): readonly OverheadRun[] {
  return [...new Set(overhead.runs.map((run) => run.scenario))].map((name) => lastOf(overhead, name)!)
}

/** What files in `perf/profiles` are called: `isolated/all` is a scenario and no folder. */
export function fileName(scenario: string): string {
  return scenario.replaceAll('/', '-')
}

/** The flame graph of a scenario's last recorded run, in `perf/profiles`. */
export function pictureOf(scenario: string): string {
  return `${fileName(scenario)}.svg`
}
