/**
 * The admission queue of one upstream: as many requests go ahead as its endpoints can take at once, a bounded number
 * waits, and what comes above that is shed. This is the only queue in a worker: undici's own stays empty, but for what had to be put
 * on a connection behind others with pipelining (pool.ts) and may not be sent yet.
 *
 *              ┌ again ────────────┐  second tries, the latest first
 *     enter ──►┤ high    ⇄ ⇄ ⇄     ├──► turn ──► admitted ──► release
 *       │      │ normal  ⇄ ⇄ ⇄ ⇄ ⇄ │              one of `concurrency` places
 *       │      └ low     ⇄ ⇄       ┘
 *       │          │ expired, client gone, no endpoint left: the ticket leaves its line
 *       │          └ displaced by a higher class when the queue is full; or waited too long while its class is overloaded
 *       ▼                                 ▼
 *     refused                        shed, when the turn of the event loop is over
 *
 * The higher class goes first, always; within a class first come, first served. With controlled delay (overload/) each class is
 * a queue with a delay of its own (as the flows of RFC 8290): one that stands takes the newest first and sheds the old, while a
 * class that keeps up is left in peace.
 *
 * fastq runs the turns: it holds as many as requests wait, and starts one whenever a place is free. A turn is not bound to a
 * ticket: it takes whoever is first when it comes. That makes up for what fastq has not (a bound, an order other than its own, a
 * way to take an item out): a ticket that leaves makes its turn a spare one, which the next to come takes over. fastq also
 * recurses when an item is done before its worker returns, which overflows the stack at some 2,500 spare turns in a row; so
 * turns end through a list that one loop works off.
 *
 * Shedding waits for the end of the event loop's turn: it comes from inside another request's handler, where the binding has its
 * one cork buffer in use, and from inside undici.
 *
 * Invariants
 *   - 0 <= waiting; waiting counts the tickets in the lines, without those that are to be shed.
 *   - fastq's list holds waiting + spare turns, and nothing while a place is free (but for the moment of handing it out).
 *   - an admitted ticket occupies one of `concurrency` places until `release`, which comes exactly once.
 *   - a ticket is admitted, shed or abandoned: one of them, once.
 *   - nothing takes longer because many wait; a call sheds `shedAtOnce` at most, `look` a bounded number, too.
 */
import fastq from 'fastq'
import { priorityWords } from '../plan/route-plan.ts'
import type { InLine } from './line.ts'
import { WaitingLine } from './overload/waiting-line.ts'

const priorityClasses = priorityWords.length
export const normalPriority = priorityWords.indexOf('normal')

/** Who waits: told where it stands and when its turn comes. */
export interface Applicant {
  /** The ticket is its own until `admitted`, `shed` or `abandon`. */
  queued(ticket: Ticket): void
  admitted(ticket: Ticket): void
  /** Its turn will not come, and its ticket is gone. Never from inside a call to the queue. */
  shed(): void
}

/** A place in the queue, and later one of the places in flight. Pooled: hold it no longer than until `release`. */
export class Ticket implements InLine<Ticket> {
  applicant: Applicant | null = null
  /** fastq's callback, from the moment of admission. */
  done: fastq.done | null = null
  line: WaitingLine<Ticket> | null = null
  previous: Ticket | null = null
  next: Ticket | null = null
  since = Number.NaN
}

/** So many go when one comes or goes, which is some 100 microseconds of answers: more than come, and no pause for the others. */
const shedAtOnce = 8
/** And so many in `look`, which comes every 50 ms. */
const shedAtOnceInLook = 256

