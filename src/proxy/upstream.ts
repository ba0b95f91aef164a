/**
 * State of one upstream in one worker: its endpoints, its balancer and its admission queue. It lives on while plans
 * come and go; `update` puts a new plan's entry into effect without touching what is in flight.
 *
 * Invariants
 *   - `inTurn` holds the endpoints that the balancer chooses from, in the plan's order: those that are available, have a
 *     weight and do not drain; backups only if there are no others. Rebuilt on change, never per request.
 *   - the queue's concurrency is what those take at once, plus what is in flight on all others (out, draining, or picked by a
 *     sticky cookie): that holds its places until it ends and must not eat the others' share. `limit` may make it less.
 */
import type { Outcome } from '../plan/outcome.ts'
import type { RetriesPlan, TimeoutsPlan, UpstreamPlan } from '../plan/plan.ts'
import { Admission } from './admission.ts'
import { makeBalancer } from './balance/make-balancer.ts'
import type { Balanced, Balancer, Clock, Ending, RandomSource } from './balance/policy.ts'
import { Endpoint } from './endpoint.ts'
import type { Verdict } from './overload/gradient-limit.ts'
import { UpstreamLimit } from './overload/upstream-limit.ts'
import type { Connection } from './pool.ts'
import { mayRetry, type Replayable } from './retry.ts'
import { RetryBudget } from './retry-budget.ts'
import { SlowStart } from './slow-start.ts'

/** How long an endpoint that refused is passed over. nginx's default is ten times that; here a retry costs little. */
const suspensionMs = 1_000
/** A refusal so soon after a suspension makes an outage of it. */
const sameOutageMs = 2_000

export class Upstream {
  readonly name: string
  readonly admission: Admission
  timeouts: TimeoutsPlan
  queueTimeoutMs: number
  retries: RetriesPlan
  readonly retryBudget: RetryBudget
  readonly limit = new UpstreamLimit()
  /** Told of each move of a limit that is learned. Whoever listens sets it. */
  limitMoved: ((upstream: Upstream, now: number) => void) | null = null
  /** The balancer or the limit wants to hear how attempts end: see `observe`. */
  observing = false
  /** No endpoint is up that anybody could be sent to: every request is refused before it queues. */
  down = true
  readonly #random: RandomSource
  readonly #clock: Clock
  readonly #slowStart: SlowStart
  #balancerKey = ''
  #balancer!: Balancer<Endpoint>
  #followsCookies = false
  /** Everything that has a place in the queue's arithmetic: the plan's endpoints and retired ones still at work. */
  #endpoints: Endpoint[] = []
  #inTurn: Endpoint[] = []
  readonly #resizeLater = (): void => this.#resize()
  #connectionsKey = ''
  /** Gone from the plan: what waits is worked off, then the endpoints retire. */
  #leaving = false

