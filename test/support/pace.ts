import { setTimeout as sleep } from 'node:timers/promises'

export interface Pace {
  /** Highest mean rate between pauses. Left out: as fast as it goes. */
  readonly bytesPerSecond?: number
  /** Complete stops, each when so many bytes have passed, in ascending order. */
  readonly pauses?: readonly { readonly atByte: number; readonly ms: number }[]
}

/** Holds a transfer to a Pace. Call `passed` after each piece and wait for it before the next. */
export class Pacer {
  readonly #pace: Pace
  readonly #start = performance.now()
  #pausedMs = 0
  #nextPause = 0
  #total = 0

  constructor(pace: Pace) {
    this.#pace = pace
  }

  async passed(byteCount: number): Promise<void> {
    this.#total += byteCount
    const pause = this.#pace.pauses?.[this.#nextPause]
    if (pause && this.#total >= pause.atByte) {
      this.#nextPause++
      this.#pausedMs += pause.ms
      await sleep(pause.ms)
    }
    if (!this.#pace.bytesPerSecond) return
    const dueMs = (this.#total / this.#pace.bytesPerSecond) * 1000 + this.#pausedMs
    const aheadMs = dueMs - (performance.now() - this.#start)
    // A timer's resolution is a millisecond or more: below that it is cheaper to be a little ahead.
    if (aheadMs > 4) await sleep(aheadMs)
  }
}
