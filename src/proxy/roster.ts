/**
 * Who is in turn: those of an upstream's endpoints that the balancer chooses from. Drawn anew when one of them changes (the
 * verdict of its checks, what requests have shown of it, its plan, its cookies), never per request: a pick indexes a ready array.
 *
 *     members ──► usable ──────────► not suspended ──► no backup, or nobody else who takes all ──► in turn
 *        │        healthy, with a
 *        │        weight, no drain
 *        └─────► available, or in turn ──► reachable: where a cookie may lead, weight and drain or not
 *
 * Where every usable one is ejected, but some only for their answers, those are in turn in spite of it (fail open; outliers.ts).
 * One that is probed is in turn for one request at a time: it is `limited`, and no reason to do without the backups.
 *
 * Invariants
 *   - `inTurn` is in the members' order, and `member.inTurn` says of each whether it is in there.
 *   - the takers are those that somebody may be sent to: in turn, or where cookies are followed whoever is reachable.
 *   - a member's `inFlightMax` is its capacity, unless it goes on being limited: then its probe may be under way.
 */
import type { Outlier } from './outliers.ts'

/** The part of an endpoint that this reads and writes. */
export interface Member {
  /** The active check's verdict. */
  readonly healthy: boolean
  /** It has left the plan, and is still at work. */
  readonly retired: boolean
  /** It has a weight and does not drain. */
  readonly inService: boolean
  readonly backup: boolean
  readonly outlier: Outlier
  readonly suspended: boolean
  readonly available: boolean
  readonly capacity: number
  /** One more may begin there. */
  readonly free: boolean
  inTurn: boolean
  limited: boolean
  inFlightMax: number
}

export class Roster<M extends Member> {
  inTurn: readonly M[] = []
  reachable: readonly M[] = []
  /** There are no takers. */
  empty = true
  /** Every endpoint is ejected, but some only for their answers: those are sent everything. */
  failingOpen = false
  /** All that the checks find healthy refuse. It goes on being so while only probes come between. */
  unreachable = false
  #takers: readonly M[] = []
  /** There are no takers but endpoints that take a probe each. */
  #probesOnly = false

  /** Nobody can be sent anywhere: there are no takers, or they are busy with their probes. */
  get down(): boolean {
    return this.empty || (this.#probesOnly && !this.#takers.some(({ free }) => free))
  }

  /** Another one is in turn, and not just probed; whether or not it has room. */
  hasOther(member: M): boolean {
    return this.inTurn.some((other) => other !== member && !other.limited)
  }

  isOnly(member: M): boolean {
    return this.inTurn.length === 1 && this.inTurn[0] === member
  }

  /**
   * Finds out who is in turn.
   * @param followsCookies the balancer may lead to whoever is reachable
   * @param lift nobody is in: called with those that are usable, to let in whom it may (outliers.ts)
   */
  draw(members: readonly M[], followsCookies: boolean, lift: (usable: readonly M[]) => void): void {
    const usable = members.filter((member) => member.healthy && !member.retired && member.inService)
    // The others have gone: better one that failed a moment ago than none.
    if (!usable.some(isIn)) lift(usable)
    const failOpen = !usable.some(isIn) && usable.some(isFailing)
    const inTurn = whoIsInTurn(usable, failOpen)
    for (const member of members) {
      const { outlier } = member
      member.inTurn = false
      const limited = outlier.state === 'probing' && !(failOpen && isFailing(member))
      if (!(limited && member.limited)) member.inFlightMax = member.capacity
      member.limited = limited
    }
    for (const member of inTurn) member.inTurn = true
    this.inTurn = inTurn
    this.reachable = members.filter((member) => member.available || member.inTurn)
    this.#takers = followsCookies ? this.reachable : inTurn
    this.empty = this.#takers.length === 0
    this.#probesOnly = !this.empty && this.#takers.every(({ limited }) => limited)
    this.failingOpen = failOpen
    this.unreachable = usable.length > 0 && (this.unreachable ? !usable.some(isIn) : this.empty)
  }
}

/** @param failOpen those that fail count as the others do */
function whoIsInTurn<M extends Member>(usable: readonly M[], failOpen: boolean): M[] {
  const takes = (member: M) => isIn(member) || (failOpen && isFailing(member))
  const eligible = usable.filter((member) => !member.suspended || takes(member))
  const first = eligible.filter(({ backup }) => !backup)
  // One that takes only a probe is no reason to do without the backups.
  return first.some(takes) ? first : eligible
}

function isIn({ outlier }: Member): boolean {
  return outlier.state === 'in'
}

function isFailing({ outlier }: Member): boolean {
  return outlier.state !== 'in' && outlier.trouble !== 'unreachable'
}
