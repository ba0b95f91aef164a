/**
 * Passive outlier detection: what requests tell of an endpoint, beside what the active checks do. As Envoy's (consecutive gateway
 * failures) and nginx's `max_fails`: so many failures in a row eject an endpoint, each time for longer, and one request is
 * the probe that may bring it back.
 *
 *              failures in a row, or a connection       time is up, or a
 *              refused while another endpoint is in     check succeeds
 *        in ───────────────────────────────────────► out ──────────────► probing
 *         ▲                                           ▲                   │   │
 *         │                                           └── it fails, too ──┘   │
 *         └───────────────── one success: 1xx to 501, 505 and above ───────────┘
 *
 * Two kinds of trouble, which are treated differently:
 *   unreachable  no connection could be made. A fact: nothing was sent, and nothing is lost by passing the endpoint over at
 *                once. It is out for 1 s, 2 s, 4 s … up to `time`, however many others are. If every endpoint is, the upstream is
 *                down: requests are refused before they queue, but for one a second, the probe.
 *   failing      reset, malformed or late, or 502, 503, 504. A judgement, which may be wrong (the requests may be to blame): only
 *                after `failures` of them, for `time`, twice `time` … up to `maxTime`, and never more than `maxOut` of the
 *                upstream. If nobody else is left, they are sent everything in spite of it (fail open).
 *
 * A failure behind the head of an answer does not count, nor a reset of a connection that had served before (the ordinary race
 * of keep-alive), nor what the client broke off.
 *
 * Invariants
 *   - a timer runs for an endpoint exactly while its state is `out`.
 *   - every change to `out` begins a new epoch; what attempts of an older one report is history and ignored.
 *   - the active check's verdict (`healthy`) is another matter: neither writes the other's.
 */
import type { OutliersPlan } from '../plan/plan.ts'
import type { Clock } from './balance/policy.ts'

export type OutlierState = 'in' | 'out' | 'probing'
export type Trouble = 'unreachable' | 'failing'

/** How long the first pause of an unreachable endpoint is, in milliseconds, and every one while nobody else is there. */
export const firstPauseMs = 1_000
/** Doubled no more often: it is far above every `maxTime`. */
const doublingsMax = 30

/** What is known of one endpoint. It lives as long as the endpoint, over reloads. */
export class Outlier {
  state: OutlierState = 'in'
  trouble: Trouble = 'failing'
  /** How the last attempt failed, for the log. */
  reason = ''
  /** In a row. */
  failures = 0
  /** Something stands against it: whether a success is worth reporting. */
  troubled = false
  /** Times that it has been ejected since the worker started. */
  ejections = 0
  epoch = 0
  /** Times in a row that it has been ejected: what the pause grows with. */
  streak = 0
  /** Of the last one, in milliseconds. */
  pauseMs = 0
  /** When it came back, on the detection's clock. */
  backAt = Number.NEGATIVE_INFINITY
  /** When the pause ends. */
  dueAt = Number.NEGATIVE_INFINITY
  timer: NodeJS.Timeout | null = null
}

/** The part of an endpoint that this reads and writes. */
export interface Suspect {
  readonly healthy: boolean
  readonly retired: boolean
  /** Requests come to it without a cookie: it has a weight and does not drain. */
  readonly inService: boolean
  readonly outlier: Outlier
}

export interface OutlierListener<S extends Suspect> {
  /** Who is in turn is another question now. `deferred`: not from inside, since a request may be let in. */
  onChange(deferred: boolean): void
  /** From `in` to `out`: not told again when its probe fails. */
  onOut(endpoint: S): void
  /** @param down it was down for longer than a moment, or failed: it should start slowly */
  onBack(endpoint: S, down: boolean): void
}

export class OutlierDetection<S extends Suspect> {
  #plan: OutliersPlan | null
  readonly #members: () => readonly S[]
  readonly #clock: Clock
  readonly #listener: OutlierListener<S>

  /**
   * @param plan null: off
   * @param members of the upstream, at any time
   */
  constructor(
    plan: OutliersPlan | null,
    members: () => readonly S[],
    clock: Clock,
    listener: OutlierListener<S>,
  ) {
    this.#plan = plan
    this.#members = members
    this.#clock = clock
    this.#listener = listener
  }

  /** The caller finds out anew who is in turn. */
  configure(plan: OutliersPlan | null): void {
    this.#plan = plan
    if (plan !== null) return
    for (const endpoint of this.#members()) {
      this.#letIn(endpoint)
      endpoint.outlier.failures = 0
      endpoint.outlier.troubled = false
    }
  }

