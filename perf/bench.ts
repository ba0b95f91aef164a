/**
 * `npm run bench [-- scenario ... --peers P,P --turns N]`: measures Weir and its peers turn by turn, prints tables, writes
 * the results and draws charts. `npm run bench overload` is in overload.ts, `npm run bench instructions` in instructions.ts,
 * `npm run bench head-of-line` in head-of-line.ts.
 * What the figures mean, and what they do not, is in perf/README.md.
 */
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../src/usage-error.ts'
import { type BenchArguments, parseArguments, usage } from './harness/arguments.ts'
import { chartsMissing, drawCharts } from './harness/charts.ts'
import { understand } from './harness/command-line.ts'
import { repetitions } from './harness/doubt.ts'
import { keptLoadMissing } from './harness/kept-load.ts'
import { findGenerator } from './harness/load.ts'
import { describeMachine, thisMachine } from './harness/machine.ts'
import { findPlacement } from './harness/placement.ts'
import { type Processes, which } from './harness/processes.ts'
import { renderGoals, renderRatios } from './harness/ratios.ts'
import { renderPasses, renderSummaries } from './harness/report.ts'
import { checkoutOf, type Results, revision, writeResults } from './harness/results.ts'
import { rowsFor } from './harness/rows.ts'
import { type Measured, runRows } from './harness/run.ts'
import type { Scenario } from './harness/scenario.ts'
import { disturbance, session } from './harness/session.ts'
import { summarise } from './harness/summary.ts'
import { headOfLine } from './head-of-line.ts'
import { instructions } from './instructions.ts'
import { overload } from './overload.ts'
import { choosePeers, describePeers } from './peers/peers.ts'
import { record, writeRecord } from './record.ts'
import { all, describe, onlySuite, select } from './scenarios/catalogue.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** A ratio to an earlier Weir up to which it counts as no more expensive. */
const negligible = 1.03

/** What is settled before the first second of load: files may change while it runs. */
function prepare(given: BenchArguments) {
  const weir = given.weir === null ? join(root, 'src/cli.ts') : resolve(given.weir)
  const [h2load, strace] = given.passes ? [which('h2load'), which('strace')] : [null, null]
  return {
    date: new Date().toISOString(),
    weir,
    before: given.before === null ? null : resolve(given.before),
    revision: revision(checkoutOf(weir)),
    harness: revision(root),
    machine: thisMachine(),
    generator: findGenerator(given.generator),
    placement: findPlacement(),
    peers: choosePeers(given.peers),
    wanted: { h2load, strace, allocation: given.passes },
  }
}

type Prepared = ReturnType<typeof prepare>

function introduce({ passes, schedule, seed }: BenchArguments, prepared: Prepared): void {
  const { weir, before, harness, wanted } = prepared
  const { turns, seconds, warmupSeconds } = schedule
  const from = weir === join(root, 'src/cli.ts') ? '' : `, from ${weir}; harness ${harness}`
  console.log(`machine: ${describeMachine(prepared.machine)}`)
  console.log(`revision: ${prepared.revision}${from}`)
  if (before !== null) console.log(`before: ${revision(checkoutOf(before))}, from ${before}`)
  const rest = passes ? `; behind the turns ${prepared.generator.explanation}` : ''
  const load = seconds < 1 ? `kept-load.c${rest}` : prepared.generator.explanation
  console.log(`load: ${load}, on 127.0.0.1`)
  console.log(`placement: ${prepared.placement.explanation}`)
  console.log(
    `turns: ${turns} of ${seconds} s, in an order of its own each (seed ${seed}), after ${warmupSeconds} s of warm-up`,
  )
  for (const line of prepared.peers.skipped) console.log(line)
  if (passes && wanted.h2load === null)
    console.log(
      'skipped: latency at half the rate, h2load is not installed (Debian: apt-get install nghttp2-client)',
    )
  if (passes && wanted.strace === null)
    console.log('skipped: system calls, strace is not installed (Debian: apt-get install strace)')
  if (process.platform !== 'linux')
    console.log("skipped: CPU per request and memory, which need Linux' /proc")
}

/** What no tool that is there can do, beside those that are missing. */
function sayWhatIsLeftOut(scenarios: readonly Scenario[], { h2load }: Prepared['wanted']): void {
  const varied = scenarios.filter(({ load }) => load.varied !== undefined).map(({ name }) => name)
  if (h2load !== null && varied.length > 0)
    console.log(
      `skipped: latency at half the rate of ${varied.join(', ')}, h2load sends all with the same header fields`,
    )
}

