/**
 * `npm run bench [-- scenario ... --peers P,P --turns N]`: measures Weir and its peers turn by turn, prints tables, writes
 * the results and draws charts. `npm run bench overload` is in overload.ts.
 * What the figures mean, and what they do not, is in perf/README.md.
 */
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BenchArguments, parseArguments, usage } from './harness/arguments.ts'
import { chartsMissing, drawCharts } from './harness/charts.ts'
import { findGenerator } from './harness/load.ts'
import { describeMachine, thisMachine } from './harness/machine.ts'
import { findPlacement } from './harness/placement.ts'
import { type Processes, which } from './harness/processes.ts'
import { renderRatios } from './harness/ratios.ts'
import { renderPasses, renderSummaries } from './harness/report.ts'
import { type Results, revision, writeResults } from './harness/results.ts'
import { rowsFor } from './harness/rows.ts'
import { runRows } from './harness/run.ts'
import type { Scenario } from './harness/scenario.ts'
import { disturbance, session } from './harness/session.ts'
import { summarise } from './harness/summary.ts'
import { overload } from './overload.ts'
import { choosePeers, describePeers } from './peers/peers.ts'
import { all, describe, onlySuite, select } from './scenarios/catalogue.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** A ratio to an earlier Weir up to which nobody calls it dearer. */
const negligible = 1.03

async function bench(
  given: BenchArguments,
  scenarios: readonly Scenario[],
  processes: Processes,
  folder: string,
) {
  const date = new Date().toISOString()
  const weir = given.weir === null ? join(root, 'src/cli.ts') : resolve(given.weir)
  // Before the first second of load: files may change while it runs.
  const [commit, harness] = [revision(checkoutOf(weir)), revision(root)]
  const machine = thisMachine()
  const generator = findGenerator(given.generator)
  const placement = findPlacement()
  const { turns, seconds, warmupSeconds } = given.schedule
  const { there, skipped } = choosePeers(given.peers)
  const [h2load, strace] = given.passes ? [which('h2load'), which('strace')] : [null, null]
  console.log(`machine: ${describeMachine(machine)}`)
  console.log(
    `revision: ${commit}${weir === join(root, 'src/cli.ts') ? '' : `, from ${weir}; harness ${harness}`}`,
  )
  if (given.before !== null)
    console.log(`before: ${revision(checkoutOf(resolve(given.before)))}, from ${resolve(given.before)}`)
  console.log(`load: ${generator.explanation}, on 127.0.0.1`)
  console.log(`placement: ${placement.explanation}`)
  console.log(`turns: ${turns} of ${seconds} s, interleaved, after ${warmupSeconds} s of warm-up each`)
  for (const line of skipped) console.log(line)
  if (given.passes && h2load === null)
    console.log(
      'skipped: latency at half the rate, h2load is not installed (Debian: apt-get install nghttp2-client)',
    )
  if (given.passes && strace === null)
    console.log('skipped: system calls, strace is not installed (Debian: apt-get install strace)')
  if (process.platform !== 'linux')
    console.log("skipped: CPU per request and memory, which need Linux' /proc")
  const rows = rowsFor(scenarios, all, there, given.before !== null)
  const measured = await runRows(
    {
      bench: {
        processes,
        folder,
        cores: placement.cores,
        weir,
        ...(given.before === null ? {} : { before: resolve(given.before) }),
        allocation: given.passes,
      },
      generator,
      schedule: given.schedule,
      wanted: { h2load, strace, allocation: given.passes },
      say: (line) => console.error(line),
    },
    rows,
  )
  const summaries = summarise(measured)
  console.log(`\n${renderSummaries(summaries)}\n`)
  console.log(
    'median over the turns (lowest..highest); ratios are taken turn by turn, and of them the median',
  )
  if (given.passes) {
    console.log(`\n${renderPasses(summaries)}\n`)
    console.log(
      'latency at half of the req/s above, with the waiting of the requests that were due behind a late one',
    )
  }
  const most = onlySuite(given.names)?.mostCpuRatio ?? (given.before === null ? undefined : negligible)
  if (most !== undefined) console.log(`\n${renderRatios(measured, most)}\n`)
  console.log(disturbance(measured.flatMap((one) => one.turns.map((turn) => turn.foreign))))
  const out = given.out === null ? join(root, 'perf/results') : resolve(given.out)
  const results: Results = {
    version: 2,
    date,
    revision: commit,
    harness,
    peers: Object.fromEntries(there.map((peer) => [peer.name, peer.version()])),
    machine,
    generator: generator.name,
    placement: placement.explanation,
    schedule: given.schedule,
    summaries,
    measured,
  }
  const path = writeResults(out, results)
  console.log(`written: ${relative(process.cwd(), path)}`)
  const undrawn = most === undefined ? chartsMissing() : 'whose bars do not show small differences'
  if (undrawn !== null) console.log(`skipped: charts, ${undrawn}`)
  // Beside the results if these do not lie with those that the documents show.
  else
    for (const chart of drawCharts(results, given.out === null ? join(root, 'perf/charts') : out))
      console.log(`drawn: ${relative(process.cwd(), chart)}`)
  // Each was named when it failed.
  if (measured.length < rows.length) process.exitCode = 1
}

/** The folder whose commit a command line of Weir belongs to: `src/cli.ts` or `dist/cli.js` lie one below it. */
function checkoutOf(weir: string): string {
  return dirname(dirname(weir))
}

async function main(argv: readonly string[]): Promise<void> {
  let given: BenchArguments
  let scenarios: readonly Scenario[]
  try {
    given = parseArguments(argv)
    scenarios = select(given.names, given.full)
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`)
    process.exit(2)
  }
  if (given.help) console.log(usage)
  else if (given.list) console.log(`${describe()}\n${describePeers()}`)
  else await session('weir-bench-', (processes, folder) => bench(given, scenarios, processes, folder))
}

const [first, ...others] = process.argv.slice(2)
// A benchmark of another kind: an open loop, and laws in the place of ratios.
if (first === 'overload') await overload(others)
else await main(process.argv.slice(2))
