/**
 * `node perf/shedding.ts`: what it costs to refuse. First the queue alone, in nanoseconds for each operation; then a real worker in front
 * of an origin that never answers. What the figures mean is in perf/README.md.
 */
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type KeptRun, keptRun, writeIntoReadme } from './harness/kept-run.ts'
import { findGenerator } from './harness/load.ts'
import { describeMachine, thisMachine } from './harness/machine.ts'
import { findPlacement } from './harness/placement.ts'
import type { Processes } from './harness/processes.ts'
import { revision } from './harness/results.ts'
import type { Schedule } from './harness/run-settings.ts'
import { disturbance, session } from './harness/session.ts'
import { measureAnswers } from './shedding/answers.ts'
import { measureQueue } from './shedding/queue.ts'
import { type SheddingResults, writeSheddingResults } from './shedding/results.ts'
import { markers, renderRecord, renderShedding } from './shedding/table.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const lengths = { seconds: 3, warmupSeconds: 2 }
const operations = 1_000_000
const connections = 1_024

async function measure(given: KeptRun, processes: Processes, folder: string): Promise<void> {
  const date = new Date().toISOString()
  const commit = revision(root)
  const schedule: Schedule = { turns: given.turns, ...lengths }
  const [machine, generator, placement] = [thisMachine(), findGenerator(null), findPlacement()]
  console.log(`machine: ${describeMachine(machine)}\nrevision: ${commit}`)
  console.log(`load: ${generator.explanation}, on 127.0.0.1\nplacement: ${placement.explanation}`)
  const say = (line: string) => console.error(line)
  say('the queue alone')
  const queue = await measureQueue(operations)
  const weir = join(root, 'src/cli.ts')
  const bench = { processes, folder, cores: placement.cores, weir, allocation: false }
  const answers = await measureAnswers({ bench, generator, schedule, connections, say })
  const results: SheddingResults = {
    kind: 'shedding',
    version: 1,
    date,
    revision: commit,
    machine,
    generator: generator.name,
    placement: placement.explanation,
    schedule,
    queue,
    answers,
  }
  console.log(`\n${renderShedding(results)}\n`)
  const others = disturbance(answers.flatMap(({ turns }) => turns.map(({ foreign }) => foreign)))
  console.log(others)
  keep(given, results, others)
}

function keep({ out }: KeptRun, results: SheddingResults, others: string): void {
  const file = writeSheddingResults(out === null ? join(root, 'perf/results') : resolve(out), results)
  console.log(`written: ${relative(process.cwd(), file)}`)
  if (out !== null) return
  writeIntoReadme(markers, renderRecord(results, relative(join(root, 'perf'), file), others))
}

const given = keptRun(
  'perf/shedding.ts',
  ['what it costs to refuse: the queue alone, and whole answers of a worker; a minute'],
  'of the answers',
)
await session('weir-shedding-', (processes, folder) => measure(given, processes, folder))
