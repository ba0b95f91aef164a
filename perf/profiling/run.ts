/** One scenario under each profiler, each with a Weir of its own in front of the same origins. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Machine } from '../harness/machine.ts'
import { runPasses } from '../harness/passes.ts'
import type { Row } from '../harness/row.ts'
import type { Run } from '../harness/run-settings.ts'
import { assertAlive, fileFor, type Running } from '../harness/running.ts'
import type { Scenario } from '../harness/scenario.ts'
import { startOrigins } from '../harness/subject.ts'
import { measureTurn, putUnderLoad, type Turn } from '../harness/turn.ts'
import { clinicCommand, finishClinic, keepHtml } from './clinic.ts'
import { type CpuProfile, type Span, stacksOfCpuProfile } from './cpu-profile.ts'
import { drawFlameGraph } from './flame-graph.ts'
import { rowOf, startInline, type Wrapping } from './inline.ts'
import { countLayers, division, type LayerCounts, scaled, shares } from './layers.ts'
import { fileName, type OverheadRun, pictureOf } from './overhead.ts'
import { codeLogOptions, readRecording, record } from './perf-record.ts'
import type { StackCounts } from './perf-script.ts'

export interface ProfileRun extends Run {
  readonly date: string
  readonly commit: string
  readonly machine: Machine
  /** Path of perf, or null. */
  readonly perf: string | null
  readonly clinic: boolean
  /** Where pictures and profiles go. */
  readonly out: string
}

export async function profileScenario(run: ProfileRun, scenario: Scenario): Promise<OverheadRun> {
  const origins = await startOrigins(run.bench, scenario)
  try {
    const native = await withWeir(run, rowOf(scenario, 'perf'), origins, natively)
    const v8 = await withWeir(run, rowOf(scenario, 'cpu-prof'), origins, byCpuProf)
    const clinic = run.clinic
      ? await orSkip(run, scenario, () => withWeir(run, rowOf(scenario, 'clinic'), origins, byClinic))
      : null
    return overheadOf(run, scenario, native, { 'cpu-prof': v8, ...(clinic === null ? {} : { clinic }) })
  } finally {
    await Promise.all(origins.map((origin) => run.bench.processes.stop(origin.child)))
  }
}

/** Clinic is no longer maintained: what it cannot do any more takes nothing else along. */
async function orSkip<T>(run: ProfileRun, scenario: Scenario, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (run.bench.processes.stopping) throw error
    run.say(`skipped: clinic flame of ${scenario.name}: ${(error as Error).message}`)
    return null
  }
}

/** How a profiler goes about a scenario: the options that Weir needs, and what to do with it. */
interface Profiler<T> {
  readonly wrapping: (run: ProfileRun, row: Row) => Wrapping
  /** The process is asked for its allocations, which takes an idle listener in it. */
  readonly allocation: boolean
  readonly work: (run: ProfileRun, row: Row, weir: Running) => Promise<T>
}

async function withWeir<T>(
  run: ProfileRun,
  row: Row,
  origins: readonly Running[],
  { wrapping, allocation, work }: Profiler<T>,
): Promise<T> {
  const bench = { ...run.bench, allocation }
  const weir = await startInline(bench, row, origins, wrapping(run, row))
  try {
    run.say(`${row.name}: warming up`)
    await putUnderLoad(bench, run.generator, row, weir, run.schedule.warmupSeconds)
    run.say(`${row.name}: measuring`)
    return await work(run, row, weir)
  } finally {
    await run.bench.processes.stop(weir.child)
  }
}

interface Native extends Pick<OverheadRun, 'systemCalls' | 'allocatedBytes'> {
  /** Without a profiler. */
  readonly turn: Turn
  /** Null where perf is missing or not allowed. */
  readonly stacks: StackCounts | null
}

const natively: Profiler<Native> = {
  wrapping: (run, row) => ({ node: run.perf === null ? [] : codeLogOptions(codeLog(run, row)) }),
  allocation: true,
  work: async (run, row, weir) => {
    const { bench, generator, schedule } = run
    const turn = await measureTurn(weir, () => putUnderLoad(bench, generator, row, weir, schedule.seconds))
    const stacks = run.perf === null ? null : await sample(run, run.perf, row, weir)
    return { turn, stacks, ...(await runPasses(run, row, weir)) }
  },
}

function codeLog(run: ProfileRun, row: Row): string {
  return fileFor(run.bench, row.name, 'v8-log')
}

