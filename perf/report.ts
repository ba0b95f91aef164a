/**
 * `npm run report [-- --only NAME --seconds N]`: reruns the experiments of the report that Weir began with and writes
 * perf/report.md, and a file with all figures beside those of the benchmark. What they are is in perf/report; how they are
 * measured is the benchmark's.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { understand } from './harness/command-line.ts'
import { repetitions } from './harness/doubt.ts'
import { fastApiMissing, fastApiVersions } from './harness/fastapi.ts'
import { findGenerator } from './harness/load.ts'
import { describeMachine, thisMachine } from './harness/machine.ts'
import { findPlacement } from './harness/placement.ts'
import type { Processes } from './harness/processes.ts'
import { revision } from './harness/results.ts'
import { disturbance, session } from './harness/session.ts'
import { versionOf } from './peers/peer.ts'
import { findPeer } from './peers/peers.ts'
import { parseArguments, type ReportArguments, usage } from './report/arguments.ts'
import { seedOf } from './report/catalogue.ts'
import { reckonMinutes } from './report/duration.ts'
import { renderReport } from './report/markdown.ts'
import { type ReportResults, resultsOf, writeReportResults } from './report/results.ts'
import { missingHere, type Outcome, runExperiment } from './report/run.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What is settled before the first second of load: files may change while it runs. */
function prepare({ schedule, seed }: ReportArguments) {
  const options = process.argv.slice(2)
  return {
    date: new Date().toISOString(),
    revision: revision(root),
    machine: thisMachine(),
    placement: findPlacement(),
    // The report's figures are wrk's, and another generator's are not to be put beside them.
    generator: findGenerator('wrk'),
    schedule,
    seed,
    command: ['npm run report', ...(options.length > 0 ? ['--', ...options] : [])].join(' '),
  }
}

type Prepared = ReturnType<typeof prepare>

function introduce({ experiments }: ReportArguments, { machine, revision, schedule, seed }: Prepared): void {
  const { turns, seconds, warmupSeconds } = schedule
  console.log(`machine: ${describeMachine(machine)}`)
  console.log(`revision: ${revision}`)
  console.log(
    `turns: ${turns} of ${seconds} s, in an order of its own each (seed ${seed}), after ${warmupSeconds} s of warm-up`,
  )
  console.log(`length: ${reckonMinutes(experiments, schedule)} minutes, reckoned for a quiet machine`)
}

async function report(given: ReportArguments, processes: Processes, folder: string): Promise<void> {
  const prepared = prepare(given)
  introduce(given, prepared)
  const outcomes = await measure(given, prepared, processes, folder)
  if (isEmpty(outcomes)) throw new Error('nothing was measured: nothing is written')
  const measured = outcomes.flatMap((outcome) => [...outcome.measured.values()])
  console.log(disturbance(measured.flatMap(({ turns }) => turns.map(({ foreign }) => foreign))))
  const again = repetitions(measured)
  if (again !== null) console.log(again)
  const results = resultsFor(prepared, outcomes)
  const out = given.out === null ? join(root, 'perf/report.md') : resolve(given.out)
  const file = writeReportResults(resultsFolder(given), results)
  console.log(`written: ${relative(process.cwd(), file)}`)
  writeFileSync(out, renderReport(results, relative(dirname(out), file)))
  console.log(`written: ${relative(process.cwd(), out)}`)
  // Each was named when it failed.
  if (outcomes.some(({ failed }) => failed.length > 0)) process.exitCode = 1
}

async function measure(
  given: ReportArguments,
  prepared: Prepared,
  processes: Processes,
  folder: string,
): Promise<readonly Outcome[]> {
  const { placement, generator, schedule } = prepared
  const say = (line: string) => console.error(line)
  const missing = missingHere()
  const outcomes: Outcome[] = []
  for (const experiment of given.experiments) {
    say(`experiment: ${experiment.name} (${experiment.title})`)
    const run = {
      bench: { processes, folder, cores: placement.cores, weir: join(root, 'src/cli.ts'), allocation: false },
      generator,
      schedule,
      seed: seedOf(experiment, given.seed),
      wanted: { h2load: null, strace: null, allocation: false },
      say,
    }
    outcomes.push(await runExperiment(run, experiment, missing))
    // A run that is stopped leaves what it has.
    if (!isEmpty(outcomes) && outcomes.length < given.experiments.length)
      writeReportResults(resultsFolder(given), { ...resultsFor(prepared, outcomes), unfinished: true })
  }
  return outcomes
}

function isEmpty(outcomes: readonly Outcome[]): boolean {
  return outcomes.every(({ measured }) => measured.size === 0)
}

function resultsFor(prepared: Prepared, outcomes: readonly Outcome[]): ReportResults {
  const { date, revision, machine, placement, schedule, seed, command } = prepared
  return resultsOf(
    {
      date,
      revision,
      machine,
      versions: versions(outcomes),
      placement: placement.explanation,
      schedule,
      seed,
      command,
    },
    outcomes,
  )
}

function resultsFolder({ out }: ReportArguments): string {
  return out === null ? join(root, 'perf/results') : dirname(resolve(out))
}

/** Of what ran: Weir's are those of the machine and of its packages. */
function versions(outcomes: readonly Outcome[]): readonly string[] {
  const rows = outcomes.flatMap(({ measured }) => [...measured.values()].map(({ row }) => row))
  const peers = [...new Set(rows.map(({ subject }) => subject))].filter(
    (subject) => subject !== 'weir' && subject !== 'origin',
  )
  const withFastApi = rows.some(({ scenario }) => scenario.origin.fastApi !== undefined)
  return [
    `wrk ${versionOf('wrk', '-v')}`,
    `undici ${undiciVersion()}`,
    ...(withFastApi && fastApiMissing() === null ? [fastApiVersions()] : []),
    ...peers.map((name) => `${name.startsWith('go') ? `${name}: Go` : name} ${findPeer(name).version()}`),
  ]
}

function undiciVersion(): string {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  return manifest.dependencies.undici ?? 'unknown'
}

const given = understand('report', 'npm run report -- --help', () =>
  parseArguments(process.argv.slice(2), Date.now()),
)
if (given.help) console.log(usage)
else await session('weir-report-', (processes, folder) => report(given, processes, folder))
