import { randomFrom } from '../../../perf/harness/random.ts'

/** A clock that a test moves. */
export class FakeClock {
  /** Milliseconds. */
  now = 1_000_000
  readonly read = (): number => this.now

  advance(ms: number): void {
    this.now += ms
  }
}

/** Numbers from 0 to 1 that are the same for the same seed. */
export const seededRandom = randomFrom
