/**
 * The active health checks of a plan: a watch per endpoint, each with its own rhythm.
 *
 * Invariants:
 * - A watch always has exactly one of: a timer for its next check, a check under way. So checks of one endpoint
 *   never overlap, and none waits for another's.
 * - A verdict counts only if its check is still the watch's own; a cancelled check's verdict is dropped. So is one that
 *   says nothing of the endpoint: it neither continues nor breaks off a row of others.
 * - `onChange` is called once per change of an endpoint's state, after the next check is scheduled, so that it may
 *   call `update` or `stop`.
 */
import { isDeepStrictEqual } from 'node:util'
import type { EndpointPlan, HealthPlan, UpstreamPlan } from '../../plan/upstream-plan.ts'
import { type Probe, probe, type Verdict } from './probe.ts'
import { EndpointHealth } from './verdicts.ts'

/** An endpoint went out or came back. */
export interface HealthChange {
  /** EndpointPlan.id. */
  readonly id: string
  readonly upstream: string
  readonly origin: string
  readonly healthy: boolean
  /** Why it is out, for a person. null when checks brought it back. */
  readonly reason: string | null
  /** Verdicts in a row that led here; 0 when no check did, but the checks were turned off. */
  readonly consecutive: number
}

export interface HealthCheckerOptions {
  /** Called once per change; the caller logs it and tells the workers. */
  readonly onChange: (change: HealthChange) => void
  readonly probe?: Probe
  /** From 0 to below 1. */
  readonly random?: () => number
  readonly setTimer?: (callback: () => void, ms: number) => unknown
  readonly clearTimer?: (timer: unknown) => void
}

/**
 * Share of the pause by which it varies, up and down. Checks begun together (at the start, at a reload, by several
 * Weirs in front of the same origins) would otherwise stay in step for ever and hit an origin as a herd.
 */
const jitter = 0.2

/** First checks are spread over this many milliseconds, or over the interval if that is shorter. */
const firstSpreadMs = 250

/** While the state is changing the next check comes no sooner than this: less would ask the same hiccup twice. */
const fastMinimumMs = 500

/** setTimeout fires at once when it is asked for more. */
const maxTimerMs = 2 ** 31 - 1

/** How endpoints are connected to. */
type Access = Pick<UpstreamPlan, 'tls' | 'proxyProtocol'>

interface Watch {
  readonly id: string
  readonly upstream: string
  readonly origin: string
  readonly state: EndpointHealth
  plan: HealthPlan
  access: Access
  timer: unknown
  check: AbortController | null
}

export class HealthChecker {
  readonly #watches = new Map<string, Watch>()
  readonly #onChange: (change: HealthChange) => void
  readonly #probe: Probe
  readonly #random: () => number
  readonly #setTimer: (callback: () => void, ms: number) => unknown
  readonly #clearTimer: (timer: unknown) => void

  constructor(options: HealthCheckerOptions) {
    this.#onChange = options.onChange
    this.#probe = options.probe ?? probe
    this.#random = options.random ?? Math.random
    this.#setTimer = options.setTimer ?? setTimeout
    this.#clearTimer = options.clearTimer ?? ((timer) => clearTimeout(timer as NodeJS.Timeout))
  }

