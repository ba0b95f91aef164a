/**
 * `npm run bench overload [-- setup ... --full]`: more than the origins can take, in open loop, to Weir, HAProxy, nginx and the
 * origins themselves; and whether what must hold then does. What the figures mean is in perf/README.md.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chartsMissing, render } from './harness/charts.ts'
import { understand } from './harness/command-line.ts'
import { withText } from './harness/document.ts'
import { fastApiMissing, fastApiVersions } from './harness/fastapi.ts'
import { findGenerator } from './harness/load.ts'
import { describeMachine, thisMachine } from './harness/machine.ts'
import { findOriginCores } from './harness/placement.ts'
import { type Processes, which } from './harness/processes.ts'
import { checkoutOf, revision } from './harness/results.ts'
import type { Measured } from './harness/run.ts'
import { disturbance, session } from './harness/session.ts'
import { type OverloadArguments, parseArguments, usage } from './overload/arguments.ts'
import { overloadChart } from './overload/chart.ts'
import { closedLoopLaws, overloadLaws, renderVerdicts } from './overload/laws.ts'
import { markers, renderRecord } from './overload/record.ts'
import { type OverloadResults, writeOverloadResults } from './overload/results.ts'
import { type MeasuredSetup, measureSetup, type OverloadRun } from './overload/run.ts'
import { closedLoopVariants, mostConnections, type Setup, timeoutMs, workingName } from './overload/setups.ts'
import { renderClosedLoop, renderSetup } from './overload/tables.ts'
import { findPeer } from './peers/peers.ts'
import { backends } from './report/capacity.ts'
import { missingHere, runExperiment } from './report/run.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

async function measure(given: OverloadArguments, processes: Processes, folder: string): Promise<void> {
  const date = new Date().toISOString()
  const weir = given.weir === null ? join(root, 'src/cli.ts') : resolve(given.weir)
  // Before the first second of load: files may change while it runs.
  const [commit, harness] = [revision(checkoutOf(weir)), revision(root)]
  const machine = thisMachine()
  const cores = findOriginCores()
  const placement =
    cores === null
      ? 'nothing is pinned: there are not two cores, or taskset is not installed (Debian: util-linux)'
      : `taskset: origins on core ${cores.origins}, what is measured on ${cores.subject}, load generator on ${cores.generator}`
  const { turns, seconds, settleSeconds } = given.schedule
  const say = (line: string) => console.error(line)
  console.log(`machine: ${describeMachine(machine)}`)
  console.log(`revision: ${commit}${commit === harness ? '' : `; harness ${harness}`}`)
  console.log(`placement: ${placement}`)
  console.log(
    `steps: ${given.loads.join(', ')} times the capacity, ${turns} of ${seconds} s each after ${settleSeconds} s; arrivals: Poisson, seed ${given.seed}`,
  )
  const bench = { processes, folder, weir, allocation: false }
  const run: OverloadRun = {
    bench,
    cores,
    schedule: given.schedule,
    loads: given.loads,
    seed: given.seed,
    say,
  }
  const setups: MeasuredSetup[] = []
  for (const setup of given.setups) {
    const ready = installed(setup, say)
    if (ready !== null) setups.push(await measureSetup(run, ready))
  }
  const closedLoop = given.closedLoop ? await measureClosedLoop(run, say) : new Map<string, Measured>()
  if (setups.length === 0 && closedLoop.size === 0) throw new Error('nothing was measured')
  const verdicts = [
    ...setups.flatMap(overloadLaws),
    ...(given.closedLoop ? closedLoopLaws((name) => closedLoop.get(name)?.turns, ['', workingName]) : []),
  ]
  for (const setup of setups) console.log(`\n${renderSetup(setup)}`)
  if (closedLoop.size > 0)
    console.log(
      `\nclosed-loop: FastAPI, wrk with 500 connections, nothing pinned\n\n${renderClosedLoop(closedLoop)}`,
    )
  console.log(`\nmust hold:\n\n${renderVerdicts(verdicts)}\n`)
  const foreign = [
    ...setups.flatMap(({ variants }) => variants.flatMap(({ steps }) => steps.map((step) => step.foreign))),
    ...[...closedLoop.values()].flatMap((one) => one.turns.map((turn) => turn.foreign)),
  ]
  console.log(disturbance(foreign))
  const results: OverloadResults = {
    kind: 'overload',
    version: 1,
    date,
    revision: commit,
    harness,
    peers: versions(setups),
    machine,
    placement,
    schedule: given.schedule,
    seed: given.seed,
    timeoutMs,
    mostConnections,
    setups,
    closedLoop: Object.fromEntries([...closedLoop].map(([name, one]) => [name, one.turns])),
    verdicts,
  }
  keep(given, results, disturbance(foreign))
  if (setups.some(({ failed }) => failed.length > 0)) process.exitCode = 1
}

/** Without the variants whose programs are not there; null if its origins are not. */
function installed(setup: Setup, say: (line: string) => void): Setup | null {
  const missing = setup.scenario.origin.fastApi === undefined ? null : fastApiMissing()
  if (missing !== null) {
    say(`skipped: ${setup.name}, ${missing}`)
    return null
  }
  const variants = setup.variants.filter(({ name, subject }) => {
    const why = isPeer(subject) ? findPeer(subject).missing() : null
    if (why !== null) say(`skipped: ${setup.name}/${name}, ${why}`)
    return why === null
  })
  return { ...setup, variants }
}

