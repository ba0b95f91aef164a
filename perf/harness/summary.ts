import type { CpuTime } from './cpu.ts'
import type { Measured } from './run.ts'
import { ratios, type Spread, spread } from './statistics.ts'
import type { Turn } from './turn.ts'

/** A scenario's turns, taken together. */
export interface Summary {
  readonly name: string
  readonly baseline: string
  readonly requestsPerSecond: Spread
  /** Null where there is no /proc. */
  readonly cpu: CpuSummary | null
  readonly p50Us: Spread
  readonly p99Us: Spread
  /** In all turns together, by kind; only what occurred. */
  readonly failed: Readonly<Record<string, number>>
  /** Bytes per request. */
  readonly logBytes: Spread
  /** Of the baseline's rate in the same turn, pair by pair. */
  readonly rateRatio: Spread
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

/** @throws {RangeError} if a scenario's baseline was not measured. */
export function summarise(measured: readonly Measured[]): readonly Summary[] {
  return measured.map(({ scenario, turns }) => {
    const baseline = measured.find((other) => other.scenario.name === scenario.baseline)?.turns
    if (baseline === undefined) {
      throw new RangeError(
        `"${scenario.name}" is to be divided by "${scenario.baseline}", which was not measured`,
      )
    }
    return {
      name: scenario.name,
      baseline: scenario.baseline,
      requestsPerSecond: spread(turns.map(rate)),
      cpu: summariseCpu(turns, baseline),
      p50Us: spread(turns.map((turn) => turn.load.latency.p50Us)),
      p99Us: spread(turns.map((turn) => turn.load.latency.p99Us)),
      failed: failures(turns),
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
