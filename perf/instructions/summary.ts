/** What the counts say of a row beside its baseline. */
import { divideCalls } from '../guards/budgets.ts'
import { median, ratios, type Spread, spread } from '../harness/statistics.ts'
import type { Counted } from './run.ts'

/**
 * Instructions that take as long as reading the clock, some 25 ns at the rate of the others (8 to 9 in a nanosecond). Outside of
 * valgrind the clock is read in user space; in it there is a system call in its place, whose instructions are not seen.
 */
export const clockReading = 220

/**
 * The most that user space has of the CPU time of a small GET: 5.5 of 18.9 us, 6.3 of 16.2 and 9.1 of 21.1 were measured
 * (perf/README.md, perf/HISTORY.md). What is added there adds this share of its ratio at most, where the kernel has the same to do.
 */
export const userShare = 0.5

export interface InstructionsSummary {
  readonly name: string
  readonly baseline: string
  /** Per request, over the turns, with what reading the clock would be. */
  readonly instructions: Spread
  /** To the baseline, turn by turn; null for a baseline. */
  readonly ratio: Spread | null
  /** Per request. */
  readonly clockReadings: number
  readonly requestsPerTurn: number
  /** Per request, those that are a request's own and not of connections or the event loop; null where they were not counted. */
  readonly ownCalls: number | null
  readonly otherCalls: number | null
  /** Of all of them, to the baseline. */
  readonly callsRatio: number | null
  /** CPU time beside the baseline's is not above this, if the kernel's part rises as the calls do. Null beside another program. */
  readonly cpuRatio: number | null
}

/** @throws {RangeError} if a row's baseline was not counted as often. */
export function summariseCounts(counted: readonly Counted[]): readonly InstructionsSummary[] {
  return counted.map((one) => {
    const { row, counts } = one
    const baseline = counted.find(({ row: other }) => other.name === row.baseline)
    if (baseline === undefined)
      throw new RangeError(`"${row.name}" is to be divided by "${row.baseline}", which was not counted`)
    const isBaseline = baseline === one
    const ratio = isBaseline ? null : spread(ratios(charged(one), charged(baseline)))
    const calls = one.systemCalls === null ? null : divideCalls(one.systemCalls)
    const callsRatio =
      isBaseline || one.systemCalls === null || baseline.systemCalls === null
        ? null
        : one.systemCalls.perRequest / baseline.systemCalls.perRequest
    return {
      name: row.name,
      baseline: row.baseline,
      instructions: spread(charged(one)),
      ratio,
      clockReadings: median(counts.map(({ clockReadings }) => clockReadings)),
      requestsPerTurn: 1 / median(counts.map(({ turns }) => turns)),
      ownCalls: calls?.ofRequests ?? null,
      otherCalls: calls?.others ?? null,
      callsRatio,
      cpuRatio:
        ratio === null || callsRatio === null || baseline.row.subject !== 'weir'
          ? null
          : userShare * ratio.median + (1 - userShare) * Math.max(1, callsRatio),
    }
  })
}

function charged({ counts }: Counted): readonly number[] {
  return counts.map(({ instructions, clockReadings }) => instructions + clockReadings * clockReading)
}
