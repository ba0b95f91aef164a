/**
 * What a balancing policy is. It chooses among the endpoints that are available (healthy and in the plan); the list is
 * rebuilt when that changes, never per request. An endpoint without room is passed over, since a pick must be able to
 * start at once: the admission queue has made sure that somewhere there is room.
 */

/** What a policy sees of an endpoint. */
export interface Candidate {
  /** 1 or more, relative to its siblings. */
  readonly weight: number
  readonly inFlight: number
  /** It has room for one more. */
  readonly free: boolean
}

/** 0 <= random() < 1. Injected, so that tests can seed it. */
export type RandomSource = () => number

export interface Balancer<C extends Candidate> {
  /** The available endpoints have changed. */
  rebuild(available: readonly C[]): void
  /**
   * The endpoint for one attempt, or null if none has room. `except`, the endpoint that an earlier attempt failed on,
   * is passed over.
   */
  pick(except: C | null): C | null
}
