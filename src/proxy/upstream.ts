/**
 * State of one upstream in one worker: its endpoints, its balancer and its admission queue. It lives on while plans
 * come and go; `update` puts a new plan's entry into effect without touching what is in flight. Who is in turn stands in roster.ts.
 *
 * Invariants
 *   - of an endpoint that is probed (outliers.ts) the queue has one place; if nobody else is up, the upstream is `down` while
 *     that is taken.
 *   - the queue's concurrency is what those take at once, plus what is in flight on all others (out, draining, or picked by a
 *     sticky cookie): that holds its places until it ends and must not eat the others' share. `limit` may make it less.
 */
import type { Outcome } from '../plan/outcome.ts'
import { isOwnShortage } from '../plan/own-shortage.ts'
import type { HedgingPlan, RetriesPlan, TimeoutsPlan, UpstreamPlan } from '../plan/upstream-plan.ts'
import { Admission, type Ticket } from './admission.ts'
import { makeBalancer } from './balance/make-balancer.ts'
import type { Balanced, Balancer, Clock, Ending, RandomSource } from './balance/policy.ts'
import { Endpoint } from './endpoint.ts'
import { reasonOf } from './failure-reason.ts'
import { Hedging } from './hedging/hedging.ts'
import { isFailure, OutlierDetection } from './outliers.ts'
import type { Heard } from './overload/gradient-limit.ts'
import { UpstreamLimit } from './overload/upstream-limit.ts'
import { type Parked, Parking } from './parking.ts'
import type { Connection } from './pool.ts'
import type { RequestCounts } from './request-counts.ts'
import { mayRetry, type Replayable } from './retry.ts'
import { RetryBudget } from './retry-budget.ts'
import { Roster } from './roster.ts'
import { SlowStart } from './slow-start.ts'
import { nobody, type UpstreamListener } from './upstream-listener.ts'

/** For what need not, or must not, look at the real one. */
export interface OtherClocks {
  /** It stands still while the event loop does, so that a pause is nobody's waiting. */
  readonly queue?: Clock
  /** The real one as it was a moment ago: for what lasts seconds and is asked at each request. */
  readonly coarse?: Clock
}

/** Whether another attempt may follow; `withheld`: it might, but for the budget. */
export type RetryVerdict = 'granted' | 'refused' | 'withheld'

