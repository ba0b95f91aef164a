/** Counts rows, several at a time: what else runs is not in an instruction count, only in how long it takes. */
import { processTree } from '../harness/cpu.ts'
import { rotate } from '../harness/order.ts'
import type { Row } from '../harness/row.ts'
import { type Bench, fileFor } from '../harness/running.ts'
import { startOrigins, startSubject } from '../harness/subject.ts'
import { perRequest, type SystemCalls, systemCallsDuring } from '../harness/system-calls.ts'
import { formatNumber } from '../harness/table.ts'
import { type Count, countOnce, sendRequests, type Tools } from './count.ts'

export interface InstructionsRun {
  readonly bench: Bench
  readonly tools: Tools
  /** Null: system calls are not counted. */
  readonly strace: string | null
  /** How often each row is counted, by a process of its own each time. */
  readonly turns: number
  /** How many processes are counted at a time. */
  readonly atOnce: number
  /** Is told what happens, a line at a time. */
  readonly say: (line: string) => void
}

export interface Counted {
  readonly row: Row
  /** Turn n of one row and turn n of another were counted one after the other. */
  readonly counts: readonly Count[]
  /** At full speed, in a process of its own; null where it was not counted. */
  readonly systemCalls: SystemCalls | null
}

/**
 * A row that fails is reported and left out.
 *
 * @throws {Error} the first failure if there is nothing left.
 */
export async function countRows(run: InstructionsRun, rows: readonly Row[]): Promise<readonly Counted[]> {
  const calls = new Map<Row, SystemCalls | null>()
  const counts = new Map<Row, Count[]>(rows.map((row) => [row, []]))
  const errors: unknown[] = []
  const orDrop = async (row: Row, visit: () => Promise<void>) => {
    try {
      if (counts.has(row)) await visit()
    } catch (error) {
      // What is torn down fails on its way: that is not the row's doing.
      if (run.bench.processes.stopping) throw error
      errors.push(error)
      counts.delete(row)
      run.say(`FAILED: ${row.name}: ${(error as Error).message}`)
    }
  }
  // One at a time: a slow one makes other calls.
  for (const row of rows) await orDrop(row, async () => void calls.set(row, await systemCallsOf(run, row)))
  const jobs = Array.from({ length: run.turns }, (_, turn) =>
    rotate(rows, turn).map((row) => ({ row, turn })),
  ).flat()
  await inLanes(run.atOnce, jobs, ({ row, turn }) =>
    orDrop(row, async () => {
      const name = `${row.name} count ${turn + 1}`
      const count = await countOnce(run.bench, run.tools, { ...row, name })
      counts.get(row)?.push(count)
      run.say(`turn ${turn + 1} of ${run.turns}  ${row.name}  ${describe(count)}`)
    }),
  )
  if (counts.size === 0) throw errors[0]
  return [...counts].map(([row, own]) => ({ row, counts: own, systemCalls: calls.get(row) ?? null }))
}

/** Works a list off in its order, so many at a time. @throws what the first of them throws, when the others have ended */
export async function inLanes<T>(
  lanes: number,
  jobs: readonly T[],
  work: (job: T) => Promise<void>,
): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < jobs.length) await work(jobs[next++]!)
  }
  const ends = await Promise.allSettled(Array.from({ length: lanes }, lane))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

/** Fewer than for instructions: they vary less. So many and not for so long: a traced subject on a busy machine answers few. */
const tracedRequests = 6_400

/** @returns null where they cannot be counted, which is said */
export async function systemCallsOf(run: InstructionsRun, row: Row): Promise<SystemCalls | null> {
  const { bench, tools, strace, say } = run
  if (strace === null) return null
  const origins = await startOrigins(bench, row.scenario)
  try {
    const running = await startSubject(bench, row, origins)
    try {
      const send = () => sendRequests(bench, tools, row, running, tracedRequests)
      await send()
      const files = {
        output: fileFor(bench, row.name, 'strace'),
        stderr: fileFor(bench, row.name, 'strace-err'),
      }
      const pids = processTree(running.child.pid).map(({ pid }) => pid)
      const calls = await systemCallsDuring(bench.processes, strace, pids, files, null, send)
      return perRequest(calls, tracedRequests)
    } catch (error) {
      // A container may forbid it, and instructions can be counted all the same.
      if (bench.processes.stopping) throw error
      say(`skipped: system calls of ${row.name}: ${(error as Error).message}`)
      return null
    } finally {
      await bench.processes.stop(running.child)
    }
  } finally {
    await Promise.all(origins.map(({ child }) => bench.processes.stop(child)))
  }
}

function describe({ instructions, windows, turns }: Count): string {
  const wide = (Math.max(...windows) - Math.min(...windows)) / instructions
  return [
    `${formatNumber(instructions)} instructions per request`,
    `windows ${formatNumber(wide * 100, 1)} % apart`,
    `${formatNumber(1 / turns, 1)} requests per turn of the loop`,
  ].join('  ')
}
