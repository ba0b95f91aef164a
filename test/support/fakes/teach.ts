import type { Hedgeable, Hedging } from '../../../src/proxy/hedging/hedging.ts'
import type { FakeClock } from './clock.ts'

/** A request that nobody sends. */
export class Watched implements Hedgeable {
  line: unknown = null
  previous: Hedgeable | null = null
  next: Hedgeable | null = null
  since = Number.NaN
  /** Times that it was due. */
  due = 0

  hedge(): void {
    this.due++
  }
}

/** Answers come, one after the other, each after `ms`. */
export function teach(hedging: Hedging | null, clock: FakeClock, ms: number, count: number): void {
  const request = new Watched()
  for (let answered = 0; answered < count; answered++) {
    hedging?.watch(request)
    clock.advance(ms)
    hedging?.ended(request, 200)
  }
}
