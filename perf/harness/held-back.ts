/** What slow answers do to the requests that are not slow themselves: how long those take, and how many were held back. */
import { percentile } from './statistics.ts'

/** Some of the requests of a load, drawn by its seed, that ask for an answer that takes long. */
export interface SlowRequests {
  /** Of all, 0 to 1. */
  readonly share: number
  readonly path: string
  /** One of the others that takes longer than this was held back. */
  readonly heldMs: number
}

/** Of the good answers. Times in microseconds, from when the requests were due; null where there are none. */
export interface HeldBack {
  /** Those that were asked to be slow, and how long they took. */
  readonly slow: number
  readonly slowP50Us: number | null
  /** All that follows is of the others. */
  readonly fast: number
  readonly p50Us: number | null
  readonly p90Us: number | null
  readonly p99Us: number | null
  readonly p999Us: number | null
  readonly maxUs: number | null
  /** Took longer than `heldMs`. */
  readonly held: number
}

/** @param fastUs in any order, as `slowUs` is */
export function heldBack(fastUs: readonly number[], slowUs: readonly number[], heldMs: number): HeldBack {
  const fast = fastUs.toSorted((a, b) => a - b)
  const slow = slowUs.toSorted((a, b) => a - b)
  const of = (sorted: readonly number[], percent: number) =>
    sorted.length === 0 ? null : percentile(sorted, percent)
  return {
    slow: slow.length,
    slowP50Us: of(slow, 50),
    fast: fast.length,
    p50Us: of(fast, 50),
    p90Us: of(fast, 90),
    p99Us: of(fast, 99),
    p999Us: of(fast, 99.9),
    maxUs: of(fast, 100),
    held: fast.filter((us) => us > heldMs * 1000).length,
  }
}
