/** Turns with given figures, for what is computed from turns. */
import type { Row } from '../../../../perf/harness/row.ts'
import type { Measured } from '../../../../perf/harness/run.ts'
import type { Turn } from '../../../../perf/harness/turn.ts'
import type { Variant } from '../../../../perf/report/experiment.ts'

export interface Given {
  readonly rate: number
  /** Null: a machine that does not tell. */
  readonly cpuUs?: number | null
  readonly failed?: Readonly<Record<string, number>>
}

/** 10 s, 100 bytes of answer, latencies that follow from the rate. */
export function turn({ rate, cpuUs = 10, failed = {} }: Given): Turn {
  const averageUs = 5e8 / rate
  return {
    load: {
      requests: rate * 10,
      seconds: 10,
      requestsPerSecond: rate,
      bytesRead: rate * 1000,
      latency: {
        averageUs,
        deviationUs: averageUs / 2,
        maxUs: averageUs * 10,
        p50Us: averageUs,
        p99Us: averageUs * 2,
        p999Us: averageUs * 3,
      },
      failed: { status: 0, connect: 0, read: 0, write: 0, timeout: 0, ...failed },
    },
    cpu: cpuUs === null ? null : { userUs: cpuUs * 0.75, systemUs: cpuUs * 0.25 },
    memory: null,
    logBytes: 0,
    foreign: 0.012,
  }
}

export function rates(...values: readonly number[]): readonly Turn[] {
  return values.map((rate) => turn({ rate }))
}

export function measured({ name: variant, subject, scenario }: Variant, turns: readonly Turn[]): Measured {
  const name = `x/${variant}`
  const row: Row = { name, baseline: name, group: 'x', subject, scenario }
  return { row, turns, rates: [], passes: { systemCalls: null, allocatedBytes: null } }
}
