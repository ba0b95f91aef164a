/**
 * `npm run build && node perf/memory.ts`: what a worker holds in RAM, as people run it (`node dist/cli.js run`, default settings, one
 * worker), in the states of memory/states.ts. What the figures mean is in perf/README.md.
 */
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { builtWeir } from './harness/built.ts'
import { machineTime, treeCpuTime } from './harness/cpu.ts'
import { type KeptRun, keptRun, writeIntoReadme } from './harness/kept-run.ts'
import { findGenerator } from './harness/load.ts'
import { describeMachine, thisMachine } from './harness/machine.ts'
import type { Processes } from './harness/processes.ts'
import { revision } from './harness/results.ts'
import { disturbance, session } from './harness/session.ts'
import { foreignShare } from './harness/turn.ts'
import { type MemoryRun, type MemoryTurn, measureState } from './memory/measure.ts'
import { type MemoryResults, writeMemoryResults } from './memory/results.ts'
import { states } from './memory/states.ts'
import { markers, renderLoads, renderMemory, renderRecord } from './memory/table.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

async function measure(given: KeptRun, processes: Processes, folder: string): Promise<void> {
  const date = new Date().toISOString()
  const weir = builtWeir(root)
  const commit = revision(root)
  const [machine, generator] = [thisMachine(), findGenerator(null)]
  console.log(`machine: ${describeMachine(machine)}\nrevision: ${commit}`)
  console.log(`load: ${generator.explanation}, on 127.0.0.1; nothing is pinned`)
  const bench = { processes, folder, cores: () => null, weir, allocation: false }
  const run: MemoryRun = { bench, generator, say: (line) => console.error(line) }
  const { turns, foreign, whole } = await measureTurns(run, given.turns)
  const measured = states.filter(({ name }) => turns.has(name))
  if (measured.length === 0) throw new Error('nothing was measured')
  const results: MemoryResults = {
    kind: 'memory',
    version: 1,
    date,
    revision: commit,
    machine,
    generator: generator.name,
    states: measured.map((state) => ({ state, turns: turns.get(state.name)! })),
  }
  console.log(`\n${renderMemory(results.states)}\n`)
  for (const line of renderLoads(results.states)) console.log(line)
  console.log(disturbance(foreign))
  keep(given, results, disturbance(foreign), whole)
  if (!whole) process.exitCode = 1
}

interface Turns {
  /** By the state's name; without those of which all turns failed. */
  readonly turns: ReadonlyMap<string, readonly MemoryTurn[]>
  /** Shares of the machine that others had, of each turn. */
  readonly foreign: readonly (number | null)[]
  /** No turn has failed. */
  readonly whole: boolean
}

async function measureTurns(run: MemoryRun, count: number): Promise<Turns> {
  const turns = new Map<string, MemoryTurn[]>()
  const foreign: (number | null)[] = []
  let whole = true
  for (let turn = 1; turn <= count; turn++) {
    for (const state of states) {
      const [machineBefore, oursBefore] = [machineTime(), treeCpuTime(process.pid)]
      try {
        const found = await measureState(run, state, turn)
        turns.set(state.name, [...(turns.get(state.name) ?? []), found])
      } catch (error) {
        if (run.bench.processes.stopping) throw error
        run.say(`FAILED: ${state.name}, turn ${turn}: ${(error as Error).message}`)
        whole = false
      }
      foreign.push(foreignShare(machineBefore, machineTime(), oursBefore, treeCpuTime(process.pid)))
    }
  }
  return { turns, foreign, whole }
}

/** The file always, and what the README shows of a run that is whole. */
function keep({ out }: KeptRun, results: MemoryResults, others: string, whole: boolean): void {
  const file = writeMemoryResults(out === null ? join(root, 'perf/results') : resolve(out), results)
  console.log(`written: ${relative(process.cwd(), file)}`)
  if (out !== null || !whole) return
  writeIntoReadme(markers, renderRecord(results, relative(join(root, 'perf'), file), others))
}

const given = keptRun(
  'perf/memory.ts',
  [
    'what a worker holds in RAM: at rest, with 2,000 busy connections, with such as upload, and with 10,000 idle ones, and whether that is',
    'below what is asked; two minutes. Weir has to be built: npm run build',
  ],
  'workers for each of these',
)
await session('weir-memory-', (processes, folder) => measure(given, processes, folder))
