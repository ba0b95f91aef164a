/**
 * What an attempt shows of its endpoint. Its upstream is told: the balancer and the limit that learns how long it took, the detection of
 * outliers how it went. A part of the attempt: `beginAt` sets it anew, and `resetEvidence` undoes what must not outlive it.
 *
 * Invariants
 *   - whatever is told belongs to the epoch of the endpoint's outlier in which the attempt began.
 *   - how long it took is told once, or not at all; then `begunAt` is NaN.
 *   - an endpoint is not blamed for what it has not had in its hands: a request that waits for its turn on the connection, a client that
 *     does not read, a defect here, be it another request's on the same connection.
 */
import { type Outcome, outcomes } from '../plan/outcome.ts'
import type { Ending } from './balance/policy.ts'
import type { Departures } from './departures.ts'
import type { Endpoint } from './endpoint.ts'
import { isFailure } from './outliers.ts'
import type { Verdict } from './overload/gradient-limit.ts'
import type { Connection } from './pool.ts'
import type { Upstream } from './upstream.ts'

export abstract class Evidence {
  endpoint: Endpoint | null = null
  /** onConnect has been called. Until then provably nothing was sent. */
  started = false
  /** Its connection had served others before: that it ends now is the ordinary race of keep-alive, and no outage. */
  reused = false
  leftAt = Number.NaN
  protected upstream: Upstream | null = null
  protected connection: Connection | null = null
  /** It is the single probe of an ejected endpoint: its result does not teach the upstream's limit. */
  protected probe = false
  /** `endpoint.outlier.epoch` when this began: results from an older one are ignored. */
  protected epoch = 0
  /** Milliseconds on the clock of the turns, while its upstream waits for word of this attempt; otherwise NaN. */
  protected begunAt = Number.NaN
  /** It is being given up since it has taken too long: the endpoint's doing, as far as anybody knows. */
  #overdue = false
  readonly #clock: Departures['clock']

  /** @param clock of the turns of the event loop */
  constructor(clock: Departures['clock']) {
    this.#clock = clock
  }

  /** The attempt begins. @param pipelined its connection may be one that others are on, too */
  protected beginAt(upstream: Upstream, endpoint: Endpoint, fresh: boolean, pipelined: boolean): Connection {
    this.upstream = upstream
    this.endpoint = endpoint
    if (upstream.observing) this.leftAt = this.begunAt = this.#clock.now
    this.epoch = endpoint.outlier.epoch
    this.probe = endpoint.limited
    const connection = endpoint.begin(fresh, pipelined)
    this.connection = connection
    this.reused = connection.served > 0
    return connection
  }

  /**
   * It has taken too long, and has no head. The endpoint is blamed for that, unless this waits behind others, on a connection that stands:
   * for its turn, while another one is answered, or for the client of that. The caller cancels it.
   */
  expire(): Outcome {
    const outcome = this.started ? outcomes.headersTimeout : outcomes.connectTimeout
    const { connected, reader } = this.connection as Connection
    // Without a head this is not the reader itself.
    if (this.started ? reader !== null : connected) this.begunAt = Number.NaN
    else {
      this.#overdue = true
      this.#blame(outcome)
    }
    return outcome
  }

  /** A head has come. @param awaited somebody still waits for it */
  protected answered(status: number, awaited: boolean): void {
    if (this.begunAt > 0) this.#observed(status < 500 ? 'answered' : 'failed', this.#verdict(status, awaited))
    ;(this.upstream as Upstream).answered(this.endpoint as Endpoint, status, this.epoch)
  }

  /**
   * It has ended in this way.
   * @param awaited somebody still waited for it
   * @param headSeen and has been given its head
   */
  protected failed(outcome: Outcome, error: Error, awaited: boolean, headSeen: boolean): void {
    // A connection that was given up here takes all that is on it along, those that are waited for too where a defect was the reason.
    const telling = awaited && !(this.connection as Connection).aborted
    if (this.begunAt > 0) this.#brokenOff(outcome, telling)
    if (telling && !headSeen) this.#blame(outcome, error)
  }

  /**
   * For the detection of outliers: the attempt has ended in this way. A kept connection that turns out closed is no failure, and
   * one connection that breaks is one, whatever was pipelined on it.
   */
  #blame(outcome: Outcome, error?: Error): void {
    if (outcome.fault !== 'endpoint' || (this.reused && outcome === outcomes.endpointReset)) return
    if (outcome.retry !== 'unsent') {
      const connection = this.connection as Connection
      if (connection.blamed) return
      connection.blamed = true
    }
    ;(this.upstream as Upstream).failed(this.endpoint as Endpoint, outcome, this.epoch, error)
  }

  #observed(ending: Ending, verdict: Verdict): void {
    const upstream = this.upstream as Upstream
    const { now } = this.#clock
    const ms = now - this.begunAt
    this.begunAt = Number.NaN
    upstream.observe(this.endpoint as Endpoint, ms, ending, this.epoch, now)
    if (this.probe || verdict === 'ignore' || !upstream.limit.learns) return
    upstream.learn(verdict, this.leftAt, this.#clock.awayMs(this.leftAt, now), now)
  }

  /** What a head says to a limit that learns. Where nobody waits for it any more, the client's leaving is not to teach it. */
  #verdict(status: number, awaited: boolean): Verdict {
    if (this.#overdue || isFailure(status)) return 'drop'
    return awaited ? 'success' : 'ignore'
  }

  /**
   * Without a head. What the client's own request has broken says nothing about the endpoint.
   * @param telling somebody waited for it, and it was not given up here
   */
  #brokenOff(outcome: Outcome, telling: boolean): void {
    if (!telling) this.#observed('given-up', this.#overdue ? 'drop' : 'ignore')
    else if (outcome.fault === 'endpoint') {
      // An answer that cannot be understood is no overload, and a kept connection that ends is an everyday race.
      const refused = outcome.retry === 'unsent' || (outcome === outcomes.endpointReset && !this.reused)
      this.#observed('failed', refused ? 'drop' : 'ignore')
    }
  }

  protected resetEvidence(): void {
    this.endpoint = null
    this.started = false
    this.#overdue = false
    this.upstream = null
    this.connection = null
    this.probe = false
    this.begunAt = Number.NaN
  }
}