function isPeer(subject: string): boolean {
  return subject !== 'weir' && subject !== 'origin'
}

function versions(setups: readonly MeasuredSetup[]): Readonly<Record<string, string>> {
  const names = new Set(setups.flatMap(({ variants }) => variants.map(({ name }) => name)))
  const peers = ['haproxy', 'nginx'].filter((name) => names.has(name))
  const fastApi = setups.some(({ name }) => name.startsWith('fastapi')) ? { fastapi: fastApiVersions() } : {}
  return { ...Object.fromEntries(peers.map((name) => [name, findPeer(name).version()])), ...fastApi }
}

/** What chance does to one turn it does not do to two. */
const closedLoopSeconds = 3

async function measureClosedLoop(
  { bench, schedule, seed }: OverloadRun,
  say: (line: string) => void,
): Promise<ReadonlyMap<string, Measured>> {
  if (which('wrk') === null) {
    say('skipped: closed-loop, wrk is not installed (Debian: apt-get install wrk)')
    return new Map()
  }
  const { measured } = await runExperiment(
    {
      bench: { ...bench, cores: () => null },
      generator: findGenerator('wrk'),
      schedule: {
        turns: schedule.turns + 1,
        seconds: closedLoopSeconds,
        warmupSeconds: schedule.warmupSeconds,
      },
      seed,
      wanted: { h2load: null, strace: null, allocation: false },
      say,
    },
    { ...backends, variants: closedLoopVariants, claims: [] },
    missingHere(),
  )
  return measured
}

/** The file always, the chart where it can be drawn, and with `--full` what the README shows. */
function keep(given: OverloadArguments, results: OverloadResults, others: string): void {
  const shown = given.full && given.out === null
  const out = given.out === null ? join(root, 'perf/results') : resolve(given.out)
  const say = (what: string, path: string) => console.log(`${what}: ${relative(process.cwd(), path)}`)
  const file = writeOverloadResults(out, results)
  say('written', file)
  if (shown) {
    const readme = join(root, 'perf/README.md')
    const record = renderRecord(results, relative(join(root, 'perf'), file), others)
    writeFileSync(readme, withText(readFileSync(readme, 'utf8'), markers, record))
    say('written', readme)
  }
  const undrawn = chartsMissing()
  if (undrawn !== null || results.setups.length === 0) {
    console.log(`skipped: the chart, ${undrawn ?? 'there is nothing to be drawn'}`)
    return
  }
  const chart = shown ? join(root, 'perf/charts/overload.svg') : file.replace(/json$/, 'svg')
  writeFileSync(chart, `${render(overloadChart(results))}\n`)
  say('drawn', chart)
}

/** @param argv what stands behind `overload` */
export async function overload(argv: readonly string[]): Promise<void> {
  const given = understand('bench overload', 'npm run bench overload -- --help', () =>
    parseArguments(argv, Date.now()),
  )
  if (given.help) console.log(usage)
  else await session('weir-overload-', (processes, folder) => measure(given, processes, folder))
}
