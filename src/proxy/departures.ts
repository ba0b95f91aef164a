/**
 * Requests leave for their endpoints in batches, one batch in each turn of the event loop, and each a whole turn after it
 * was ready:
 *
 *     turn n      ready ──┐                 poll, then check
 *     turn n + 1          └─► boarding      poll: what has come over any connection is read, check: all of these leave
 *
 * Two things are had by that. A connection on which its server has sent something unasked is found out before the next
 * request is written to it, which would otherwise take those bytes for its answer (GHSA-35p6-xmwp-9g52; undici does the same
 * with two timers for each request). And what one turn writes to one connection, with pipelining, leaves in one piece.
 *
 * With its batch a turn is through with its work, which the clock of the turns is told.
 */
import { flushHeads, holdHeads } from './endpoint-socket.ts'
import { TurnClock } from './turn-clock.ts'

/** What waits to leave. It is asked to once. */
export interface Departing {
  /** When it left, on the clock of the turns; written only while somebody asks that. */
  leftAt: number
  depart(): void
}

export class Departures {
  readonly clock = new TurnClock(() => this.#schedule())
  #ready: Departing[] = []
  #boarding: Departing[] = []
  /** Empty, for the next turn: arrays are used again. */
  #spare: Departing[] = []
  #scheduled = false
  readonly #next = (): void => this.#turn()

  add(departing: Departing): void {
    this.#ready.push(departing)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#next)
  }

  #turn(): void {
    const leaving = this.#boarding
    this.#boarding = this.#ready
    this.#ready = this.#spare
    this.#spare = leaving
    this.#scheduled = false
    // Before the others: a defect in one of them must not strand those behind it.
    if (this.#boarding.length > 0) this.#schedule()
    holdHeads()
    try {
      for (let index = 0; index < leaving.length; index++) (leaving[index] as Departing).depart()
    } finally {
      flushHeads()
      if (this.clock.asked) this.#stamp(leaving)
      else this.clock.pass()
      leaving.length = 0
    }
  }

  #stamp(left: readonly Departing[]): void {
    const leftAt = this.clock.end()
    for (let index = 0; index < left.length; index++) (left[index] as Departing).leftAt = leftAt
  }
}
