/**
 * `npm run profile [-- scenario ... --diff]`: where a request's microseconds go, by layer, with flame graphs.
 * What the figures mean, and what they do not, is in perf/README.md.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../src/usage-error.ts'
import { understand } from './harness/command-line.ts'
import { findGenerator } from './harness/load.ts'
import { describeMachine, thisMachine } from './harness/machine.ts'
import { findPlacement } from './harness/placement.ts'
import { type Processes, which } from './harness/processes.ts'
import { revision } from './harness/results.ts'
import type { Scenario } from './harness/scenario.ts'
import { session } from './harness/session.ts'
import { type ProfileArguments, parseArguments, usage } from './profiling/arguments.ts'
import { clinicMissing } from './profiling/clinic.ts'
import { renderDifferences } from './profiling/differences.ts'
import { documents, writeDocuments } from './profiling/documents.ts'
import { append, lastOf, readOverhead, writeOverhead } from './profiling/overhead.ts'
import { renderRun } from './profiling/report.ts'
import { profileScenario } from './profiling/run.ts'
import { select } from './scenarios/catalogue.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const overheadFile = join(root, 'perf/overhead.json')
const written = documents.map(({ path }) => path).join(', ')

async function profile(
  given: ProfileArguments,
  scenarios: readonly Scenario[],
  processes: Processes,
  folder: string,
): Promise<void> {
  const [perf, strace, clinic] = [which('perf'), which('strace'), clinicMissing()]
  const placement = findPlacement()
  const machine = thisMachine()
  const commit = revision(root)
  console.log(
    `machine: ${describeMachine(machine)}\nrevision: ${commit}\nplacement: ${placement.explanation}`,
  )
  if (perf === null)
    console.log(
      'skipped: perf, which is not installed (Debian: linux-perf). Layers then come from --cpu-prof, which cannot tell native code and the kernel from the JavaScript that called them',
    )
  if (strace === null) console.log('skipped: system calls, strace is not installed (Debian: strace)')
  if (clinic !== null) console.log(`skipped: ${clinic}`)
  let overhead = readOverhead(overheadFile)
  for (const scenario of scenarios) {
    const run = await profileScenario(
      {
        bench: {
          processes,
          folder,
          cores: placement.cores,
          weir: join(root, 'src/cli.ts'),
          allocation: true,
        },
        generator: findGenerator(null),
        schedule: { turns: 1, seconds: given.seconds, warmupSeconds: given.warmupSeconds },
        wanted: { h2load: null, strace, allocation: true },
        say: (line) => console.error(line),
        date: new Date().toISOString(),
        commit,
        machine,
        perf,
        clinic: clinic === null,
        out: given.record ? join(root, 'perf/profiles') : folder,
      },
      scenario,
    )
    console.log(`\n${renderRun(run)}`)
    const before = lastOf(overhead, scenario.name)
    if (given.diff)
      console.log(
        `\n${before === null ? `no earlier run of ${scenario.name} is recorded` : renderDifferences(before, run)}`,
      )
    overhead = append(overhead, run)
    if (!given.record) continue
    writeOverhead(overheadFile, overhead)
    writeDocuments(root, overhead)
  }
  if (given.record) console.log(`\nwritten: perf/overhead.json, ${written}, perf/profiles`)
}

const { given, scenarios } = understand('profile', 'npm run profile -- --help', () => {
  const given = parseArguments(process.argv.slice(2))
  // Without names: the short form, which is the isolated and the proxied scenario.
  const scenarios = select(given.names)
  const origin = scenarios.find((scenario) => scenario.weir === null)
  if (origin !== undefined)
    throw new UsageError(`"${origin.name}" is an origin alone: there is no Weir to profile`)
  return { given, scenarios }
})
if (given.help) console.log(usage)
else if (given.tables) {
  writeDocuments(root, readOverhead(overheadFile))
  console.log(`written: ${written}`)
} else await session('weir-profile-', (processes, folder) => profile(given, scenarios, processes, folder))
