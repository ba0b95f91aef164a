import type { Generator } from './load.ts'
import { failedRequests } from './load.ts'
import { type Passes, runPasses, type WantedPasses } from './passes.ts'
import { groups, type Row } from './rows.ts'
import type { Bench, Running } from './running.ts'
import type { Scenario } from './scenario.ts'
import { startOrigins, startSubject } from './subject.ts'
import { formatNumber } from './table.ts'
import { measureTurn, type Turn } from './turn.ts'

export interface Schedule {
  /** How often each row is measured. */
  readonly turns: number
  /** Length of a turn. */
  readonly seconds: number
  /** Load on each row before the first turn, for compilers and connections. 0: none. */
  readonly warmupSeconds: number
}

export interface Measured {
  readonly row: Row
  /** In order: turn n of one row and turn n of another of its group are a pair. */
  readonly turns: readonly Turn[]
  /** What is looked at when the timed turns are over. */
  readonly passes: Passes
}

export interface Run {
  readonly bench: Bench
  readonly generator: Generator
  readonly schedule: Schedule
  /** Beside the timed turns. */
  readonly wanted: WantedPasses
  /** Is told what happens, a line at a time. */
  readonly say: (line: string) => void
}

/**
 * Measures rows group by group, and what a group started ends with it. A group that fails is left out, so that the
 * others' hour is not lost with it.
 *
 * @throws {Error} the group's own if all of them fail
 */
export async function runRows(run: Run, rows: readonly Row[]): Promise<readonly Measured[]> {
  const measured: Measured[] = []
  const errors: unknown[] = []
  for (const group of groups(rows)) {
    try {
      measured.push(...(await runGroup(run, group)))
    } catch (error) {
      errors.push(error)
      run.say(`FAILED: ${group.map((row) => row.name).join(', ')}: ${(error as Error).message}`)
    }
  }
  if (measured.length === 0) throw errors[0]
  return measured
}

/**
 * Starts every row's subject, warms each, and then measures turn by turn: each turn goes once through all rows,
 * beginning one further every time, so that neither a slow minute nor a place in the order falls to one of them alone.
 * Subjects that are not having their turn are idle.
 */
async function runGroup(run: Run, rows: readonly Row[]): Promise<readonly Measured[]> {
  const origins = new Map<Scenario, readonly Running[]>()
  const running = new Map<Row, Running>()
  try {
    return await measureGroup(run, rows, origins, running)
  } finally {
    const all = [...running.values(), ...[...origins.values()].flat()]
    await Promise.all(all.map((one) => run.bench.processes.stop(one.child)))
  }
}

async function measureGroup(
  run: Run,
  rows: readonly Row[],
  origins: Map<Scenario, readonly Running[]>,
  running: Map<Row, Running>,
): Promise<readonly Measured[]> {
  const { bench, generator, schedule, say } = run
  for (const row of rows) {
    // One that measures an origin alone has none behind it.
    if (row.subject !== 'origin' && !origins.has(row.scenario)) {
      origins.set(row.scenario, await startOrigins(bench, row.scenario))
    }
    running.set(row, await startSubject(bench, row, origins.get(row.scenario) ?? []))
  }
  if (schedule.warmupSeconds > 0) {
    for (const [row, subject] of running) {
      await measureTurn(bench, generator, row, subject, schedule.warmupSeconds)
      say(`warmed up ${row.name}`)
    }
  }
  const turns = new Map<Row, Turn[]>(rows.map((row) => [row, []]))
  for (let number = 0; number < schedule.turns; number++) {
    for (const row of rotate(rows, number)) {
      const turn = await measureTurn(bench, generator, row, running.get(row)!, schedule.seconds)
      turns.get(row)!.push(turn)
      say(`turn ${number + 1} of ${schedule.turns}  ${progress(row, turn)}`)
    }
  }
  const measured: Measured[] = []
  for (const row of rows) {
    const own = turns.get(row)!
    measured.push({ row, turns: own, passes: await runPasses(run, row, running.get(row)!, own) })
  }
  return measured
}

/** The same list, beginning with another one. */
export function rotate<T>(list: readonly T[], by: number): readonly T[] {
  const start = by % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}

function progress(row: Row, turn: Turn): string {
  const failed = failedRequests(turn.load)
  return [
    row.name,
    `${formatNumber(turn.load.requestsPerSecond)} req/s`,
    turn.cpu === null ? null : `${formatNumber(turn.cpu.userUs + turn.cpu.systemUs, 1)} us CPU/req`,
    failed === 0 ? null : `${formatNumber(failed)} failed`,
    turn.foreign !== null && turn.foreign > 0.05
      ? `others had ${formatNumber(turn.foreign * 100)} % of the machine`
      : null,
  ]
    .filter((part) => part !== null)
    .join('  ')
}