export class Upstream {
  readonly name: string
  readonly admission: Admission
  timeouts: TimeoutsPlan
  queueTimeoutMs: number
  retries: RetriesPlan
  readonly retryBudget: RetryBudget
  readonly limit = new UpstreamLimit()
  readonly parking = new Parking()
  /** null: off. */
  hedging: Hedging | null = null
  /** Copies of other upstreams' requests (mirror.ts): sent, not made for lack of room, failed of those sent. */
  readonly mirrored = { sent: 0, dropped: 0, failed: 0 }
  /** Second and further tries of requests, and not of WebSockets' handshakes: begun, not begun for lack of budget. Counted in tries.ts. */
  readonly retried = { sent: 0, withheld: 0 }
  /** null: no metrics are served. */
  requests: RequestCounts | null = null
  /** The balancer, the limit or the detection of outliers wants to hear how attempts end: see `observe`. */
  observing = false
  readonly #listener: UpstreamListener
  readonly #outliers: OutlierDetection<Endpoint>
  readonly #roster = new Roster<Endpoint>()
  readonly #random: RandomSource
  readonly #clock: Clock
  readonly #coarseClock: Clock
  readonly #slowStart: SlowStart
  #balancerKey = ''
  #balancer!: Balancer<Endpoint>
  #followsCookies = false
  /** Everything that has a place in the queue's arithmetic: the plan's endpoints and retired ones still at work. */
  #endpoints: Endpoint[] = []
  readonly #resizeLater = (): void => this.#resize()
  readonly #rebuildLater = (): void => {
    // What still comes for a retired upstream is to find its endpoints.
    if (!this.#gone) this.#rebuild()
  }
  readonly #lift = (usable: readonly Endpoint[]): void => this.#outliers.lift(usable)
  readonly #reconsiderLater = (): void => this.parking.reconsider()
  readonly #tellDown = (): void => {
    if (this.down) this.#listener.onDown(this)
  }
  #connectionsKey = ''
  /** Gone from the plan: what waits is worked off, then the endpoints retire. */
  #leaving = false
  #gone = false

  constructor(
    plan: UpstreamPlan,
    unhealthy: ReadonlySet<string>,
    random: RandomSource,
    clock: Clock = () => performance.now(),
    listener: UpstreamListener = nobody,
    { queue = clock, coarse = clock }: OtherClocks = {},
  ) {
    this.name = plan.name
    this.timeouts = plan.timeouts
    this.queueTimeoutMs = plan.queue.timeoutMs
    this.retries = plan.retries
    this.retryBudget = new RetryBudget(plan.retries.budget, plan.retries.minPerSecond)
    this.#random = random
    this.#clock = clock
    this.#coarseClock = coarse
    this.#slowStart = new SlowStart(
      plan.slowStartMs,
      () => this.#endpoints,
      () => this.#rebuild(),
    )
    this.#listener = listener
    this.#outliers = new OutlierDetection<Endpoint>(plan.outliers, () => this.#endpoints, clock, {
      onChange: (deferred) => (deferred ? queueMicrotask(this.#rebuildLater) : this.#rebuildLater()),
      onOut: (endpoint) => listener.onOut(this, endpoint),
      onBack: (endpoint, wasDown) => {
        if (wasDown) this.#warmUp(endpoint)
        listener.onBack(this, endpoint)
      },
    })
    this.admission = new Admission(1, plan.queue.limit, queue)
    this.update(plan, unhealthy)
  }

  /** No endpoint is up that anybody could be sent to: every request is refused before it queues. */
  get down(): boolean {
    return this.#roster.down
  }

  /** Every endpoint is ejected, but some only for their answers: those are sent everything. See outliers.ts. */
  get failingOpen(): boolean {
    return this.#roster.failingOpen
  }

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints
  }

  /** Puts a plan's entry into effect. Endpoints that stay keep their connections, counters and health. */
  update(plan: UpstreamPlan, unhealthy: ReadonlySet<string>): void {
    this.timeouts = plan.timeouts
    this.queueTimeoutMs = plan.queue.timeoutMs
    this.retries = plan.retries
    this.retryBudget.share = plan.retries.budget
    this.retryBudget.minPerSecond = plan.retries.minPerSecond
    this.admission.limit = plan.queue.limit
    this.admission.controlDelay(plan.queue.targetMs, plan.queue.intervalMs)
    const balancerKey = JSON.stringify(plan.balance)
    if (balancerKey !== this.#balancerKey) {
      this.#balancerKey = balancerKey
      this.#balancer = makeBalancer<Endpoint>(plan.balance, this.#random, this.#coarseClock)
      this.#followsCookies = this.#balancer.followsCookies === true
    }
    this.#configureHedging(plan.hedging)
    this.limit.configure(plan.concurrency)
    // What is built into undici's clients cannot change under them: other settings need other connections.
    const connectionsKey = `${plan.connections} ${plan.pipelining} ${plan.timeouts.connectMs} ${plan.timeouts.idleMs} ${JSON.stringify(plan.tls)} ${plan.proxyProtocol}`
    const kept = new Map<string, Endpoint>()
    if (connectionsKey === this.#connectionsKey) {
      for (const endpoint of this.#endpoints) if (!endpoint.retired) kept.set(endpoint.id, endpoint)
    }
    this.#connectionsKey = connectionsKey

    const previous = this.#endpoints
    const recovered: Endpoint[] = []
    const current = plan.endpoints.map((entry) => {
      const endpoint = kept.get(entry.id) ?? new Endpoint(entry, plan)
      const healthy = !unhealthy.has(entry.id)
      if (healthy && !endpoint.healthy) recovered.push(endpoint)
      endpoint.configure(entry)
      endpoint.healthy = healthy
      return endpoint
    })
    const retired = previous.filter((endpoint) => !current.includes(endpoint))
    for (const endpoint of retired) {
      endpoint.retire()
      this.#outliers.gone(endpoint)
    }
    this.#endpoints = [...current, ...retired.filter((endpoint) => endpoint.inFlight > 0)]
    this.#outliers.configure(plan.outliers)
    this.observing = this.#balancer.observe !== undefined || this.limit.learns || this.#outliers.times
    this.#slowStart.durationMs = plan.slowStartMs
    if (plan.slowStartMs === 0 || this.#balancer.steady === true) this.#slowStart.stop()
    else this.#slowStart.weigh()
    for (const endpoint of recovered) this.#warmUp(endpoint)
    this.#rebuild()
  }

  /** The upstream is gone from the plan. */
  retire(): void {
    this.#leaving = true
    if (this.admission.running === 0) this.#retireAll()
  }

  /** @returns whether the endpoint is one of this upstream's. */
  setHealth(id: string, healthy: boolean): boolean {
    const endpoint = this.#endpoints.find((candidate) => candidate.id === id && !candidate.retired)
    if (endpoint === undefined) return false
    if (healthy && !endpoint.healthy) this.#warmUp(endpoint)
    endpoint.healthy = healthy
    // A check that has just succeeded knows better than a request that failed before it.
    if (healthy) this.#outliers.checked(endpoint)
    this.#rebuild()
    return true
  }

  /**
   * Where the next attempt goes: not where the last one failed, unless nothing else is up. null: none of the others has
   * room. The attempt must begin before this turn is over. `request.setCookie` is what the answer is to carry.
   */
  pick(except: Endpoint | null, request: Balanced | null = null): Endpoint | null {
    const endpoint = this.#choose(except, request)
    // A cookie led to one that has no places of its own. Not at once: it would let in whoever waits from inside this turn.
    if (this.#followsCookies && endpoint?.inTurn === false) queueMicrotask(this.#resizeLater)
    return endpoint
  }

  #choose(except: Endpoint | null, request: Balanced | null): Endpoint | null {
    if (except !== null && this.#roster.isOnly(except)) return this.#balancer.pick(null, request)
    return this.#balancer.pick(except, request)
  }

  /**
   * The same for what takes no place here, which is a WebSocket: if nobody has room, anywhere that is up and not waiting for a
   * probe. null: there is nothing such.
   */
  pickBeside(except: Endpoint | null, request: Balanced | null = null): Endpoint | null {
    const picked = this.#choose(except, request)
    // A cookie leads a WebSocket to an endpoint that has no room, too.
    if (picked !== null && (picked.free || !picked.limited)) return picked
    const open = this.#roster.inTurn.filter(({ limited }) => !limited)
    const others = open.length > 1 ? open.filter((endpoint) => endpoint !== except) : open
    return others[Math.floor(this.#random() * others.length)] ?? null
  }

  /** A handshake begins where `pickBeside` has led. @returns whether it is the endpoint's probe, which is over with `endBeside` */
  beginBeside(endpoint: Endpoint): boolean {
    endpoint.attempts++
    const isProbe = endpoint.takeProbe()
    // The queue has one place less.
    if (isProbe) this.#resize()
    return isProbe
  }

  /** @param epoch as in `failed` */
  endBeside(endpoint: Endpoint, epoch: number): void {
    if (!endpoint.limited || epoch !== endpoint.outlier.epoch) return
    endpoint.inFlightMax = endpoint.capacity
    queueMicrotask(this.#resizeLater)
  }

  /**
   * How an attempt went, as far as its head; only where `observing`.
   * @param ms since it began
   * @param epoch as in `failed`
   * @param now on the clock that `ms` was read from: read once for both
   */
  observe(endpoint: Endpoint, ms: number, ending: Ending, epoch: number, now: number): void {
    this.#balancer.observe?.(endpoint, ms, ending, now)
    if (this.#outliers.times) this.#outliers.timed(endpoint, ms, ending, epoch)
  }

  /**
   * The same for the limit; only where it learns.
   * @param leftAt when the attempt was written, on the clock that `now` was read from
   * @param ms how long it was away
   */
  learn(verdict: Heard, leftAt: number, ms: number, now: number): void {
    if (!this.limit.ended(verdict, leftAt, ms, now, this.admission.running)) return
    // Not at once: this is inside undici, and whoever is let in may take the very connection.
    queueMicrotask(this.#resizeLater)
    this.#listener.onLimitMoved(this, now)
  }

  /** Another endpoint is in turn, and not just probed; whether or not it has room. */
  hasOther(endpoint: Endpoint): boolean {
    return this.#roster.hasOther(endpoint)
  }

  /** A second try waits here no longer, and was not sent. Its place goes to the next. */
  unpark(request: Parked, ticket: Ticket): void {
    this.parking.leave(request)
    queueMicrotask(() => this.giveBack(ticket))
  }

  /** Of a request that was admitted, and for which there is no endpoint. */
  giveBack(ticket: Ticket): void {
    this.#retireIfLast()
    this.admission.release(ticket)
  }

  /**
   * Whether another attempt may follow a failed one. Takes it out of the budget, if something had been sent.
   * @param endpoint where it failed
   * @param now null: the budget is left alone
   */
  mayRetry(
    outcome: Outcome,
    method: string,
    attempts: number,
    body: Replayable,
    now: number | null,
    endpoint: Endpoint,
  ): RetryVerdict {
    if (outcome.retry === 'elsewhere' && !this.hasOther(endpoint)) return 'refused'
    if (!mayRetry(outcome, method, attempts, body, this.retries)) return 'refused'
    const free = outcome.retry === 'unsent' || now === null
    return free || this.retryBudget.take(now) ? 'granted' : 'withheld'
  }

  /**
   * An attempt has failed by the endpoint's fault, before its head. It may be ejected for that: what waits does so for the others
   * then. The active check's verdict is another matter.
   * @param epoch of the endpoint's outlier when the attempt began
   * @param error what the system or undici said, for the log
   */
  failed(endpoint: Endpoint, outcome: Outcome, epoch: number, error?: Error): void {
    endpoint.outlier.reason = error === undefined ? outcome.code : reasonOf(error)
    if (error !== undefined && isOwnShortage(error)) return
    this.#outliers.failed(endpoint, outcome.retry === 'unsent' ? 'unreachable' : 'failing', epoch)
  }

  /** An attempt has brought an answer, which may count as a failure. @param epoch as in `failed` */
  answered(endpoint: Endpoint, status: number, epoch: number): void {
    if (isFailure(status)) {
      endpoint.outlier.reason = `answered ${status}`
      this.#outliers.failed(endpoint, 'failing', epoch)
    } else if (endpoint.outlier.troubled) this.#outliers.succeeded(endpoint, epoch)
  }

  #configureHedging(plan: HedgingPlan | undefined): void {
    if (plan !== undefined && this.hedging !== null) return this.hedging.configure(plan)
    this.hedging?.stop()
    this.hedging = plan === undefined ? null : new Hedging(plan, this.#clock)
  }

  #warmUp(endpoint: Endpoint): void {
    if (this.#balancer.steady !== true) this.#slowStart.begin(endpoint)
  }

  /**
   * An attempt has ended; its place in the queue may be released next.
   * @param epoch as in `failed`; -1: it was no probe
   */
  end(endpoint: Endpoint, connection: Connection, epoch = -1): void {
    endpoint.end(connection)
    // A probe without a verdict: the client has left, say. The next request is one, then.
    if (endpoint.limited && epoch === endpoint.outlier.epoch) endpoint.inFlightMax = endpoint.capacity
    this.#retireIfLast()
    // After `#retireAll` retired endpoints stay in turn, so that exchanges that pinned the old plan still find them.
    if (endpoint.inTurn && !endpoint.limited) {
      if (this.parking.size > 0) this.parking.roomAt(endpoint)
      return
    }
    if (endpoint.retired && endpoint.inFlight === 0) {
      this.#endpoints = this.#endpoints.filter((candidate) => candidate !== endpoint)
    }
    this.#resize()
  }

  /** The place that is given back next is the last one taken. */
  #retireIfLast(): void {
    if (this.#leaving && this.admission.waiting === 0 && this.admission.running === 1) this.#retireAll()
  }

  #retireAll(): void {
    this.#gone = true
    this.#slowStart.stop()
    this.#outliers.stop()
    this.hedging?.stop()
    for (const endpoint of this.#endpoints) endpoint.retire()
  }

  #rebuild(): void {
    const roster = this.#roster
    const { empty: wasEmpty, failingOpen: wasFailingOpen, unreachable: wasUnreachable } = roster
    roster.draw(this.#endpoints, this.#followsCookies, this.#lift)
    this.#balancer.rebuild(roster.inTurn, roster.reachable)
    this.#resize()
    if (this.parking.size > 0) queueMicrotask(this.#reconsiderLater)
    if (roster.failingOpen !== wasFailingOpen) this.#listener.onFailOpen(this, roster.failingOpen)
    if (roster.empty && !wasEmpty) queueMicrotask(this.#tellDown)
    if (roster.unreachable && !wasUnreachable) this.#listener.onUnreachable(this)
  }

  #resize(): void {
    let places = 0
    for (const endpoint of this.#endpoints) places += placesOf(endpoint)
    // With nobody in turn a cookie may still lead somewhere: one place, to find out.
    if (this.#roster.inTurn.length === 0 && !this.down) places++
    this.admission.concurrency = Math.min(places, this.limit.places)
  }
}

function placesOf({ inTurn, limited, capacity, inFlight, inFlightMax }: Endpoint): number {
  if (inTurn && !limited) return capacity
  return inTurn && inFlight < inFlightMax ? inFlight + 1 : inFlight
}