async function sample(run: ProfileRun, perf: string, row: Row, weir: Running): Promise<StackCounts | null> {
  const { bench, generator, schedule } = run
  const recording = {
    perf,
    pid: weir.child.pid,
    data: fileFor(bench, row.name, 'perf-data'),
    stderr: fileFor(bench, row.name, 'perf-err'),
    cores: bench.cores(1)?.rest ?? null,
  }
  try {
    await record(bench.processes, recording, async () => {
      await putUnderLoad(bench, generator, row, weir, schedule.seconds)
    })
    return await readRecording(recording, codeLog(run, row))
  } catch (error) {
    if (bench.processes.stopping) throw error
    run.say(`skipped: perf of ${row.scenario.name}: ${(error as Error).message}`)
    return null
  }
}

interface Sampled {
  readonly stacks: StackCounts
}

const microseconds = () => Number(process.hrtime.bigint() / 1000n)

const byCpuProf: Profiler<Sampled> = {
  wrapping: (run, row) => ({
    node: [
      '--cpu-prof',
      `--cpu-prof-dir=${run.bench.folder}`,
      `--cpu-prof-name=${cpuProfileName(row)}`,
      '--cpu-prof-interval=500',
    ],
  }),
  allocation: false,
  work: async (run, row, weir) => {
    const fromUs = microseconds()
    await putUnderLoad(run.bench, run.generator, row, weir, run.schedule.seconds)
    const span: Span = { fromUs, toUs: microseconds() }
    assertAlive(weir)
    // It is written when Weir has drained and exits.
    await run.bench.processes.stop(weir.child)
    const path = join(run.bench.folder, cpuProfileName(row))
    const profile = JSON.parse(readFileSync(path, 'utf8')) as CpuProfile
    mkdirSync(run.out, { recursive: true })
    copyFileSync(path, join(run.out, `${fileName(row.scenario.name)}.cpuprofile`))
    return { stacks: stacksOfCpuProfile(profile, span) }
  },
}

function cpuProfileName(row: Row): string {
  return `${row.name.replaceAll(/[^\w-]+/g, '-')}.cpuprofile`
}

const byClinic: Profiler<Sampled> = {
  wrapping: (run, row) => ({ before: clinicCommand(fileFor(run.bench, row.name, 'clinic')) }),
  allocation: false,
  work: async (run, row, weir) => {
    await putUnderLoad(run.bench, run.generator, row, weir, run.schedule.seconds)
    run.say(`${row.name}: drawing`)
    const { stacks, html } = await finishClinic(run.bench, weir)
    mkdirSync(run.out, { recursive: true })
    keepHtml(html, join(run.out, `${fileName(row.scenario.name)}.clinic.html.gz`))
    return { stacks }
  },
}

function overheadOf(
  run: ProfileRun,
  scenario: Scenario,
  { turn, stacks, systemCalls, allocatedBytes }: Native,
  profilers: Readonly<Record<string, Sampled>>,
): OverheadRun {
  if (turn.cpu === null) throw new Error("the CPU time of a request is not known: that needs Linux' /proc")
  const { userUs, systemUs } = turn.cpu
  const totalUs = userUs + systemUs
  const measured = stacks ?? profilers['cpu-prof']!.stacks
  const counts = countLayers(measured)
  const seesKernel = counts['kernel: clients'] + counts['kernel: endpoints'] + counts['kernel: other'] > 0
  const source = stacks === null ? 'cpu-prof' : seesKernel ? 'perf' : 'perf, user only'
  const picture = {
    title: `Weir, ${scenario.what}`,
    subtitle: `${totalUs.toFixed(1)} us of CPU per request at ${run.commit}, ${run.date.slice(0, 10)}; ${source}, ${run.machine.cpu}, Node ${run.machine.node}`,
  }
  mkdirSync(run.out, { recursive: true })
  writeFileSync(join(run.out, pictureOf(scenario.name)), drawFlameGraph(measured, picture))
  return {
    date: run.date,
    commit: run.commit,
    machine: run.machine,
    scenario: scenario.name,
    source,
    samples: stacks?.total ?? 0,
    requestsPerSecond: turn.load.requestsPerSecond,
    foreign: turn.foreign,
    totalUs,
    userUs,
    systemUs,
    division,
    layers: budget(counts, source, userUs, systemUs),
    systemCalls,
    allocatedBytes,
    profilers: Object.fromEntries(
      Object.entries(profilers).map(([name, { stacks }]) => [name, shares(countLayers(stacks))]),
    ),
  }
}

/** The CPU time of a request by layer. Where the kernel was not sampled, its time is known all the same. */
export function budget(
  counts: LayerCounts,
  source: OverheadRun['source'],
  userUs: number,
  systemUs: number,
): LayerCounts {
  if (source !== 'perf, user only') return scaled(shares(counts), userUs + systemUs)
  return { ...scaled(shares(counts), userUs), 'kernel: other': systemUs }
}
