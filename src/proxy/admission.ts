/**
 * The admission queue of one upstream: as many requests go ahead as its endpoints can take at once, a bounded number
 * waits in order, and what comes above that is shed. This is the only queue in a worker: undici's own stays empty.
 *
 *     enter ──► waiting ──► admitted ──► release
 *       │          │ expired, client gone, no endpoint left: the ticket dies where it stands
 *       ▼          ▼
 *     shed       dropped when its turn comes, without taking a turn
 *
 * fastq moves the tickets. It has no bound, no way to take an item out, and it recurses when an item is done before
 * its worker returns, which overflows the stack at some 2,500 dead tickets in a row. Hence:
 *   - `waiting` is counted here and is the bound; fastq's own `length()` walks the list and is not called.
 *   - turns end through a list that one loop works off, so that a thousand turns that end at once do not nest.
 *   - dead tickets are swept out when they outnumber the living, so that memory follows the bound and not the abuse.
 *
 * Invariants
 *   - 0 <= waiting; waiting counts the living tickets in fastq's list.
 *   - an admitted ticket occupies one of `concurrency` places until `release`, which comes exactly once.
 */
import fastq from 'fastq'

/** Who waits: told where it stands and when its turn comes. */
export interface Applicant {
  /** The ticket is its own until `admitted` or `abandon`. */
  queued(ticket: Ticket): void
  admitted(ticket: Ticket): void
}

/** A place in the queue, and later one of the places in flight. Pooled: hold it no longer than until `release`. */
export class Ticket {
  /** null: dead, nobody waits for it any more. */
  applicant: Applicant | null = null
  /** fastq's callback, from the moment of admission. */
  done: fastq.done | null = null
}

/** Below this many dead tickets a sweep is not worth its walk. */
const sweepAtLeast = 1_024

export class Admission {
  /** Living tickets that wait. */
  waiting = 0
  /** How many may wait. Live: a reload changes it. */
  limit: number
  /** Places taken, including any above a concurrency that has since been lowered. */
  running = 0
  readonly #queue: fastq.queue<Ticket>
  readonly #spareTickets: Ticket[] = []
  readonly #finished: fastq.done[] = []
  #dead = 0

  /** @param concurrency places in flight, 1 or more. */
  constructor(concurrency: number, limit: number) {
    this.limit = limit
    this.#queue = fastq((ticket: Ticket, done: fastq.done) => this.#turn(ticket, done), concurrency)
  }

  /** Raising it admits waiting tickets at once; lowering it lets what runs finish. */
  set concurrency(places: number) {
    this.#queue.concurrency = Math.max(1, places)
  }

  get concurrency(): number {
    return this.#queue.concurrency
  }

  /**
   * Asks for a place. `applicant.admitted` may come before this returns.
   * @returns false when as many wait as may
   */
  enter(applicant: Applicant): boolean {
    if (this.waiting >= this.limit && this.running >= this.#queue.concurrency) return false
    // fastq would start a newcomer at once while it is still admitting those before it (concurrency has been raised).
    const overtakes = this.waiting > 0 && this.running < this.#queue.concurrency
    const ticket = this.#take(applicant)
    if (overtakes) this.#queue.pause()
    this.#queue.push(ticket)
    if (overtakes) this.#queue.resume()
    return true
  }

  /** A second try of a request that has waited already: to the head of the queue, past the bound. */
  reenter(applicant: Applicant): void {
    this.#queue.unshift(this.#take(applicant))
  }

  /** The applicant waits no longer (shed, or gone). Only for a ticket that has not been admitted. */
  abandon(ticket: Ticket): void {
    ticket.applicant = null
    this.waiting--
    this.#dead++
    if (this.#dead > Math.max(sweepAtLeast, this.limit)) this.#sweep()
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
    this.waiting++
    applicant.queued(ticket)
    return ticket
  }

  #recycle(ticket: Ticket): void {
    ticket.applicant = null
    ticket.done = null
    this.#spareTickets.push(ticket)
  }

  #turn(ticket: Ticket, done: fastq.done): void {
    const applicant = ticket.applicant
    if (applicant === null) {
      this.#dead--
      this.#recycle(ticket)
      this.#finish(done)
      return
    }
    this.waiting--
    this.running++
    ticket.done = done
    applicant.admitted(ticket)
  }

  /** Ends a turn. From inside `done` fastq begins the next turn; if that ends at once too, it only adds to the list. */
  #finish(done: fastq.done): void {
    this.#finished.push(done)
    if (this.#finished.length > 1) return
    try {
      for (let index = 0; index < this.#finished.length; index++) (this.#finished[index] as fastq.done)(null)
    } finally {
      // A defect in whoever was admitted must not stop the queue for everyone after it.
      this.#finished.length = 0
    }
  }

  #sweep(): void {
    const tickets = this.#queue.getQueue()
    this.#queue.kill()
    this.#dead = 0
    for (const ticket of tickets) {
      if (ticket.applicant === null) this.#recycle(ticket)
      else this.#queue.push(ticket)
    }
  }
}