  /**
   * Puts a plan's checks into effect, at the start and at each reload. Endpoints are known by their id: those that
   * stay keep their state and, if their HealthPlan is the same, their rhythm (so that frequent reloads do not keep
   * putting checks off); new ones begin healthy and are checked soon; the others are forgotten. An endpoint whose
   * checks are turned off while it is out counts as healthy from now on, which is a change.
   */
  update(upstreams: readonly UpstreamPlan[]): void {
    const left = new Map(this.#watches)
    const changes: HealthChange[] = []
    for (const { name, health, tls, proxyProtocol, endpoints } of upstreams) {
      const access = { ...(tls && { tls }), ...(proxyProtocol && { proxyProtocol }) }
      for (const endpoint of endpoints) {
        const watch = left.get(endpoint.id)
        if (health === null) {
          if (watch !== undefined && !watch.state.healthy) changes.push(turnedOff(watch))
          continue
        }
        left.delete(endpoint.id)
        if (watch === undefined) this.#begin(name, endpoint, health, access)
        else if (!sameChecks(watch.plan, health) || !isDeepStrictEqual(watch.access, access))
          this.#replan(watch, health, access)
      }
    }
    for (const watch of left.values()) this.#forget(watch)
    for (const change of changes) this.#onChange(change)
  }

  /** Ends all checks, forgets all states and leaves no timer and no socket behind. */
  stop(): void {
    for (const watch of this.#watches.values()) this.#forget(watch)
  }

  /** Ids of the endpoints that are out at this moment. */
  unhealthy(): string[] {
    return [...this.#watches.values()].filter((watch) => !watch.state.healthy).map((watch) => watch.id)
  }

  #begin(upstream: string, endpoint: EndpointPlan, plan: HealthPlan, access: Access): void {
    const { id, origin } = endpoint
    const watch: Watch = {
      id,
      upstream,
      origin,
      state: new EndpointHealth(),
      plan,
      access,
      timer: null,
      check: null,
    }
    this.#watches.set(id, watch)
    this.#scheduleFirst(watch)
  }

  /** What was under way asked by the old plan, so its answer says nothing about the new one. */
  #replan(watch: Watch, plan: HealthPlan, access: Access): void {
    this.#cancel(watch)
    watch.plan = plan
    watch.access = access
    this.#scheduleFirst(watch)
  }

  #forget(watch: Watch): void {
    this.#cancel(watch)
    this.#watches.delete(watch.id)
  }

  #cancel(watch: Watch): void {
    if (watch.timer !== null) this.#clearTimer(watch.timer)
    watch.timer = null
    watch.check?.abort()
    watch.check = null
  }

  #scheduleFirst(watch: Watch): void {
    this.#schedule(watch, Math.min(firstSpreadMs, watch.plan.intervalMs) * this.#random())
  }

  /** The interval is the pause from the end of one check to the beginning of the next, so slow answers cost no more. */
  #scheduleNext(watch: Watch): void {
    const { intervalMs } = watch.plan
    const pauseMs = watch.state.changing ? fastIntervalMs(intervalMs) : intervalMs
    this.#schedule(watch, pauseMs * (1 - jitter + 2 * jitter * this.#random()))
  }

  #schedule(watch: Watch, ms: number): void {
    watch.timer = this.#setTimer(() => this.#check(watch), Math.min(Math.round(ms), maxTimerMs))
  }

  #check(watch: Watch): void {
    const check = new AbortController()
    watch.timer = null
    watch.check = check
    const { path, timeoutMs } = watch.plan
    this.#probe({ origin: watch.origin, ...watch.access, path, timeoutMs }, check.signal).then((verdict) => {
      if (watch.check === check) this.#conclude(watch, verdict)
    })
  }

  #conclude(watch: Watch, verdict: Verdict): void {
    watch.check = null
    const changed = verdict.healthy !== null && watch.state.observe(verdict.healthy, watch.plan)
    this.#scheduleNext(watch)
    if (!changed) return
    const { id, upstream, origin, state } = watch
    const reason = verdict.healthy ? null : verdict.reason
    this.#onChange({ id, upstream, origin, healthy: state.healthy, reason, consecutive: state.streak })
  }
}

/**
 * The pause while the state is changing: a quarter of the interval, so that a dead endpoint with the defaults
 * (10 s, 3 failures) is out some 5 s after the first failure and not 20 s. A relation rather than a setting of its own
 * (HAProxy's `fastinter`), so that whoever asks for rare checks gets rare checks; and never slower than the interval.
 */
function fastIntervalMs(intervalMs: number): number {
  return Math.min(intervalMs, Math.max(fastMinimumMs, intervalMs / 4))
}

function turnedOff({ id, upstream, origin }: Watch): HealthChange {
  return { id, upstream, origin, healthy: true, reason: 'its health checks were turned off', consecutive: 0 }
}

function sameChecks(a: HealthPlan, b: HealthPlan): boolean {
  return (
    a.path === b.path &&
    a.intervalMs === b.intervalMs &&
    a.timeoutMs === b.timeoutMs &&
    a.unhealthyAfter === b.unhealthyAfter &&
    a.healthyAfter === b.healthyAfter
  )
}
