/**
 * Whether a client keeps to the minimum rate: a leaky bucket of bytes. It begins full, loses `bytesPerSecond` for each
 * second in which Weir waits for the client and nobody else, and gains what moves, either way. Empty means too slow.
 *
 * A client that keeps above the rate never empties it; one that falls to nothing has `overMs`. What was moved long ago buys no
 * more than that: the bucket does not grow. Looked at now and then (Deadlines), so nothing is done per request or piece.
 */
import type { MinRatePlan } from '../plan/plan.ts'
import { rearmMs } from './deadlines.ts'

/** The request's body. */
interface Sent {
  readonly bytes: number
  readonly awaitsClient: boolean
}

/** The response's body. */
interface Taken {
  readonly bytes: number
  readonly blocked: boolean
}

export class ClientPace {
  /** Bytes of credit. NaN: not looked at yet. */
  #credit = Number.NaN
  #movedBefore = 0

  /**
   * To be called every `rearmMs`. The endpoint's slowness is not the client's: what waits for the client alone counts.
   * @returns false if the client is slower than it may be
   */
  look(upload: Sent, response: Taken, rate: MinRatePlan): boolean {
    if (rate.bytesPerSecond === 0) return true
    const moved = upload.bytes + response.bytes
    const full = (rate.bytesPerSecond * rate.overMs) / 1_000
    const awaited = upload.awaitsClient || response.blocked
    const due = awaited ? (rate.bytesPerSecond * rearmMs) / 1_000 : 0
    // The first look may come at once, so nothing is due yet.
    if (Number.isNaN(this.#credit)) this.#credit = full
    else this.#credit = Math.min(full, this.#credit + moved - this.#movedBefore - due)
    this.#movedBefore = moved
    return this.#credit >= 0
  }

  reset(): void {
    this.#credit = Number.NaN
    this.#movedBefore = 0
  }
}