/** @param most the ratio that is asked of all; undefined: what each scenario asks, where what they are compared with has run */
function printTables(
  passes: boolean,
  measured: readonly Measured[],
  summaries: Results['summaries'],
  most: number | undefined,
): void {
  console.log(`\n${renderSummaries(summaries)}\n`)
  console.log(
    'median over the turns (lowest..highest); ratios are taken turn by turn, and of them the median',
  )
  if (passes) {
    console.log(`\n${renderPasses(summaries)}\n`)
    console.log(
      'latency at half of the req/s above, with the waiting of the requests that were due behind a late one',
    )
  }
  const ratios = most === undefined ? renderGoals(measured) : renderRatios(measured, most)
  if (ratios !== '') console.log(`\n${ratios}\n`)
}

function resultsFolder({ out }: BenchArguments): string {
  return out === null ? join(root, 'perf/results') : resolve(out)
}

/**
 * Writes the results, and of a run of everything the tables and charts of perf/TABLES.md. Charts of another run go where they replace
 * none of those.
 */
function keep(given: BenchArguments, results: Results, undrawn: string | null): void {
  const { full, out } = given
  const file = writeResults(resultsFolder(given), results)
  console.log(`written: ${relative(process.cwd(), file)}`)
  if (full) writeRecord([{ file, results }], out)
  else if (undrawn !== null) console.log(`skipped: charts, ${undrawn}`)
  else
    for (const chart of drawCharts([results], out === null ? join(dirname(file), 'charts') : dirname(file)))
      console.log(`drawn: ${relative(process.cwd(), chart)}`)
}

async function bench(
  given: BenchArguments,
  scenarios: readonly Scenario[],
  processes: Processes,
  folder: string,
) {
  const prepared = prepare(given)
  const { weir, before, generator, placement, peers, wanted } = prepared
  introduce(given, prepared)
  sayWhatIsLeftOut(scenarios, wanted)
  const rows = rowsFor(scenarios, all, peers.there, before !== null)
  const resultsOf = (measured: readonly Measured[]): Results => ({
    version: 2,
    date: prepared.date,
    revision: prepared.revision,
    harness: prepared.harness,
    peers: Object.fromEntries(peers.there.map((peer) => [peer.name, peer.version()])),
    machine: prepared.machine,
    generator: given.schedule.seconds < 1 ? 'kept-load' : generator.name,
    placement: placement.explanation,
    schedule: given.schedule,
    seed: given.seed,
    summaries: summarise(measured),
    measured,
  })
  const measured = await runRows(
    {
      bench: {
        processes,
        folder,
        cores: placement.cores,
        weir,
        ...(before === null ? {} : { before }),
        allocation: given.passes,
      },
      generator,
      schedule: given.schedule,
      seed: given.seed,
      wanted,
      say: (line) => console.error(line),
    },
    rows,
    // A run that is stopped leaves what it has.
    (soFar) => void writeResults(resultsFolder(given), { ...resultsOf(soFar), unfinished: true }),
  )
  const results = resultsOf(measured)
  const { summaries } = results
  const most = onlySuite(given.names)?.mostCpuRatio ?? (before === null ? undefined : negligible)
  printTables(given.passes, measured, summaries, most)
  console.log(disturbance(measured.flatMap((one) => one.turns.map((turn) => turn.foreign))))
  const again = repetitions(measured)
  if (again !== null) console.log(again)
  keep(given, results, most === undefined ? chartsMissing() : 'whose bars do not show small differences')
  // Each was named when it failed.
  if (measured.length < rows.length) process.exitCode = 1
}

function recordOrFail(files: readonly string[], out: string | null): void {
  try {
    record(files, out)
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 1
  }
}

async function main(argv: readonly string[]): Promise<void> {
  const { given, scenarios } = understand('bench', 'npm run bench -- --help', () => {
    const given = parseArguments(argv, Date.now())
    const missing = given.schedule.seconds < 1 ? keptLoadMissing() : null
    if (missing !== null) throw new UsageError(`--seconds ${given.schedule.seconds}: ${missing}`)
    return { given, scenarios: select(given.names, given.full) }
  })
  if (given.help) console.log(usage)
  else if (given.list) console.log(`${describe()}\n${describePeers()}`)
  else if (given.record !== null) recordOrFail(given.record, given.out)
  else await session('weir-bench-', (processes, folder) => bench(given, scenarios, processes, folder))
}

const [first, ...others] = process.argv.slice(2)
// Benchmarks of another kind: an open loop, and laws in the place of ratios, or who waits for whom; counts in the place of times.
if (first === 'overload') await overload(others)
else if (first === 'head-of-line') await headOfLine(others)
else if (first === 'instructions') await instructions(others)
else await main(process.argv.slice(2))
