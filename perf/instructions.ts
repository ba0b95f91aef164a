/**
 * `npm run bench instructions [-- scenario ...]`: instructions per request in user space, counted by valgrind and so the same whatever
 * else the machine does, and system calls per request. What the figures mean, and what they do not, is in perf/README.md.
 */
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { understand } from './harness/command-line.ts'
import { describeMachine, thisMachine } from './harness/machine.ts'
import { type Processes, which } from './harness/processes.ts'
import { checkoutOf, revision } from './harness/results.ts'
import type { Row } from './harness/row.ts'
import type { Scenario } from './harness/scenario.ts'
import { session } from './harness/session.ts'
import { type InstructionsArguments, parseArguments, usage } from './instructions/arguments.ts'
import { findTools, portions, toolsMissing } from './instructions/count.ts'
import { writeInstructionsResults } from './instructions/results.ts'
import { countedRows } from './instructions/rows.ts'
import { countRows } from './instructions/run.ts'
import { summariseCounts } from './instructions/summary.ts'
import { legend, renderCounts } from './instructions/table.ts'
import { versionOf } from './peers/peer.ts'
import { choosePeers } from './peers/peers.ts'
import { all, select } from './scenarios/catalogue.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

async function measure(
  given: InstructionsArguments,
  scenarios: readonly Scenario[],
  processes: Processes,
  folder: string,
): Promise<void> {
  const date = new Date().toISOString()
  const tools = findTools()
  if (tools === null) throw new Error(toolsMissing)
  const peers = choosePeers(given.peers)
  const rows: readonly Row[] = countedRows(scenarios, all, peers.there)
  const weir = given.weir === null ? join(root, 'src/cli.ts') : resolve(given.weir)
  const [commit, harness] = [revision(checkoutOf(weir)), revision(root)]
  const machine = thisMachine()
  const strace = given.calls ? which('strace') : null
  console.log(`machine: ${describeMachine(machine)}`)
  console.log(`revision: ${commit}${commit === harness ? '' : `; harness ${harness}`}`)
  console.log(
    `load: h2load; ${portions.warmup} requests of warm-up, then ${portions.windows} windows of ${portions.window}; ${given.turns} processes for each row, ${given.atOnce} at a time`,
  )
  for (const line of peers.skipped) console.log(line)
  if (given.calls && strace === null)
    console.log('skipped: system calls, strace is not installed (Debian: apt-get install strace)')
  const counted = await countRows(
    {
      bench: { processes, folder, cores: () => null, weir, allocation: false },
      tools,
      strace,
      turns: given.turns,
      atOnce: given.atOnce,
      say: (line) => console.error(line),
    },
    rows,
  )
  // Without what it is divided by there is nothing to say of a row.
  const there = new Set(counted.map(({ row }) => row.name))
  const whole = counted.filter(({ row }) => there.has(row.baseline))
  const summaries = summariseCounts(whole)
  console.log(`\n${renderCounts(summaries)}\n\n${legend}`)
  const out = given.out === null ? join(root, 'perf/results') : resolve(given.out)
  const file = writeInstructionsResults(out, {
    kind: 'instructions',
    version: 1,
    date,
    revision: commit,
    harness,
    peers: Object.fromEntries(peers.there.map((peer) => [peer.name, peer.version()])),
    machine,
    valgrind: versionOf(tools.valgrind, '--version'),
    turns: given.turns,
    portions,
    summaries,
    counted: whole,
  })
  console.log(`written: ${relative(process.cwd(), file)}`)
  if (whole.length < rows.length) process.exitCode = 1
}

/** @param argv what stands behind `instructions` */
export async function instructions(argv: readonly string[]): Promise<void> {
  const { given, scenarios } = understand(
    'bench instructions',
    'npm run bench instructions -- --help',
    () => {
      const given = parseArguments(argv)
      return { given, scenarios: select(given.names) }
    },
  )
  if (given.help) console.log(usage)
  else
    await session('weir-instructions-', (processes, folder) => measure(given, scenarios, processes, folder))
}
