/**
 * Second tries that have a place of the queue but none to go to: where they failed there would be room, everybody else is full. Sent to
 * the same endpoint they would fail again; put back into the queue they would be admitted at once, since a place is free. So
 * they wait here, with their place, until an attempt elsewhere ends.
 *
 *     admitted ──► no room but where it failed ──► parked ──► an attempt ends elsewhere, or who is in turn has changed ──► admitted
 *
 * Invariants
 *   - who is parked holds a place, so that there are no more than the endpoints where they failed have room for.
 *   - an endpoint's room goes to who is parked before it goes to the queue.
 */
import type { Endpoint } from './endpoint.ts'

export interface Parked {
  /** Where it is not to go again. */
  readonly failedOn: Endpoint | null
  /** There may be room now. It is no longer parked, and may park again. */
  reconsider(): void
}

export class Parking {
  readonly #parked = new Set<Parked>()

  get size(): number {
    return this.#parked.size
  }

  park(request: Parked): void {
    this.#parked.add(request)
  }

  leave(request: Parked): void {
    this.#parked.delete(request)
  }

  /** An attempt has ended there. */
  roomAt(endpoint: Endpoint): void {
    // A copy: one may park again.
    for (const request of [...this.#parked]) {
      if (!endpoint.free) return
      if (request.failedOn !== endpoint && this.#parked.delete(request)) request.reconsider()
    }
  }

  /** Others are in turn than before. */
  reconsider(): void {
    for (const request of [...this.#parked]) {
      if (this.#parked.delete(request)) request.reconsider()
    }
  }
}
