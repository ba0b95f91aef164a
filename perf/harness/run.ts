import { reconnects } from '../peers/peers.ts'
import { leastDisturbed, mostRepeated } from './doubt.ts'
import type { FixedRate } from './fixed-rate.ts'
import { compileKeptLoad, KeptLoad } from './kept-load.ts'
import { failedRequests } from './load.ts'
import type { LoadFigures } from './load-figures.ts'
import { shuffled } from './order.ts'
import { withOtherClients } from './other-clients.ts'
import { measureRate, type Passes, runPasses } from './passes.ts'
import { randomFrom } from './random.ts'
import type { Row } from './row.ts'
import { groups } from './rows.ts'
import type { Run } from './run-settings.ts'
import { fileFor, type Running, writerFor } from './running.ts'
import type { Scenario } from './scenario.ts'
import { median } from './statistics.ts'
import { startOrigins, startSubject } from './subject.ts'
import { formatNumber } from './table.ts'
import { measureTurn, putUnderLoad, type Turn } from './turn.ts'
import { warmUp } from './warm-up.ts'

export interface Measured {
  readonly row: Row
  /** In order: turn n of one row and turn n of another of its group are a pair. */
  readonly turns: readonly Turn[]
  /** How often turns were measured again, since others had too much of the machine; absent in older results. */
  readonly repeated?: number
  /**
   * Its CPU time per request had stopped changing when the turns began (warm-up.ts); null: nobody can tell; absent where there was no
   * warm-up, and in older results.
   */
  readonly settled?: boolean | null
  /** At half of the rate that the turns reached; as many, or none where it is not measured. */
  readonly rates: readonly FixedRate[]
  /** What is looked at when the timed turns are over. */
  readonly passes: Passes
}

/**
 * Measures rows group by group, and what a group started ends with it. A row that fails is reported and left out, so
 * that an hour of others is not lost with it; with one that others are divided by goes its whole group.
 *
 * @throws {Error} the first failure if there is nothing left.
 */
export async function runRows(
  run: Run,
  rows: readonly Row[],
  keep: (measured: readonly Measured[]) => void = () => {},
): Promise<readonly Measured[]> {
  const measured: Measured[] = []
  const errors: unknown[] = []
  const failed = (row: Row, error: unknown) => {
    errors.push(error)
    const line = `FAILED: ${row.name}: ${(error as Error).message}`
    run.failed?.(row, line)
    run.say(line)
  }
  const random = randomFrom(run.seed ?? 1)
  const all = groups(rows)
  for (const [index, group] of all.entries()) {
    measured.push(...(await new Group(run, group, random, failed).measure()))
    if (measured.length > 0 && index < all.length - 1) keep(measured)
  }
  if (measured.length === 0) throw errors[0]
  return measured
}

/** Rows that run together. Those in `subjects` run and have not failed. */
class Group {
  readonly #run: Run
  readonly #rows: readonly Row[]
  readonly #random: () => number
  readonly #failed: (row: Row, error: unknown) => void
  /** By what has them behind it: all rows of a scenario, or one of its own. */
  readonly #origins = new Map<Scenario | Row, readonly Running[]>()
  readonly #subjects = new Map<Row, Running>()
  /** Where turns are shorter than a second. */
  readonly #kept = new Map<Row, KeptLoad>()
  readonly #turns = new Map<Row, Turn[]>()
  readonly #repeated = new Map<Row, number>()
  readonly #settled = new Map<Row, boolean | null>()
  readonly #rates = new Map<Row, FixedRate[]>()
  /** A row that others are divided by has failed. */
  #lost = false

  constructor(
    run: Run,
    rows: readonly Row[],
    random: () => number,
    failed: (row: Row, error: unknown) => void,
  ) {
    this.#run = run
    this.#rows = rows
    this.#random = random
    this.#failed = failed
    for (const row of rows) {
      this.#turns.set(row, [])
      this.#repeated.set(row, 0)
      this.#rates.set(row, [])
    }
  }

