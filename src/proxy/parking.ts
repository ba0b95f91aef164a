/**
 * Retries that have been admitted and have nowhere to go: the endpoint that failed them has room, all others are full.
 * Sent to the same endpoint they would fail again; put back into the queue they would be admitted at once, since a
 * place is free. So they wait here, with their place, until an attempt ends at another endpoint.
 *
 *     admitted ──► room only where it failed ──► parked ──► an attempt ends elsewhere, or other endpoints are in turn ──► admitted
 *
 * Invariants
 *   - a parked request holds a place, so that there are no more than the endpoints that failed them have room for.
 *   - an endpoint's room goes to parked requests before it goes to the queue.
 */
import type { Endpoint } from './endpoint.ts'

export interface Parked {
  /** The endpoint that it is not to be sent to again. */
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

  /** Other endpoints are in turn than before. */
  reconsider(): void {
    for (const request of [...this.#parked]) {
      if (this.#parked.delete(request)) request.reconsider()
    }
  }
}
