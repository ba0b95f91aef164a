/**
 * Every exchange under way, a coarse clock, and the deadlines.
 *
 * One timer looks at all of them in turn instead of one timer each: setting a deadline is then one assignment, and
 * a thousand exchanges cost some microseconds a tick. The libraries' own time-outs are off or out of reach: undici's do
 * not run while a body is sent or a reader is paused, and uWebSockets.js cuts whoever is slow for 8 to 12 s unless it
 * is told that this one may be (`rearm`; native-notes/02-fixed-timers.md).
 *
 * Invariants
 *   - `now` moves in a tick only, by what has passed since the last but by 2 ticks at most.
 *   - an exchange is in the list from `add` to `remove` and knows its place in it (`slot`, -1 outside).
 *   - the timer runs while the list has members (and to the next tick after it is empty: starting it anew for every
 *     request of a quiet client would cost more).
 *   - a deadline never fires early. While the event loop turns it fires 1 to 3 ticks late; while the loop stands still
 *     time stands still too, so that a worker's own hiccup is nobody's time-out.
 *
 * The clocks of the proxy, all in milliseconds and monotonic. Those that run on begin with the process and may be compared with each other, the
 * coarser one being behind; the two that stand still with the loop begin where they like, and only with each other.
 *
 *   clock                resolution, cost         while the loop stands still   for
 *   `Deadlines.now`      50 ms, a field           stands still                  deadlines of exchanges and attempts
 *   `Deadlines.precise`  exact, a reading         stands still                  waiting in the queue, controlled delay
 *   `Deadlines.seenAt`   50 ms, a field           runs on                       retry budgets; how old ewma's figures are
 *   `coarseNow`          100 ms, a field          runs on                       idle connections of endpoints (coarse-clock.ts)
 *   `TurnClock.now`      a turn, two readings     runs on                       how long attempts take (turn-clock.ts)
 *   `TurnClock.roughly`  a turn, one reading      runs on                       beginnings of exchanges, for the access log; their ends, for metrics
 *   `performance.now()`  exact, a reading         runs on                       hedges, outliers, limits of clients and connections, drains
 */

export const tickMs = 50
const longestStepMs = 2 * tickMs
/** Well within the binding's 8 s. */
const rearmTicks = 80
/** Between two calls of `rearm`, in milliseconds, on a loop that does not stand still. */
export const rearmMs = rearmTicks * tickMs

export interface Timed {
  /** Place in the list. Written here only. */
  slot: number
  /** On the coarse clock; NaN for none. */
  deadline: number
  /** The same for the whole of it, which nothing renews. */
  totalDeadline: number
  expire(): void
  expireTotally(): void
  /** It may wait for an event that the binding does not give. */
  readonly stalled: boolean
  /** Called at each tick while `stalled`: look whether there is anything to be done. */
  nudge(): void
  /** Called every 4 s (`rearmMs`): see how fast the client is, and tell the binding that this transfer is still wanted. */
  rearm(): void
}

export class Deadlines<T extends Timed> {
  /** Milliseconds, monotonic; from any beginning. */
  now = 0
  /** At the end of each tick. */
  onTick: (() => void) | null = null
  readonly #members: T[] = []
  readonly #clock: () => number
  #timer: NodeJS.Timeout | null = null
  #ticks = 0
  #tickedAt = 0

  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  get size(): number {
    return this.#members.length
  }

  /** The clock as the timer saw it last, or as it is while no timer runs: unlike `now` it never stands still. */
  get seenAt(): number {
    return this.#timer === null ? this.#clock() : this.#tickedAt
  }

  /** As `now`, but it moves between ticks as well; it stands still with the event loop just the same. */
  get precise(): number {
    return this.#timer === null
      ? this.now
      : this.now + Math.min(this.#clock() - this.#tickedAt, longestStepMs)
  }

  add(member: T): void {
    member.slot = this.#members.length
    this.#members.push(member)
    if (this.#timer === null) {
      this.#tickedAt = this.#clock()
      this.#timer = setInterval(() => this.tick(), tickMs)
    }
  }

  remove(member: T): void {
    const last = this.#members.pop() as T
    if (last !== member) {
      this.#members[member.slot] = last
      last.slot = member.slot
    }
    member.slot = -1
  }

  /** Stops the timer. Nothing expires afterwards. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  /** A deadline that lies `ms` ahead of now, at least. 0 means none. */
  after(ms: number): number {
    return ms === 0 ? Number.NaN : this.now + ms + longestStepMs
  }

  /** One look at everything. Runs by itself every `tickMs` while there are members. */
  tick(): void {
    const at = this.#clock()
    this.now += Math.min(at - this.#tickedAt, longestStepMs)
    this.#tickedAt = at
    if (this.#members.length === 0) this.stop()
    this.#ticks++
    const rearm = this.#ticks % rearmTicks === 0
    // From the end: `remove` moves the last member into the gap, so nobody is passed over or seen twice.
    for (let index = this.#members.length - 1; index >= 0; index--) {
      const member = this.#members[index]
      // More than one may leave while one expires.
      if (member === undefined) continue
      if (this.now >= member.deadline) member.expire()
      else if (this.now >= member.totalDeadline) member.expireTotally()
      else if (rearm) member.rearm()
      else if (member.stalled) member.nudge()
    }
    this.onTick?.()
  }

  /** For what has to reach all, such as a drain that has run out of time. */
  each(visit: (member: T) => void): void {
    for (let index = this.#members.length - 1; index >= 0; index--) {
      const member = this.#members[index]
      if (member !== undefined) visit(member)
    }
  }
}

/** Of two deadlines. NaN for none. */
export function earlier(a: number, b: number): number {
  return a < b || Number.isNaN(b) ? a : b
}
