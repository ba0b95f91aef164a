/**
 * What a balancing policy is. It chooses among the endpoints that are in turn; the list is rebuilt when that changes,
 * never per request. An endpoint without room is passed over, since a pick must be able to start at once: the admission
 * queue has made sure that somewhere there is room.
 *
 *     the plan's endpoints ──► reachable ──► in turn ──► pick ──► attempt ──► observe
 *                              healthy,      weight > 0, not       │            only `ewma` looks
 *                              not           draining; backups     └── `sticky` may pick any that is reachable
 *                              ejected       if nobody else is
 *
 *   round-robin        smooth and weighted: in turn, whatever they do
 *   least-connections  the fewest in flight per weight, of all
 *   random             by weight
 *   two-choices        two at random by weight, of these the one with fewer in flight per weight
 *   ewma               the same two, compared by latency x in flight, failures counting many times
 *   hash               one key, one endpoint, as long as that has no more than its share of the load
 *   sticky             a signed cookie names the endpoint; one of the others where there is none
 *
 * `upstream.ts` decides who is in turn and what each weighs at the moment (slow start), so that no policy need know of
 * health, backups or time. Each is one file, without a clock or randomness of its own.
 */

/** What a policy sees of an endpoint. */
export interface Candidate {
  /** Unique, and the same after a reload and in every worker. */
  readonly id: string
  /** 1 or more, relative to its siblings; lower for a while after a recovery (slow-start.ts). */
  readonly weight: number
  readonly inFlight: number
  /** It has room for one more. */
  readonly free: boolean
}

/** What a policy sees of a request. `hash` and `sticky` look at it, the others do not. */
export interface Balanced {
  /** The client's, as text; '' if it has none. */
  readonly address: string
  readonly head: {
    readonly target: string
    readonly host: string
    /** Without Host. Names in lower case and values, alternately. */
    readonly headers: readonly string[]
    readonly listener: { readonly scheme: 'http' | 'https' }
  }
  /** false: it takes none of an endpoint's places, and a cookie may lead it to one that is full. */
  readonly takesPlace: boolean
  /** A value for Set-Cookie that makes the client come back to the same endpoint; null: none. Set at each pick. */
  setCookie: string | null
}

/** 0 <= random() < 1. Injected, so that tests can seed it. */
export type RandomSource = () => number

/** Milliseconds, monotonic, with fractions. Injected, so that tests can move it. */
export type Clock = () => number

/**
 * How an attempt ended, as far as a policy learns from it. `answered`: with a status below 500. `failed`: with one from
 * 500 on, or without a head and by the endpoint's fault. `given-up`: before there was a head, by the client or because
 * the time was over: it would have taken longer than it did, and nothing else is known.
 */
export type Ending = 'answered' | 'failed' | 'given-up'

export interface Balancer<C extends Candidate> {
  /** Shares follow no `weight` that changes from pick to pick: slow start is not for this policy. Absent: they do. */
  readonly steady?: boolean
  /** A request may lead to an endpoint that is reachable, but not in turn. Absent: none does. */
  readonly followsCookies?: boolean
  /**
   * The endpoints have changed.
   * @param inTurn those to choose among
   * @param reachable those, and all that only a cookie leads to. Absent: there are no such
   */
  rebuild(inTurn: readonly C[], reachable?: readonly C[]): void
  /**
   * The endpoint for one attempt, or null if none has room. `except`, the endpoint that an earlier attempt failed on,
   * is passed over.
   * @param request absent or null: there is none to look at
   */
  pick(except: C | null, request?: Balanced | null): C | null
  /**
   * An attempt is through as far as its head. Absent: nobody takes the time of attempts.
   * @param ms since it began, connecting included
   * @param now on the policy's clock, where it has been read already
   */
  observe?(endpoint: C, ms: number, ending: Ending, now?: number): void
}
