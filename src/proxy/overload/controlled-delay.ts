/**
 * Tells a queue that stands from one that a burst has made: controlled delay (CoDel, RFC 8289), in the form that queues of requests
 * have at Facebook (Maurer, "Fail at Scale", ACM Queue 13/8, 2015) and in folly.
 *
 *     calm ── somebody has waited longer than `target` all through an `interval` ──► overloaded
 *          ◄── nobody waits any more ──
 *          ── again above `target`, less than an `interval` after it was last overloaded ──►
 *
 * A good queue takes up a burst and is empty again; a standing one adds its delay to every request and gains nothing. While
 * overloaded, the newest goes first (adaptive LIFO: it has the best chance to be answered before its client gives up), and who has waited longer
 * than `target` is shed, the oldest first; the last one stays, so that a place that gets free is never without a taker. Two
 * things differ from the RFC: it drops ever more often, one at a time, to make TCP slow down, and clients of HTTP do not; and it
 * ends when one packet has waited less than the target, which here, with the newest first, would be at once.
 *
 * An overload does not end because the queue is empty for a moment: shedding keeps it short, and a limit that rises or answers that
 * come together take all that is left. Without the way back every such moment would be paid with an interval of waiting in
 * order, which is what p99 is made of then (a simulated server of 8 slots and 10 ms, four times its capacity: 81 ms, and 23 with it).
 *
 * What a worker's own pauses do: while the event loop stands still, everybody seems to wait. So the time between two looks
 * counts as a quarter of an interval at most: a queue stands if it is found standing again and again. `now` is to come from a
 * clock that all but stops in such a pause (`Deadlines.precise`).
 *
 * Invariant: overloaded only while somebody waits. Pure: no clock of its own.
 */
const looksMin = 4

export class ControlledDelay {
  /** Milliseconds; 0: off, nobody may ask. */
  targetMs = 0
  intervalMs = 100
  overloaded = false
  #standingMs = Number.NaN
  #lookedAt = Number.NaN
  /** When it was last found overloaded. */
  #overloadedAt = Number.NEGATIVE_INFINITY

  /** Nobody waits. */
  rest(): void {
    this.overloaded = false
    this.#standingMs = Number.NaN
  }

  /**
   * Looks at the queue: whenever somebody comes or goes, and now and then.
   * @param now milliseconds, monotonic
   * @param oldestMs since when the oldest waits, on the same clock
   */
  look(now: number, oldestMs: number): void {
    if (!this.overloaded) this.#judge(now, now - oldestMs - this.targetMs)
    if (this.overloaded) this.#overloadedAt = now
  }

  #judge(now: number, aboveMs: number): void {
    if (aboveMs <= 0) {
      this.#standingMs = Number.NaN
      return
    }
    if (Number.isNaN(this.#standingMs)) {
      // It has stood since it went above the target, as far as anybody looked.
      this.#standingMs = Math.min(aboveMs, this.intervalMs / looksMin)
    } else {
      this.#standingMs += Math.min(now - this.#lookedAt, this.intervalMs / looksMin)
    }
    this.#lookedAt = now
    this.overloaded = this.#standingMs >= this.intervalMs || now - this.#overloadedAt <= this.intervalMs
  }

  /** Whether somebody who has waited since then is to be shed. Only while overloaded. */
  isTooOld(now: number, sinceMs: number): boolean {
    return now - sinceMs > this.targetMs
  }
}
