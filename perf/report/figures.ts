/** What turns say, as the report's table 1 has it and for the verdicts. */
import { type Spread, spread } from '../harness/statistics.ts'
import type { Turn } from '../harness/turn.ts'

export interface Figures {
  readonly requests: Spread
  readonly seconds: Spread
  readonly requestsPerSecond: Spread
  readonly averageMs: Spread
  readonly deviationMs: Spread
  readonly maxMs: Spread
  /** Of 2^20 bytes, as wrk prints them. */
  readonly megabytes: Spread
  readonly megabytesPerSecond: Spread
  /** In all turns together, by wrk's kinds; `status` for answers outside 2xx and 3xx. */
  readonly errors: Readonly<Record<ErrorKind, number>>
  /** Null where there is no /proc. */
  readonly cpuUs: Spread | null
  readonly coresBusy: Spread | null
}

export const errorKinds = ['connect', 'read', 'write', 'timeout', 'status'] as const
export type ErrorKind = (typeof errorKinds)[number]

export function figuresOf(turns: readonly Turn[]): Figures {
  const over = (value: (turn: Turn) => number) => spread(turns.map(value))
  const orNull = (value: (turn: Turn) => number | null) => {
    const known = turns.map(value).filter((one) => one !== null)
    return known.length === turns.length ? spread(known) : null
  }
  return {
    requests: over(({ load }) => load.requests),
    seconds: over(({ load }) => load.seconds),
    requestsPerSecond: over(({ load }) => load.requestsPerSecond),
    averageMs: over(({ load }) => load.latency.averageUs / 1000),
    deviationMs: over(({ load }) => load.latency.deviationUs / 1000),
    maxMs: over(({ load }) => load.latency.maxUs / 1000),
    megabytes: over(megabytes),
    megabytesPerSecond: over((turn) => megabytes(turn) / turn.load.seconds),
    errors: Object.fromEntries(
      errorKinds.map((kind) => [kind, turns.reduce((sum, turn) => sum + errorsOf(turn, kind), 0)]),
    ) as Record<ErrorKind, number>,
    cpuUs: orNull(cpuUs),
    coresBusy: orNull(coresBusy),
  }
}

export function errorsOf(turn: Turn, kind: ErrorKind): number {
  return turn.load.failed[kind] ?? 0
}

/** Microseconds of CPU per request. */
export function cpuUs({ cpu }: Turn): number | null {
  return cpu === null ? null : cpu.userUs + cpu.systemUs
}

/** CPU seconds per second. */
export function coresBusy(turn: Turn): number | null {
  const us = cpuUs(turn)
  return us === null ? null : (us * turn.load.requestsPerSecond) / 1e6
}

function megabytes({ load }: Turn): number {
  return load.bytesRead / 2 ** 20
}
