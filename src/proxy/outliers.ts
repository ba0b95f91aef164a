/**
 * Passive outlier detection: what requests tell of an endpoint, beside what the active checks do. As Envoy's (consecutive gateway
 * failures) and nginx's `max_fails`: so many failures in a row eject an endpoint, each time for longer, and one request is
 * the probe that may bring it back.
 *
 *              failures in a row, or a connection       time is up, or checks
 *              refused while another endpoint is in     find it healthy again
 *        in ───────────────────────────────────────► out ──────────────► probing
 *         ▲                                           ▲                   │   │
 *         │                                           └── it fails, too ──┘   │
 *         └───────────────── one success: 1xx to 501, 505 and above ───────────┘
 *
 * Three kinds of trouble, which are treated differently:
 *   unreachable  no connection could be made. A fact: nothing was sent, and nothing is lost by passing the endpoint over at
 *                once. It is out for 1 s, 2 s, 4 s … up to `time`, however many others are. If every endpoint is, the upstream is
 *                down: requests are refused before they queue, but for one a second, the probe.
 *   failing      reset, malformed or late, or 502, 503, 504. A judgement, which may be wrong (the requests may be to blame): only
 *                after `failures` of them, for `time`, twice `time` … up to `maxTime`, and never more than `maxOut` of the
 *                upstream. If nobody else is left, they are sent everything in spite of it (fail open).
 *   slow         where `slowFactor` is set: its typical latency is so many times that of the others. A judgement like `failing`;
 *                its probe has to be quicker than that, and as one answer is little to go by, it is judged sooner from then on.
 *                What all have in common, slow requests or a slow database, raises what they are compared with, and ejects nobody.
 *
 * A failure behind the head of an answer does not count, nor a reset of a connection that had served before (the ordinary race
 * of keep-alive), nor what the client broke off.
 *
 * Invariants
 *   - a timer runs for an endpoint exactly while its state is `out` and it is in the plan.
 *   - every change to `out` begins a new epoch; what attempts of an older one report is history and ignored.
 *   - the active check's verdict (`healthy`) is another matter: neither writes the other's.
 */
import type { OutliersPlan } from '../plan/upstream-plan.ts'
import type { Clock, Ending } from './balance/policy.ts'
import { judgedEvery, judgedSoonAfter, TypicalLatency } from './typical-latency.ts'

export type OutlierState = 'in' | 'out' | 'probing'
export type Trouble = 'unreachable' | 'failing' | 'slow'

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
  /** Stops the timer that is to end the pause. */
  cancel: Cancel | null = null
  /** Since it came last. Kept only where `slowFactor` is set. */
  readonly typical = new TypicalLatency()
  /** How many times slower than the others it was when that ejected it. */
  slowness = Number.NaN
}

type Cancel = () => void
/** Runs something once, after so many milliseconds. */
export type Later = (run: () => void, ms: number) => Cancel

const onTimer: Later = (run, ms) => {
  const timer = setTimeout(run, ms).unref()
  return () => clearTimeout(timer)
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
  readonly #later: Later

  /**
   * @param plan null: off
   * @param members of the upstream, at any time
   */
  constructor(
    plan: OutliersPlan | null,
    members: () => readonly S[],
    clock: Clock,
    listener: OutlierListener<S>,
    later: Later = onTimer,
  ) {
    this.#plan = plan
    this.#members = members
    this.#clock = clock
    this.#listener = listener
    this.#later = later
  }

  /** Latencies are judged: `timed` is to be told of them. */
  get times(): boolean {
    return this.#plan !== null && this.#plan.slowFactor !== null
  }

  /** The caller finds out anew who is in turn. */
  configure(plan: OutliersPlan | null): void {
    this.#plan = plan
    if (!this.times) for (const { outlier } of this.#members()) outlier.typical.forget()
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

  /**
   * How long an attempt took to its head, or until it was given up without one. Told before `succeeded` is. A fast error is not
   * fast, and is not looked at.
   * @param epoch of the endpoint when the attempt began
   */
  timed(endpoint: S, ms: number, ending: Ending, epoch: number): void {
    const { outlier } = endpoint
    const { typical } = outlier
    const plan = this.#plan
    if (plan === null || plan.slowFactor === null) return
    if (ending === 'failed' || endpoint.retired || epoch !== outlier.epoch) return
    // It would have taken longer still. How much is unknown, so that it can raise what is known, not lower it.
    if (ending === 'given-up' && !(ms > typical.ms)) return
    const isIn = outlier.state === 'in'
    if (isIn) typical.add(ms)
    if (isIn ? !typical.due : outlier.state === 'out' || outlier.trouble !== 'slow') return
    outlier.slowness = (isIn ? typical.ms : ms) / this.#typicalBeside(endpoint)
    if (!(outlier.slowness > plan.slowFactor)) return
    if (!isIn || this.#mayGo(endpoint, 'slow', plan)) this.#eject(endpoint, 'slow', plan)
  }

  /** Called for a `troubled` endpoint only. @param epoch of the endpoint when the attempt began */
  succeeded(endpoint: S, epoch: number): void {
    const { outlier } = endpoint
    if (endpoint.retired || epoch !== outlier.epoch) return
    outlier.failures = 0
    outlier.troubled = false
    if (outlier.state === 'in') return
    this.#letIn(endpoint)
    this.#listener.onBack(endpoint, outlier.trouble !== 'unreachable' || outlier.streak > 1)
    this.#listener.onChange(true)
  }

  /** An active check has found it healthy: it may be probed at once. The caller finds out anew who is in turn. */
  checked({ outlier }: S): void {
    outlier.typical.forget()
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

  /** It has left the plan: its timer would change the others' turns for nothing. */
  gone({ outlier }: S): void {
    stopTimer(outlier)
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
    if (trouble === 'failing' && !enough) return false
    let all = 0
    let out = 1
    for (const other of this.#members()) {
      if (other.retired || !other.inService) continue
      all++
      if (other !== endpoint && !isIn(other)) out++
    }
    return out <= plan.maxOut * all
  }

  /** The median of the others, the lower one of two; NaN where none is known. Milliseconds. */
  #typicalBeside(endpoint: S): number {
    const known: number[] = []
    for (const other of this.#members()) {
      const { typical } = other.outlier
      if (other !== endpoint && isIn(other) && typical.samples >= judgedEvery) known.push(typical.ms)
    }
    known.sort((a, b) => a - b)
    return known[(known.length - 1) >> 1] ?? Number.NaN
  }

  #eject(endpoint: S, trouble: Trouble, plan: OutliersPlan): void {
    const { outlier } = endpoint
    const now = this.#clock()
    outlier.troubled = true
    outlier.typical.forget(trouble === 'slow' ? judgedSoonAfter : judgedEvery)
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
    outlier.cancel = this.#later(() => {
      this.#probe(outlier)
      this.#listener.onChange(false)
    }, ms)
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
  outlier.cancel?.()
  outlier.cancel = null
}
