/**
 * `npm run report [-- --only NAME --seconds N]`: reruns the experiments of the report that Weir began with and writes
 * perf/report.md. What they are is in perf/report; how they are measured is the benchmark's.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { understand } from './harness/command-line.ts'
import { fastApiMissing, fastApiVersions } from './harness/fastapi.ts'
import { findGenerator } from './harness/load.ts'
import { describeMachine, thisMachine } from './harness/machine.ts'
import { findPlacement } from './harness/placement.ts'
import type { Processes } from './harness/processes.ts'
import { revision } from './harness/results.ts'
import { session } from './harness/session.ts'
import { versionOf } from './peers/peer.ts'
import { findPeer } from './peers/peers.ts'
import { parseArguments, type ReportArguments, usage } from './report/arguments.ts'
import { type Circumstances, renderReport } from './report/markdown.ts'
import { missingHere, type Outcome, runExperiment } from './report/run.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

async function report(given: ReportArguments, processes: Processes, folder: string): Promise<void> {
  const date = new Date().toISOString()
  // Before the first second of load: files may change while it runs.
  const commit = revision(root)
  const machine = thisMachine()
  // The report's figures are wrk's, and another generator's are not to be put beside them.
  const generator = findGenerator('wrk')
  const placement = findPlacement()
  const { turns, seconds } = given.schedule
  const say = (line: string) => console.error(line)
  console.log(`machine: ${describeMachine(machine)}`)
  console.log(`revision: ${commit}`)
  console.log(`turns: ${turns} of ${seconds} s, interleaved`)
  const missing = missingHere()
  const outcomes: Outcome[] = []
  for (const experiment of given.experiments) {
    say(`experiment: ${experiment.name} (${experiment.title})`)
    const run = {
      bench: { processes, folder, cores: placement.cores, weir: join(root, 'src/cli.ts'), allocation: false },
      generator,
      schedule: given.schedule,
      wanted: { h2load: null, strace: null, allocation: false },
      say,
    }
    outcomes.push(await runExperiment(run, experiment, missing))
  }
  if (outcomes.every(({ measured }) => measured.size === 0))
    throw new Error('nothing was measured: nothing is written')
  const circumstances: Circumstances = {
    date,
    revision: commit,
    machine,
    versions: versions(outcomes),
    placement: placement.explanation,
    schedule: given.schedule,
    command: ['npm run report', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(
      ' ',
    ),
  }
  const out = given.out === null ? join(root, 'perf/report.md') : resolve(given.out)
  writeFileSync(out, renderReport(circumstances, outcomes))
  console.log(`written: ${relative(process.cwd(), out)}`)
  // Each was named when it failed.
  if (outcomes.some(({ failed }) => failed.length > 0)) process.exitCode = 1
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

const given = understand('report', 'npm run report -- --help', () => parseArguments(process.argv.slice(2)))
if (given.help) console.log(usage)
else await session('weir-report-', (processes, folder) => report(given, processes, folder))