  /**
   * Starts every row's subject, warms each, and then measures turn by turn: each turn goes once through all rows, in an
   * order of its own, so that neither a slow minute nor a place in the order, nor what another one leaves behind, falls to
   * one of them alone. Subjects that are not having their turn are idle.
   */
  async measure(): Promise<readonly Measured[]> {
    const { turns, warmupSeconds } = this.#run.schedule
    const orders = Array.from({ length: turns }, () => shuffled(this.#rows, this.#random))
    try {
      for (const row of this.#rows) await this.#orDrop(row, () => this.#start(row))
      if (warmupSeconds > 0) await this.#each(this.#rows, (row, subject) => this.#warmUp(row, subject))
      for (const [number, order] of orders.entries()) {
        await this.#each(order, (row, subject) => this.#turn(number, row, subject))
      }
      for (const order of orders) await this.#each(order, (row, subject) => this.#rate(row, subject))
      const measured: Measured[] = []
      await this.#each(this.#rows, async (row, subject) => {
        const passes = await runPasses(this.#run, row, subject)
        measured.push({
          row,
          turns: this.#turns.get(row)!,
          repeated: this.#repeated.get(row)!,
          ...(this.#settled.has(row) ? { settled: this.#settled.get(row)! } : {}),
          rates: this.#rates.get(row)!,
          passes,
        })
      })
      return measured.filter(({ row }) => this.#subjects.has(row))
    } finally {
      const all = [...this.#kept.values(), ...this.#subjects.values(), ...[...this.#origins.values()].flat()]
      await Promise.all(all.map((one) => this.#run.bench.processes.stop(one.child)))
    }
  }

  async #start(row: Row): Promise<void> {
    const { bench } = this.#run
    // One that measures an origin alone has none behind it.
    const origins = row.subject === 'origin' ? [] : await this.#originsOf(row)
    const subject = await startSubject(bench, row, origins)
    this.#subjects.set(row, subject)
    if (this.#run.schedule.seconds < 1) this.#kept.set(row, await this.#startKept(row, subject))
  }

  #startKept(row: Row, subject: Running): Promise<KeptLoad> {
    const { bench } = this.#run
    return KeptLoad.start(bench.processes, compileKeptLoad(fileFor(bench, 'kept-load', 'out')), {
      load: row.scenario.load,
      origin: subject.url,
      cores: bench.cores(row.scenario.workers)?.rest ?? null,
      write: writerFor(bench, `${row.name} kept load`),
    })
  }

  /** Returns when the subject rests. */
  #load(row: Row, subject: Running, seconds: number): Promise<LoadFigures> {
    const kept = this.#kept.get(row)
    if (kept === undefined) return putUnderLoad(this.#run.bench, this.#run.generator, row, subject, seconds)
    return withOtherClients(row.scenario.load, subject.url, () => kept.run(seconds))
  }

  async #originsOf(row: Row): Promise<readonly Running[]> {
    const apart = reconnects(row.subject)
    const whose = apart ? row : row.scenario
    const known = this.#origins.get(whose)
    if (known !== undefined) return known
    const started = await startOrigins(this.#run.bench, row.scenario, apart ? row.name : row.scenario.name)
    this.#origins.set(whose, started)
    return started
  }

  async #warmUp(row: Row, subject: Running): Promise<void> {
    const { schedule, say } = this.#run
    const { seconds, settled } = await warmUp(schedule.warmupSeconds, async (wanted) => {
      const { cpu, load } = await measureTurn(subject, () => this.#load(row, subject, wanted))
      const cpuUs = cpu === null ? null : cpu.userUs + cpu.systemUs
      return { seconds: Math.round(load.seconds), cpuUs }
    })
    this.#settled.set(row, settled)
    say(
      `warmed up ${row.name}, ${seconds} s${settled === false ? '; its CPU per request still changed' : ''}`,
    )
  }

  async #turn(number: number, row: Row, subject: Running): Promise<void> {
    const { schedule, say } = this.#run
    const before = this.#repeated.get(row)!
    const { turn, repeated } = await leastDisturbed(
      () => measureTurn(subject, () => this.#load(row, subject, schedule.seconds)),
      mostRepeated - before,
      (foreign) => say(`again: turn ${number + 1} of ${row.name}, others had ${foreign} of the machine`),
    )
    this.#repeated.set(row, before + repeated)
    this.#turns.get(row)!.push(turn)
    say(`turn ${number + 1} of ${schedule.turns}  ${progress(row, turn)}`)
  }

  async #rate(row: Row, subject: Running): Promise<void> {
    const capacity = median(this.#turns.get(row)!.map((turn) => turn.load.requestsPerSecond))
    const figures = await measureRate(this.#run, row, subject, capacity / 2)
    if (figures === null) return
    this.#rates.get(row)!.push(figures)
    this.#run.say(`fixed rate of ${formatNumber(figures.targetPerSecond)} req/s  ${row.name}`)
  }

  /** For each of some rows that has not failed. */
  async #each(rows: readonly Row[], visit: (row: Row, subject: Running) => Promise<void>): Promise<void> {
    for (const row of rows) {
      const subject = this.#subjects.get(row)
      if (subject !== undefined) await this.#orDrop(row, () => visit(row, subject))
    }
  }

  async #orDrop(row: Row, visit: () => Promise<void>): Promise<void> {
    if (this.#lost) return
    try {
      await visit()
    } catch (error) {
      // What is torn down fails on its way: that is not the row's doing.
      if (this.#run.bench.processes.stopping) throw error
      this.#failed(row, error)
      // Without the one that they are divided by there is nothing to say of the others.
      this.#lost = this.#rows.some((other) => other !== row && other.baseline === row.name)
      for (const one of this.#lost ? [...this.#subjects.keys()] : [row]) {
        const subject = this.#subjects.get(one)
        this.#subjects.delete(one)
        if (subject !== undefined) await this.#run.bench.processes.stop(subject.child)
      }
    }
  }
}

function progress(row: Row, turn: Turn): string {
  const failed = failedRequests(turn.load)
  return [
    row.name,
    `${formatNumber(turn.load.requestsPerSecond)} req/s`,
    turn.cpu === null ? null : `${formatNumber(turn.cpu.userUs + turn.cpu.systemUs, 1)} us CPU/req`,
    failed === 0 ? null : `${formatNumber(failed)} failed`,
    turn.foreign !== null && turn.foreign > 0.05
      ? `others had ${formatNumber(turn.foreign * 100)} % of the machine`
      : null,
  ]
    .filter((part) => part !== null)
    .join('  ')
}