export class Admission {
  /** Tickets that wait. */
  waiting = 0
  /** How many may wait. Live: a reload changes it. */
  limit: number
  /** Places taken, including any above a concurrency that has since been lowered. */
  running = 0
  readonly #queue: fastq.queue<null>
  readonly #clock: () => number
  readonly #again = new WaitingLine<Ticket>()
  readonly #classes: readonly WaitingLine<Ticket>[] = Array.from(
    { length: priorityClasses },
    () => new WaitingLine<Ticket>(),
  )
  readonly #shedding = new WaitingLine<Ticket>()
  readonly #spareTickets: Ticket[] = []
  /** Ends that came from inside another one. */
  readonly #finished: fastq.done[] = []
  #finishing = false
  #spareTurns = 0
  /** Delay is controlled: only then is the clock read. */
  #controlled = false
  readonly #shedLater = (): void => this.#shed()

  /**
   * @param concurrency places in flight, 1 or more.
   * @param clock milliseconds, monotonic; one that does not run on while the event loop stands still
   */
  constructor(concurrency: number, limit: number, clock: () => number = () => performance.now()) {
    this.limit = limit
    this.#clock = clock
    this.#queue = fastq((_: null, done: fastq.done) => this.#turn(done), concurrency)
  }

  /** Raising it admits waiting tickets at once; lowering it lets what runs finish. */
  set concurrency(places: number) {
    this.#queue.concurrency = Math.max(1, places)
  }

  get concurrency(): number {
    return this.#queue.concurrency
  }

  /** Whoever enters now goes ahead at once, and holds up nobody who waits. */
  get hasRoom(): boolean {
    return this.waiting === 0 && this.running < this.#queue.concurrency
  }

  /** Controlled delay for each class; live. @param targetMs 0: off */
  controlDelay(targetMs: number, intervalMs: number): void {
    this.#controlled = targetMs > 0
    for (const { delay } of this.#classes) {
      delay.targetMs = targetMs
      delay.intervalMs = intervalMs
      if (targetMs === 0) delay.rest()
    }
  }

  /**
   * Asks for a place. `applicant.admitted` may come before this returns.
   * @param priority a class: its place among the `priorityWords` of the plan
   * @returns false when as many wait as may, and none of a lower class
   */
  enter(applicant: Applicant, priority = normalPriority): boolean {
    if (this.waiting >= this.limit && this.running >= this.#queue.concurrency && !this.#makeRoom(priority)) {
      return false
    }
    const line = this.#classes[priority] as WaitingLine<Ticket>
    const ticket = this.#take(applicant)
    line.push(ticket)
    this.#join(ticket, applicant)
    // Most go ahead at once, and have not waited: that is not worth a reading of the clock.
    if (this.#controlled && ticket.line === line) {
      ticket.since = this.#clock()
      this.#control(line, ticket.since, shedAtOnce)
    }
    return true
  }

  /** A second try of a request that has waited already: before all that wait, past the bound. */
  reenter(applicant: Applicant): void {
    const ticket = this.#take(applicant)
    this.#again.unshift(ticket)
    this.#join(ticket, applicant)
  }

  /** The applicant waits no longer (out of time, or gone). Only for a ticket that has been neither admitted nor shed. */
  abandon(ticket: Ticket): void {
    const line = ticket.line as WaitingLine<Ticket>
    line.remove(ticket)
    this.#recycle(ticket)
    if (line !== this.#shedding) this.#leave()
  }

  /** To be called now and then where delay is controlled: an origin that hangs lets nobody come or go. */
  look(): void {
    if (!this.#controlled || this.waiting === 0) return
    const now = this.#clock()
    for (const line of this.#classes) if (line.size > 0) this.#control(line, now, shedAtOnceInLook)
  }

  /** An admitted ticket gives its place to the next. */
  release(ticket: Ticket): void {
    const done = ticket.done as fastq.done
    this.#recycle(ticket)
    this.running--
    this.#finish(done)
  }

  #take(applicant: Applicant): Ticket {
    const ticket = this.#spareTickets.pop() ?? new Ticket()
    ticket.applicant = applicant
    return ticket
  }

  #recycle(ticket: Ticket): void {
    ticket.applicant = null
    ticket.done = null
    ticket.since = Number.NaN
    this.#spareTickets.push(ticket)
  }

  #join(ticket: Ticket, applicant: Applicant): void {
    this.waiting++
    applicant.queued(ticket)
    if (this.#spareTurns > 0) this.#spareTurns--
    else this.#queue.push(null)
  }

  /** Somebody has left a line, and nobody takes the turn. */
  #leave(): void {
    this.waiting--
    this.#spareTurns++
  }

  #turn(done: fastq.done): void {
    const ticket = this.#next()
    if (ticket === null) {
      this.#spareTurns--
      this.#finish(done)
      return
    }
    const applicant = ticket.applicant as Applicant
    this.waiting--
    this.running++
    ticket.done = done
    applicant.admitted(ticket)
  }

  /** Takes whose turn it is out of its line. */
  #next(): Ticket | null {
    const line = this.#firstLine()
    if (line === null) return null
    // Whoever has only just come, and is first, is alone: there is nothing to be judged by it.
    if (this.#controlled && !Number.isNaN((line.first as Ticket).since))
      this.#control(line, this.#clock(), shedAtOnce)
    const ticket = (line.delay.overloaded ? line.last : line.first) as Ticket
    line.remove(ticket)
    return ticket
  }

  #firstLine(): WaitingLine<Ticket> | null {
    if (this.#again.size > 0) return this.#again
    for (const line of this.#classes) if (line.size > 0) return line
    return null
  }

  /** Looks whether a line stands, and sheds from it if it does. The line must not be empty, and is not afterwards. */
  #control(line: WaitingLine<Ticket>, now: number, atOnce: number): void {
    const { delay } = line
    delay.look(now, (line.first as Ticket).since)
    if (!delay.overloaded) return
    for (let count = 0; count < atOnce && line.size > 1; count++) {
      const oldest = line.first as Ticket
      if (!delay.isTooOld(now, oldest.since)) return
      this.#displace(oldest, line)
    }
  }

  /** In a full queue: sheds the last of the lowest class below this one. @returns whether there was one */
  #makeRoom(priority: number): boolean {
    for (let lower = priorityClasses - 1; lower > priority; lower--) {
      const line = this.#classes[lower] as WaitingLine<Ticket>
      if (line.size === 0) continue
      this.#displace((line.delay.overloaded ? line.first : line.last) as Ticket, line)
      return true
    }
    return false
  }

  #displace(ticket: Ticket, line: WaitingLine<Ticket>): void {
    line.remove(ticket)
    if (this.#shedding.size === 0) setImmediate(this.#shedLater)
    this.#shedding.push(ticket)
    this.#leave()
  }

  #shed(): void {
    const shedding = this.#shedding
    try {
      for (let ticket = shedding.first; ticket !== null; ticket = shedding.first) {
        const applicant = ticket.applicant as Applicant
        shedding.remove(ticket)
        this.#recycle(ticket)
        applicant.shed()
      }
    } finally {
      // A defect in one of them must not leave the others without an answer.
      if (shedding.size > 0) setImmediate(this.#shedLater)
    }
  }

  /** Ends a turn. From inside `done` fastq begins the next turn; if that ends at once too, it only adds to the list. */
  #finish(done: fastq.done): void {
    if (this.#finishing) {
      this.#finished.push(done)
      return
    }
    const finished = this.#finished
    this.#finishing = true
    try {
      done(null)
      for (let index = 0; index < finished.length; index++) (finished[index] as fastq.done)(null)
    } finally {
      // A defect in whoever was admitted must not stop the queue for everyone after it.
      this.#finishing = false
      if (finished.length > 0) finished.length = 0
    }
  }
}
