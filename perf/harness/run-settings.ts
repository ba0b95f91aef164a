/** What a run of the benchmark is to do. */
import type { Generator } from './load.ts'
import type { Row } from './row.ts'
import type { Bench } from './running.ts'

export interface Schedule {
  /** How often each row is measured. */
  readonly turns: number
  /** Length of a turn. */
  readonly seconds: number
  /** Load on each row before the first turn, for compilers and connections: the least (warm-up.ts). 0: none. */
  readonly warmupSeconds: number
}

/** The tools that there are: paths, or null. */
export interface WantedPasses {
  readonly h2load: string | null
  readonly strace: string | null
  readonly allocation: boolean
}

export interface Run {
  readonly bench: Bench
  readonly generator: Generator
  readonly schedule: Schedule
  /** Of the order of rows in each turn, a whole number from 0 to 2^32 - 1; absent: 1. */
  readonly seed?: number
  /** Beside the timed turns. */
  readonly wanted: WantedPasses
  /** Is told what happens, a line at a time. */
  readonly say: (line: string) => void
  /** Is told of each row that fails, with the line that is said of it; absent: nobody. */
  readonly failed?: (row: Row, line: string) => void
}
