/**
 * Who waits, in the order they came: a doubly linked list through the tickets themselves, so that joining, leaving at either
 * end and leaving from the middle are a few assignments, and nothing is allocated.
 *
 *     first (oldest) ⇄ ticket ⇄ ticket ⇄ last (newest)
 *
 * Invariants
 *   - a ticket is in one line at most, and `line` names it.
 *   - `delay` rests when the line is empty.
 */
import { ControlledDelay } from './controlled-delay.ts'

/** What a line asks of its members. */
export interface InLine<T> {
  line: unknown
  previous: T | null
  next: T | null
  /** When it joined, milliseconds; NaN where nobody asks. */
  since: number
}

export class WaitingLine<T extends InLine<T>> {
  readonly delay = new ControlledDelay()
  first: T | null = null
  last: T | null = null
  size = 0

  push(ticket: T): void {
    ticket.line = this
    ticket.previous = this.last
    if (this.last === null) this.first = ticket
    else this.last.next = ticket
    this.last = ticket
    this.size++
  }

  unshift(ticket: T): void {
    ticket.line = this
    ticket.next = this.first
    if (this.first === null) this.last = ticket
    else this.first.previous = ticket
    this.first = ticket
    this.size++
  }

  /** Only for a ticket of this line. */
  remove(ticket: T): void {
    const { previous, next } = ticket
    if (previous === null) this.first = next
    else previous.next = next
    if (next === null) this.last = previous
    else next.previous = previous
    ticket.line = null
    ticket.previous = null
    ticket.next = null
    this.size--
    if (this.size === 0) this.delay.rest()
  }
}
