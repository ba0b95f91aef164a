/**
 * The clock for how long endpoints take: read twice in a turn of the event loop, and not twice for each attempt. It also tells how
 * much of that time was the endpoint's for certain, and not this loop's own.
 *
 *     turn k - 1                                  turn k
 *     ├─ reads ────────┬─ requests leave ─┤ waits ├─ reads: an answer is here
 *     looked                           ended      now
 *     it was not here  └─ it may be here ─┤├ no ┤
 *
 * An answer is noticed when the loop looks, and a loop with much to do looks seldom. With 64 requests in flight, and all of them
 * fast, most of what an attempt seems to take is the work for the 63 others, here; it grows with what is in flight, as a queue at the
 * endpoint does, and a limit that takes it for one (overload/) lets fewer and fewer in and gains nothing, as that queue is this process's own. So
 * `awayMs` leaves out the one stretch of work in which the answer may have been here unseen: that of the turn before. When that turn
 * looked, it was not here; and what the loop has waited since then, it has waited for it. Others tell their own part in a delay from the
 * network's as well: QUIC subtracts an acknowledgement's delay (RFC 9002, section 5.3), Swift has the hosts' delay apart from the
 * fabric's (Kumar et al., SIGCOMM 2020).
 *
 * Invariants
 *   - in a turn without a call of `now` or `roughly` the clock is not read; in one with calls of `roughly` alone it is read once, and not at
 *     the turn's end.
 *   - in each turn with a call of `now` `end` runs before the loop waits for events, in each with a call of `roughly` alone `pass` or `end`: what
 *     either says is as old as the turn's own work at most.
 *   - `awayMs` is too low by the work of one turn at most. It is too high by what the turn before and this one had done before their first call
 *     of `now`, at most; where the turn before had no such call, it is all the time since the attempt left.
 */

/** Who begins in a turn leaves at the end of the next, or one later if it begins while others leave: that end is to be read, too. */
const turnsAfterAsked = 3

export class TurnClock {
  /** When the last turn that was ended had been asked for the time first, and when its work was done. */
  #lookedAt = Number.NEGATIVE_INFINITY
  #endedAt = Number.NEGATIVE_INFINITY
  /** The time in this turn; NaN: nobody has asked. */
  #now = Number.NaN
  /** The same for `roughly`: asking that commits nobody to read the turn's end. */
  #rough = Number.NaN
  #turnsToRead = 0
  readonly #endLater: () => void
  readonly #clock: () => number

  /**
   * @param endLater sees to it that `end` is called when this turn's work is done; told once a turn, whether or not that is certain already
   * @param clock milliseconds, monotonic, above 0
   */
  constructor(endLater: () => void, clock: () => number = () => performance.now()) {
    this.#endLater = endLater
    this.#clock = clock
  }

  /** Milliseconds, monotonic: what it was when somebody first asked in this turn. */
  get now(): number {
    // Not so where it is NaN.
    if (this.#now > 0) return this.#now
    this.#endLater()
    this.#turnsToRead = turnsAfterAsked
    this.#now = this.#clock()
    return this.#now
  }

  /** The same for who asks at each request, and minds neither some of the turn's own work nor how it goes on. */
  get roughly(): number {
    if (this.#now > 0) return this.#now
    if (this.#rough > 0) return this.#rough
    this.#endLater()
    this.#rough = this.#clock()
    return this.#rough
  }

  /** Somebody has asked `now` in this turn, or not long ago. */
  get asked(): boolean {
    return this.#turnsToRead > 0
  }

  /** The turn's work is done, and nobody has `asked`. */
  pass(): void {
    this.#rough = Number.NaN
  }

  /** The turn's work is done. @returns the time, read anew */
  end(): number {
    const now = this.#clock()
    this.#lookedAt = this.#now > 0 ? this.#now : now
    this.#endedAt = now
    this.#now = Number.NaN
    this.#rough = Number.NaN
    this.#turnsToRead--
    return now
  }

  /**
   * How long it was away, of what has come back in this turn, as far as that is certain.
   * @param leftAt what `end` has told of the turn in which it left
   * @param now what this tells now
   */
  awayMs(leftAt: number, now: number): number {
    const waitedMs = now - this.#endedAt
    const beforeMs = this.#lookedAt - leftAt
    return Math.min(now - leftAt, beforeMs > 0 ? waitedMs + beforeMs : waitedMs)
  }
}
