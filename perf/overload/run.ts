/** Runs a setup: the capacity first, then step by step, in each of which everybody gets the same load in turn. */
import { machineTime, treeCpuTime } from '../harness/cpu.ts'
import { runOpenLoop } from '../harness/open-loop.ts'
import type { OpenLoopFigures, OpenLoopPlan } from '../harness/open-loop-client.ts'
import { rotate } from '../harness/order.ts'
import type { OriginCores } from '../harness/placement.ts'
import type { Row } from '../harness/row.ts'
import { assertAlive, type Bench, fileFor, type Running } from '../harness/running.ts'
import { median } from '../harness/statistics.ts'
import { startOrigins, startSubject } from '../harness/subject.ts'
import { formatNumber } from '../harness/table.ts'
import { atRest, difference, foreignShare } from '../harness/turn.ts'
import type { OverloadSchedule } from './arguments.ts'
import { mostConnections, type OverloadVariant, type Setup, timeoutMs } from './setups.ts'

export interface OverloadRun {
  readonly bench: Omit<Bench, 'cores'>
  /** Null: nothing is pinned. */
  readonly cores: OriginCores | null
  readonly schedule: OverloadSchedule
  readonly loads: readonly number[]
  readonly seed: number
  readonly say: (line: string) => void
}

/** One variant at one load, once. */
export interface Step {
  /** Multiple of the capacity. */
  readonly load: number
  /** From 0: steps of the same turn and load are pairs, and had the same arrivals. */
  readonly turn: number
  readonly figures: OpenLoopFigures
  /** Of the variant's own process tree, in microseconds for each request that was offered; null for origins, or without /proc. */
  readonly cpuUs: number | null
  /** As in a turn of the benchmark. */
  readonly foreign: number | null
}

export interface MeasuredVariant {
  readonly name: string
  readonly what: string
  readonly targetMs: number | null
  readonly steps: readonly Step[]
}

export interface MeasuredSetup {
  readonly name: string
  readonly what: string
  /** Of the origins, asked directly in a closed loop: requests per second, before everything else. */
  readonly capacities: readonly number[]
  /** Their median, which the loads are multiples of. */
  readonly capacity: number
  readonly variants: readonly MeasuredVariant[]
  /** A line for each that failed. */
  readonly failed: readonly string[]
}

export async function measureSetup(run: OverloadRun, setup: Setup): Promise<MeasuredSetup> {
  const measurement = new Measurement(run, setup)
  try {
    await measurement.start()
    return await measurement.measure()
  } finally {
    await measurement.stop()
  }
}

class Measurement {
  readonly #run: OverloadRun
  readonly #setup: Setup
  readonly #bench: Bench
  #origins: readonly Running[] = []
  readonly #subjects = new Map<OverloadVariant, Running>()
  readonly #steps = new Map<OverloadVariant, Step[]>()
  readonly #failed: string[] = []

  constructor(run: OverloadRun, setup: Setup) {
    this.#run = run
    this.#setup = setup
    const { cores } = run
    const own = cores === null ? null : { subject: cores.subject, rest: cores.origins }
    this.#bench = { ...run.bench, cores: () => own }
  }

