import type { CpuTime } from './cpu.ts'
import { failedShare } from './doubt.ts'
import type { FixedRate } from './fixed-rate.ts'
import type { Passes } from './passes.ts'
import type { Measured } from './run.ts'
import { ratios, type Spread, spread } from './statistics.ts'
import type { Turn } from './turn.ts'

/** A row's turns, taken together. */
export interface Summary {
  /** As in the row. */
  readonly name: string
  readonly scenario: string
  readonly subject: string
  readonly baseline: string
  readonly requestsPerSecond: Spread
  /** Null where there is no /proc. */
  readonly cpu: CpuSummary | null
  readonly p50Us: Spread
  readonly p99Us: Spread
  readonly p999Us: Spread
  /** Null where there is no /proc. */
  readonly memory: MemorySummary | null
  /** Null where it was not measured. */
  readonly halfRate: HalfRateSummary | null
  readonly passes: Passes
  /** In all turns together, by kind; only what occurred. */
  readonly failed: Readonly<Record<string, number>>
  /** Of all requests of all turns, 0 to 1; absent in older results. */
  readonly failedShare?: number
  /** Share of the machine that others had, 0 to 1; null where there is no /proc, absent as above. */
  readonly foreign?: Spread | null
  /** Bytes per request. */
  readonly logBytes: Spread
  /** Of the baseline's rate in the same turn, pair by pair. */
  readonly rateRatio: Spread
}

/** Bytes, of the subject's process tree. */
export interface MemorySummary {
  readonly residentBytes: Spread
  /** The highest up to the last turn. */
  readonly peakBytes: number
}

/** Latency at half of the rate that the turns reached. */
export interface HalfRateSummary {
  readonly targetPerSecond: number
  /** In all runs together. */
  readonly failed: number
  readonly p50Us: Spread
  readonly p99Us: Spread
  readonly p999Us: Spread
}

/** Microseconds per request, of the subject's process tree. */
export interface CpuSummary {
  readonly totalUs: Spread
  readonly userUs: Spread
  readonly systemUs: Spread
  /** CPU seconds per second: 1 is one core, fully used. Well below, something else was the limit. */
  readonly coresBusy: Spread
  /** Of the baseline's total in the same turn, pair by pair. */
  readonly ratio: Spread
}

/** @throws {RangeError} if a row's baseline was not measured. */
export function summarise(measured: readonly Measured[]): readonly Summary[] {
  return measured.map(({ row, turns, rates, passes }) => {
    const baseline = measured.find((other) => other.row.name === row.baseline)?.turns
    if (baseline === undefined) {
      throw new RangeError(`"${row.name}" is to be divided by "${row.baseline}", which was not measured`)
    }
    return {
      name: row.name,
      scenario: row.scenario.name,
      subject: row.subject,
      baseline: row.baseline,
      requestsPerSecond: spread(turns.map(rate)),
      cpu: summariseCpu(turns, baseline),
      p50Us: spread(turns.map((turn) => turn.load.latency.p50Us)),
      p99Us: spread(turns.map((turn) => turn.load.latency.p99Us)),
      p999Us: spread(turns.map((turn) => turn.load.latency.p999Us)),
      memory: summariseMemory(turns),
      halfRate: summariseRates(rates),
      passes,
      failed: failures(turns),
      failedShare: failedShare(turns),
      foreign: summariseForeign(turns),
      logBytes: spread(turns.map((turn) => turn.logBytes)),
      rateRatio: spread(ratios(turns.map(rate), baseline.map(rate))),
    }
  })
}

function summariseCpu(turns: readonly Turn[], baseline: readonly Turn[]): CpuSummary | null {
  const times = cpuOf(turns)
  const baselineTimes = cpuOf(baseline)
  if (times === null || baselineTimes === null) return null
  return {
    totalUs: spread(times.map(total)),
    userUs: spread(times.map((time) => time.userUs)),
    systemUs: spread(times.map((time) => time.systemUs)),
    coresBusy: spread(turns.map((turn, index) => (total(times[index]!) * rate(turn)) / 1e6)),
    ratio: spread(ratios(times.map(total), baselineTimes.map(total))),
  }
}

function summariseRates(rates: readonly FixedRate[]): HalfRateSummary | null {
  if (rates.length === 0) return null
  return {
    targetPerSecond: rates[0]!.targetPerSecond,
    failed: rates.reduce((sum, rate) => sum + rate.failed, 0),
    p50Us: spread(rates.map((rate) => rate.p50Us)),
    p99Us: spread(rates.map((rate) => rate.p99Us)),
    p999Us: spread(rates.map((rate) => rate.p999Us)),
  }
}

function summariseMemory(turns: readonly Turn[]): MemorySummary | null {
  const known = turns.map((turn) => turn.memory).filter((memory) => memory !== null)
  if (known.length === 0) return null
  return {
    residentBytes: spread(known.map((memory) => memory.residentBytes)),
    peakBytes: Math.max(...known.map((memory) => memory.peakBytes)),
  }
}

function summariseForeign(turns: readonly Turn[]): Spread | null {
  const known = turns.map((turn) => turn.foreign).filter((share) => share !== null)
  return known.length === 0 ? null : spread(known)
}

/** All turns' CPU times, or null if one has none: half a column would be compared with a whole one. */
function cpuOf(turns: readonly Turn[]): readonly CpuTime[] | null {
  const known = turns.map((turn) => turn.cpu).filter((cpu) => cpu !== null)
  return known.length === turns.length ? known : null
}

function total(time: CpuTime): number {
  return time.userUs + time.systemUs
}

function rate(turn: Turn): number {
  return turn.load.requestsPerSecond
}

function failures(turns: readonly Turn[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {}
  for (const turn of turns) {
    for (const [kind, count] of Object.entries(turn.load.failed)) {
      if (count > 0) sums[kind] = (sums[kind] ?? 0) + count
    }
  }
  return sums
}
