/**
 * State of one upstream in one worker: its endpoints, its balancer and its admission queue. It lives on while plans
 * come and go; `update` puts a new plan's entry into effect without touching what is in flight.
 *
 * Invariants
 *   - `available` holds the endpoints that may be picked, in the plan's order; rebuilt on change, never per request.
 *   - the queue's concurrency is what the available endpoints take at once, plus what is still in flight on endpoints
 *     that are no longer available: those hold their places until they end and must not eat the others' share.
 */
import type { Outcome } from '../plan/outcome.ts'
import type { BalancePolicy, RetriesPlan, TimeoutsPlan, UpstreamPlan } from '../plan/plan.ts'
import { Admission } from './admission.ts'
import { makeBalancer } from './balance/make-balancer.ts'
import type { Balancer, RandomSource } from './balance/policy.ts'
import { Endpoint } from './endpoint.ts'
import type { Connection } from './pool.ts'
import { mayRetry, type Replayable } from './retry.ts'
import { RetryBudget } from './retry-budget.ts'

/** How long an endpoint that refused is passed over. nginx's default is ten times that; here a retry costs little. */
const suspensionMs = 1_000

export class Upstream {
  readonly name: string
  readonly admission: Admission
  timeouts: TimeoutsPlan
  queueTimeoutMs: number
  retries: RetriesPlan
  readonly retryBudget: RetryBudget
  readonly #random: RandomSource
  #policy: BalancePolicy
  #balancer: Balancer<Endpoint>
  /** Everything that has a place in the queue's arithmetic: the plan's endpoints and retired ones still at work. */
  #endpoints: Endpoint[] = []
  #available: Endpoint[] = []
  #connectionsKey = ''
  /** Gone from the plan: what waits is worked off, then the endpoints retire. */
  #leaving = false

  constructor(plan: UpstreamPlan, unhealthy: ReadonlySet<string>, random: RandomSource) {
    this.name = plan.name
    this.timeouts = plan.timeouts
    this.queueTimeoutMs = plan.queue.timeoutMs
    this.retries = plan.retries
    this.retryBudget = new RetryBudget(plan.retries.budget, plan.retries.minPerSecond)
    this.#random = random
    this.#policy = plan.balance
    this.#balancer = makeBalancer(plan.balance, random)
    this.admission = new Admission(1, plan.queue.limit)
    this.update(plan, unhealthy)
  }

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints
  }

  /** No endpoint is up: every request is refused before it queues. */
  get down(): boolean {
    return this.#available.length === 0
  }

  /** Puts a plan's entry into effect. Endpoints that stay keep their connections, counters and health. */
  update(plan: UpstreamPlan, unhealthy: ReadonlySet<string>): void {
    this.timeouts = plan.timeouts
    this.queueTimeoutMs = plan.queue.timeoutMs
    this.retries = plan.retries
    this.retryBudget.share = plan.retries.budget
    this.retryBudget.minPerSecond = plan.retries.minPerSecond
    this.admission.limit = plan.queue.limit
    if (plan.balance !== this.#policy) {
      this.#policy = plan.balance
      this.#balancer = makeBalancer(plan.balance, this.#random)
    }
    // What is built into undici's clients cannot change under them: other settings need other connections.
    const connectionsKey = `${plan.connections} ${plan.pipelining} ${plan.timeouts.connectMs} ${plan.timeouts.idleMs} ${JSON.stringify(plan.tls)} ${plan.proxyProtocol}`
    const kept = new Map<string, Endpoint>()
    if (connectionsKey === this.#connectionsKey) {
      for (const endpoint of this.#endpoints) if (!endpoint.retired) kept.set(endpoint.id, endpoint)
    }
    this.#connectionsKey = connectionsKey

    const previous = this.#endpoints
    const current = plan.endpoints.map((entry) => {
      const endpoint = kept.get(entry.id) ?? new Endpoint(entry, plan)
      endpoint.weight = entry.weight
      endpoint.healthy = !unhealthy.has(entry.id)
      return endpoint
    })
    const retired = previous.filter((endpoint) => !current.includes(endpoint))
    for (const endpoint of retired) endpoint.retire()
    this.#endpoints = [...current, ...retired.filter((endpoint) => endpoint.inFlight > 0)]
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
    endpoint.healthy = healthy
    // A check that has just succeeded knows better than a request that failed before it.
    if (healthy) endpoint.liftSuspension()
    this.#rebuild()
    return true
  }

  /**
   * Where the next attempt goes: not where the last one failed, unless nothing else is up. null: none of the others has
   * room.
   */
  pick(except: Endpoint | null): Endpoint | null {
    return this.#balancer.pick(this.#available.length === 1 ? null : except)
  }

  /**
   * The same for what takes no place here, which is a WebSocket: if nobody has room, anywhere that is up. null: nothing is
   * up.
   */
  pickBeside(except: Endpoint | null): Endpoint | null {
    const available = this.#available
    return this.pick(except) ?? available[Math.floor(this.#random() * available.length)] ?? null
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
   */
  suspend(endpoint: Endpoint): void {
    if (endpoint.suspended || endpoint.retired || this.#available.length < 2) return
    endpoint.suspend(suspensionMs, () => this.#rebuild())
    this.#rebuild()
  }

  /** An attempt has ended; its place in the queue may be released next. */
  end(endpoint: Endpoint, connection: Connection): void {
    endpoint.end(connection)
    // This attempt's place is the last one taken.
    if (this.#leaving && this.admission.waiting === 0 && this.admission.running === 1) this.#retireAll()
    if (endpoint.available) return
    if (endpoint.retired && endpoint.inFlight === 0) {
      this.#endpoints = this.#endpoints.filter((candidate) => candidate !== endpoint)
    }
    this.#resize()
  }

  #retireAll(): void {
    for (const endpoint of this.#endpoints) endpoint.retire()
  }

  #rebuild(): void {
    this.#available = this.#endpoints.filter((endpoint) => endpoint.available)
    if (this.#available.length === 0) {
      // The others have gone: better one that failed a moment ago than none.
      for (const endpoint of this.#endpoints) endpoint.liftSuspension()
      this.#available = this.#endpoints.filter((endpoint) => endpoint.available)
    }
    this.#balancer.rebuild(this.#available)
    this.#resize()
  }

  #resize(): void {
    let places = 0
    for (const endpoint of this.#endpoints) {
      places += endpoint.available ? endpoint.capacity : endpoint.inFlight
    }
    this.admission.concurrency = places
  }
}