  async start(): Promise<void> {
    this.#origins = await startOrigins(this.#bench, this.#setup.scenario)
    for (const variant of this.#setup.variants) {
      this.#steps.set(variant, [])
      await this.#orDrop(variant, async () => {
        this.#subjects.set(variant, await this.#startOne(variant))
      })
    }
  }

  /** Whoever is asked directly is the origins that everybody has. */
  async #startOne({ name, subject, scenario }: OverloadVariant): Promise<Running> {
    if (subject === 'origin') return { ...this.#origins[0]!, behind: this.#origins }
    const row: Row = { name: `${scenario.name}/${name}`, baseline: scenario.name, subject, scenario }
    return startSubject(this.#bench, row, this.#origins)
  }

  async measure(): Promise<MeasuredSetup> {
    const { schedule, loads, say } = this.#run
    await this.#each(0, (variant, running) => this.#closed(variant.name, urlsOf(variant, running), running))
    const capacities: number[] = []
    for (let turn = 0; turn < schedule.turns; turn++) capacities.push(await this.#capacity())
    const capacity = median(capacities)
    say(`${this.#setup.name}: capacity ${formatNumber(capacity)} req/s`)
    for (let turn = 0; turn < schedule.turns; turn++) {
      for (const load of loads) {
        await this.#each(turn, async (variant, running) => {
          const step = await this.#step(variant, running, load, turn, capacity)
          this.#steps.get(variant)!.push(step)
          say(progress(this.#setup, variant, step, schedule.turns))
        })
      }
    }
    const { name, what } = this.#setup
    const variants = [...this.#subjects.keys()].map((variant) => ({
      name: variant.name,
      what: variant.what,
      targetMs: variant.targetMs,
      steps: this.#steps.get(variant)!,
    }))
    return { name, what, capacities, capacity, variants, failed: this.#failed }
  }

  async stop(): Promise<void> {
    const { processes } = this.#run.bench
    for (const { child } of [...this.#subjects.values(), ...this.#origins]) await processes.stop(child)
  }

  async #capacity(): Promise<number> {
    const urls = this.#origins.map(({ url }) => `${url}/`)
    const figures = await this.#closed('capacity', urls, { ...this.#origins[0]!, behind: this.#origins })
    if (figures.good < figures.offered * 0.99)
      throw new Error(`the capacity of ${this.#setup.name} cannot be measured: ${JSON.stringify(figures)}`)
    return figures.goodPerSecond
  }

  /** Also warms up: compilers, connections, and limits that are learned. */
  #closed(name: string, urls: readonly string[], running: Running): Promise<OpenLoopFigures> {
    const { schedule } = this.#run
    return this.#load(name, running, {
      urls,
      perSecond: null,
      inFlight: this.#setup.capacityInFlight,
      settleSeconds: 1,
      seconds: Math.max(schedule.warmupSeconds, schedule.seconds),
      timeoutMs,
      most: mostConnections,
      seed: 0,
    })
  }

  async #load(name: string, running: Running, plan: OpenLoopPlan): Promise<OpenLoopFigures> {
    const { bench, cores } = this.#run
    const stderr = fileFor(bench, `${this.#setup.name} ${name} load`, 'err')
    const figures = await runOpenLoop(bench.processes, plan, cores?.generator ?? null, stderr)
    // What this one has left behind in the origins is not to be the next one's wait.
    if (this.#setup.scenario.origin.slots !== undefined)
      for (const { child } of this.#origins) child.process.stdin?.write('forget\n')
    await atRest(running)
    return figures
  }

  async #step(
    variant: OverloadVariant,
    running: Running,
    load: number,
    turn: number,
    capacity: number,
  ): Promise<Step> {
    const { schedule, seed } = this.#run
    const { settleSeconds, seconds } = schedule
    const machineBefore = machineTime()
    const oursBefore = treeCpuTime(process.pid)
    const before = treeCpuTime(running.child.pid)
    const figures = await this.#load(variant.name, running, {
      urls: urlsOf(variant, running),
      perSecond: load * capacity,
      inFlight: 0,
      settleSeconds,
      seconds,
      timeoutMs,
      most: mostConnections,
      // The same arrivals for everybody whose turn it is.
      seed: (seed + turn * 1000 + Math.round(load * 10)) % 2 ** 32,
    })
    assertAlive(running)
    const after = treeCpuTime(running.child.pid)
    const offered = load * capacity * (settleSeconds + seconds)
    const own =
      variant.subject === 'origin' || before === null || after === null ? null : difference(after, before)
    return {
      load,
      turn,
      figures,
      cpuUs: own === null ? null : (own.userUs + own.systemUs) / offered,
      foreign: foreignShare(machineBefore, machineTime(), oursBefore, treeCpuTime(process.pid)),
    }
  }

  async #each(
    by: number,
    visit: (variant: OverloadVariant, running: Running) => Promise<unknown>,
  ): Promise<void> {
    const variants = [...this.#subjects.keys()]
    if (variants.length === 0) throw new Error(`${this.#setup.name}: nothing is left to be measured`)
    for (const variant of rotate(variants, by)) {
      const running = this.#subjects.get(variant)
      if (running !== undefined) await this.#orDrop(variant, () => visit(variant, running))
    }
  }

  async #orDrop(variant: OverloadVariant, visit: () => Promise<unknown>): Promise<void> {
    try {
      await visit()
    } catch (error) {
      const { processes } = this.#run.bench
      // What is torn down fails on its way: that is not the variant's doing.
      if (processes.stopping) throw error
      const line = `FAILED: ${this.#setup.name}/${variant.name}: ${(error as Error).message}`
      this.#failed.push(line)
      this.#run.say(line)
      const running = this.#subjects.get(variant)
      this.#subjects.delete(variant)
      if (running !== undefined && variant.subject !== 'origin') await processes.stop(running.child)
    }
  }
}

function urlsOf({ subject, scenario }: OverloadVariant, running: Running): readonly string[] {
  const asked = subject === 'origin' ? running.behind : [running]
  return asked.map(({ url }) => url + scenario.load.path)
}

function progress(
  setup: Setup,
  variant: OverloadVariant,
  { load, turn, figures }: Step,
  turns: number,
): string {
  const { offered, goodPerSecond, p99Us, shed, timeouts, errors } = figures
  const failed = Object.values(errors).reduce((sum, count) => sum + count, 0)
  const percent = (count: number) => `${formatNumber((100 * count) / offered)} %`
  return [
    `turn ${turn + 1} of ${turns}  ${setup.name}/${variant.name} at ${load}`,
    `${formatNumber(goodPerSecond)} good/s`,
    `p99 ${p99Us === null ? '-' : formatNumber(p99Us / 1000, 1)} ms`,
    `${percent(shed)} shed`,
    `${percent(timeouts)} timed out`,
    failed === 0 ? null : `${formatNumber(failed)} failed`,
  ]
    .filter((part) => part !== null)
    .join('  ')
}