  /** @param epoch of the endpoint when the attempt began */
  failed(endpoint: S, trouble: Trouble, epoch: number): void {
    const { outlier } = endpoint
    const plan = this.#plan
    if (plan === null || endpoint.retired || epoch !== outlier.epoch) return
    outlier.failures++
    outlier.troubled = true
    if (outlier.state === 'in' && !this.#mayGo(endpoint, trouble, plan)) return
    // It was sent something although it is out: there is nobody else.
    if (outlier.state === 'out') return
    this.#eject(endpoint, trouble, plan)
  }

  /** Called for a `troubled` endpoint only. @param epoch of the endpoint when the attempt began */
  succeeded(endpoint: S, epoch: number): void {
    const { outlier } = endpoint
    if (endpoint.retired || epoch !== outlier.epoch) return
    outlier.failures = 0
    outlier.troubled = false
    if (outlier.state === 'in') return
    this.#letIn(endpoint)
    this.#listener.onBack(endpoint, outlier.trouble === 'failing' || outlier.streak > 1)
    this.#listener.onChange(true)
  }

  /** An active check has found it healthy: it may be probed at once. The caller finds out anew who is in turn. */
  checked({ outlier }: S): void {
    if (outlier.state === 'out') this.#probe(outlier)
  }

  /**
   * Nobody is in: whoever is out for a refusal or two only is better than none.
   * @param usable those that could be sent something
   */
  lift(usable: readonly S[]): void {
    for (const endpoint of usable) {
      const { outlier } = endpoint
      const provisional = outlier.trouble === 'unreachable' && outlier.failures < (this.#plan?.failures ?? 0)
      if (outlier.state === 'in' || !provisional) continue
      this.#letIn(endpoint)
      this.#listener.onBack(endpoint, false)
    }
  }

  /** No timer goes off any more. */
  stop(): void {
    for (const { outlier } of this.#members()) stopTimer(outlier)
  }

  #mayGo(endpoint: S, trouble: Trouble, plan: OutliersPlan): boolean {
    const enough = endpoint.outlier.failures >= plan.failures
    if (trouble === 'unreachable') {
      return enough || this.#members().some((other) => other !== endpoint && isIn(other))
    }
    if (!enough) return false
    let all = 0
    let out = 1
    for (const other of this.#members()) {
      if (other.retired || !other.inService) continue
      all++
      if (other !== endpoint && !isIn(other)) out++
    }
    return out <= plan.maxOut * all
  }

  #eject(endpoint: S, trouble: Trouble, plan: OutliersPlan): void {
    const { outlier } = endpoint
    const now = this.#clock()
    const first = outlier.state === 'in'
    // One that flaps goes on where it was. In for twice as long as it was out last: begins anew.
    if (first && now - outlier.backAt > 2 * outlier.pauseMs) outlier.streak = 0
    outlier.streak++
    outlier.ejections++
    outlier.epoch++
    outlier.trouble = trouble
    outlier.state = 'out'
    const doubled = 2 ** Math.min(outlier.streak - 1, doublingsMax)
    outlier.pauseMs =
      trouble === 'unreachable'
        ? Math.min(firstPauseMs * doubled, plan.timeMs)
        : Math.min(plan.timeMs * doubled, plan.maxTimeMs)
    this.#pause(outlier, outlier.pauseMs, now)
    if (first) this.#listener.onOut(endpoint)
    if (!this.#members().some(isIn)) this.#hurry(now)
    this.#listener.onChange(false)
  }

  /** Nobody is in: those that refused are looked at every second. */
  #hurry(now: number): void {
    for (const { outlier, retired } of this.#members()) {
      if (retired || outlier.state !== 'out' || outlier.trouble !== 'unreachable') continue
      if (outlier.dueAt - now > firstPauseMs) this.#pause(outlier, firstPauseMs, now)
    }
  }

  #pause(outlier: Outlier, ms: number, now: number): void {
    stopTimer(outlier)
    outlier.dueAt = now + ms
    outlier.timer = setTimeout(() => {
      this.#probe(outlier)
      this.#listener.onChange(false)
    }, ms).unref()
  }

  #probe(outlier: Outlier): void {
    stopTimer(outlier)
    outlier.state = 'probing'
  }

  #letIn({ outlier }: S): void {
    stopTimer(outlier)
    if (outlier.state === 'in') return
    outlier.state = 'in'
    outlier.backAt = this.#clock()
  }
}

/** Whether an answer counts as one: nobody behind the endpoint was there for it, or had the time. */
export function isFailure(status: number): boolean {
  return status >= 502 && status <= 504
}

function isIn({ healthy, retired, inService, outlier }: Suspect): boolean {
  return healthy && !retired && inService && outlier.state === 'in'
}

function stopTimer(outlier: Outlier): void {
  if (outlier.timer !== null) clearTimeout(outlier.timer)
  outlier.timer = null
}
