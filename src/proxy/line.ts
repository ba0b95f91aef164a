/**
 * Things in the order they came: a doubly linked list through the members themselves, so that joining, leaving at either
 * end and leaving from the middle are a few assignments, and nothing is allocated.
 *
 *     first (oldest) ⇄ member ⇄ member ⇄ last (newest)
 *
 * Invariant: a member is in one line at most, and `line` names it.
 */

/** What a line asks of its members. */
export interface InLine<T> {
  line: unknown
  previous: T | null
  next: T | null
  /** When it joined, milliseconds; NaN where nobody asks. */
  since: number
}

export class Line<T extends InLine<T>> {
  first: T | null = null
  last: T | null = null
  size = 0

  push(member: T): void {
    member.line = this
    member.previous = this.last
    if (this.last === null) this.first = member
    else this.last.next = member
    this.last = member
    this.size++
  }

  unshift(member: T): void {
    member.line = this
    member.next = this.first
    if (this.first === null) this.last = member
    else this.first.previous = member
    this.first = member
    this.size++
  }

  /** Only for a member of this line. */
  remove(member: T): void {
    const { previous, next } = member
    if (previous === null) this.first = next
    else previous.next = next
    if (next === null) this.last = previous
    else next.previous = previous
    member.line = null
    member.previous = null
    member.next = null
    this.size--
  }
}