  constructor(
    plan: UpstreamPlan,
    unhealthy: ReadonlySet<string>,
    random: RandomSource,
    clock: Clock = () => performance.now(),
    queueClock: Clock = clock,
  ) {
    this.name = plan.name
    this.timeouts = plan.timeouts
    this.queueTimeoutMs = plan.queue.timeoutMs
    this.retries = plan.retries
    this.retryBudget = new RetryBudget(plan.retries.budget, plan.retries.minPerSecond)
    this.#random = random
    this.#clock = clock
    this.#slowStart = new SlowStart(
      plan.slowStartMs,
      () => this.#endpoints,
      () => this.#rebuild(),
    )
    this.admission = new Admission(1, plan.queue.limit, queueClock)
    this.update(plan, unhealthy)
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
      this.#balancer = makeBalancer<Endpoint>(plan.balance, this.#random, this.#clock)
      this.#followsCookies = this.#balancer.followsCookies === true
    }
    this.limit.configure(plan.concurrency)
    this.observing = this.#balancer.observe !== undefined || this.limit.learns
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
    for (const endpoint of retired) endpoint.retire()
    this.#endpoints = [...current, ...retired.filter((endpoint) => endpoint.inFlight > 0)]
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
    if (healthy) endpoint.liftSuspension()
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
    if (except !== null && this.#inTurn.length === 1 && this.#inTurn[0] === except) {
      return this.#balancer.pick(null, request)
    }
    return this.#balancer.pick(except, request)
  }

  /**
   * The same for what takes no place here, which is a WebSocket: if nobody has room, anywhere that is up. null: nothing is
   * up.
   */
  pickBeside(except: Endpoint | null, request: Balanced | null = null): Endpoint | null {
    const inTurn = this.#inTurn
    return this.#choose(except, request) ?? inTurn[Math.floor(this.#random() * inTurn.length)] ?? null
  }

  /** How an attempt went, as far as its head; only where `observing`. @param ms since it began */
  observe(endpoint: Endpoint, ms: number, ending: Ending, verdict: Verdict = 'ignore'): void {
    this.#balancer.observe?.(endpoint, ms, ending)
    if (!this.limit.learns) return
    const now = this.#clock()
    if (!this.limit.ended(verdict, ms, now, this.admission.running)) return
    // Not at once: this is inside undici, and whoever is let in may take the very connection.
    queueMicrotask(this.#resizeLater)
    this.limitMoved?.(this, now)
  }

  /**
   * Whether another attempt may follow a failed one. Takes it out of the budget, if something had been sent.
   * @param now null: the budget is left alone
   */
  mayRetry(
    outcome: Outcome,
    method: string,
    attempts: number,
    body: Replayable,
    now: number | null,
  ): boolean {
    if (!mayRetry(outcome, method, attempts, body, this.retries)) return false
    return outcome.retry === 'unsent' || now === null || this.retryBudget.take(now)
  }

  /**
   * Passes an endpoint that refused a connection over for a second. Its places leave the queue's arithmetic, so what waits
   * does so for the others. Without effect on the last one that is up. The active check's verdict is another matter.
   *
   * One refusal may be a full backlog. Only if the next comes as soon as it may, the endpoint was down and starts slowly.
   */
  suspend(endpoint: Endpoint): void {
    if (endpoint.suspended || endpoint.retired) return
    if (!this.#endpoints.some((other) => other !== endpoint && other.eligible)) return
    const wasDown = endpoint.warmth < 100 || this.#clock() < endpoint.suspectUntil
    endpoint.suspend(suspensionMs, () => {
      // What still comes for a retired upstream is to find its endpoints.
      if (endpoint.retired) return
      endpoint.suspectUntil = this.#clock() + sameOutageMs
      if (wasDown) this.#warmUp(endpoint)
      this.#rebuild()
    })
    this.#rebuild()
  }

  #warmUp(endpoint: Endpoint): void {
    if (this.#balancer.steady !== true) this.#slowStart.begin(endpoint)
  }

  /** An attempt has ended; its place in the queue may be released next. */
  end(endpoint: Endpoint, connection: Connection): void {
    endpoint.end(connection)
    // This attempt's place is the last one taken.
    if (this.#leaving && this.admission.waiting === 0 && this.admission.running === 1) this.#retireAll()
    if (endpoint.inTurn && !endpoint.retired) return
    if (endpoint.retired && endpoint.inFlight === 0) {
      this.#endpoints = this.#endpoints.filter((candidate) => candidate !== endpoint)
    }
    this.#resize()
  }

  #retireAll(): void {
    // As after a suspension, nothing is to be rebuilt any more.
    this.#slowStart.stop()
    for (const endpoint of this.#endpoints) endpoint.retire()
  }

  #rebuild(): void {
    let inTurn = this.#whoIsInTurn()
    if (inTurn.length === 0) {
      // The others have gone: better one that failed a moment ago than none.
      for (const endpoint of this.#endpoints) endpoint.liftSuspension()
      inTurn = this.#whoIsInTurn()
    }
    for (const endpoint of this.#endpoints) endpoint.inTurn = false
    for (const endpoint of inTurn) endpoint.inTurn = true
    const reachable = this.#endpoints.filter((endpoint) => endpoint.available)
    this.#inTurn = inTurn
    this.down = (this.#followsCookies ? reachable : inTurn).length === 0
    this.#balancer.rebuild(inTurn, reachable)
    this.#resize()
  }

  #whoIsInTurn(): Endpoint[] {
    const eligible = this.#endpoints.filter((endpoint) => endpoint.eligible)
    const first = eligible.filter(({ backup }) => !backup)
    return first.length > 0 ? first : eligible
  }

  #resize(): void {
    let places = 0
    for (const endpoint of this.#endpoints) places += endpoint.inTurn ? endpoint.capacity : endpoint.inFlight
    // With nobody in turn a cookie may still lead somewhere: one place, to find out.
    if (this.#inTurn.length === 0 && !this.down) places++
    this.admission.concurrency = Math.min(places, this.limit.places)
  }
}
