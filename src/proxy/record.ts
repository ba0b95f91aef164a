/**
 * What is kept of an exchange: one count under its outcome, one line of access log if the plan asks for it, and where metrics are served
 * how long it took (request-counts.ts). Nothing is formatted, and no clock is read, for what is not asked for.
 *
 * Invariant: `end` runs exactly once for every `begin`; `inFlight` is the difference, 0 at rest.
 */
import type { Logger } from 'pino'
import { type Outcome, outcomes } from '../plan/outcome.ts'
import { type LogLevel, type LogPlan, logLevels } from '../plan/plan.ts'
import type { Clock, RandomSource } from './balance/policy.ts'
import { reasonOf } from './failure-reason.ts'
import type { RequestCounts } from './request-counts.ts'

/** What the log tells of an exchange. */
export interface Recorded {
  readonly head: {
    readonly method: string
    readonly target: string
    readonly host: string
    readonly fault: string | null
    readonly requestId: string
  }
  readonly address: string
  /** Milliseconds on the monotonic clock; NaN if nobody will ask. */
  readonly startedAt: number
  /** What the client got; 0 if nothing. */
  readonly status: number
  readonly upstreamName: string
  readonly endpointId: string
  readonly attempts: number
  /** Two of them were under way at a time. */
  readonly hedged: boolean
  /** What became of the last attempt that failed, in the words of the system or of undici; '' if none did. */
  reason: string
  readonly responseBytes: number
}

/** Of fixed answers given without an exchange, when the log wants them. */
const withoutExchange = {
  upstreamName: '',
  endpointId: '',
  attempts: 0,
  hedged: false,
  reason: '',
  responseBytes: 0,
}

const all: readonly Outcome[] = Object.values(outcomes)

export class Recorder {
  inFlight = 0
  readonly #log: Logger
  readonly #random: RandomSource
  readonly #clock: Clock
  /** By `Outcome.index`. */
  readonly #counts: number[] = all.map(() => 0)
  #errors = false
  #sample = 0
  #attemptLines = false
  /** Somebody may ask when an exchange began. */
  #times = false

  /**
   * @param clock for when exchanges begin, and for metrics when they end: as `performance.now`, and up to a turn of the event loop behind
   * it. Most exchanges make no line, and those that do are told from the turn that found them, so that one reading for a turn is enough.
   */
  constructor(log: Logger, random: RandomSource, clock: Clock = () => performance.now()) {
    this.#log = log
    this.#random = random
    this.#clock = clock
  }

  /**
   * @param plan the logger's own level may still be that of the plan before
   * @param measures metrics are served
   */
  configure(plan: LogPlan, measures = false): void {
    const visible = tells(plan, 'info')
    this.#errors = visible && plan.access.errors
    this.#sample = visible ? plan.access.sample : 0
    this.#attemptLines = tells(plan, 'debug')
    this.#times = measures || this.#errors || this.#sample > 0
  }

  /** An exchange begins. @returns its start, NaN if neither a line nor a duration can come of it */
  begin(): number {
    this.inFlight++
    return this.#times ? this.#clock() : Number.NaN
  }

  /** @param requests where it is to be counted, beside its outcome; null: nowhere */
  end(exchange: Recorded, outcome: Outcome, requests: RequestCounts | null = null): void {
    this.inFlight--
    this.#count(outcome)
    if (requests !== null) requests.add(exchange, outcome, this.#clock())
    if (this.#isWanted(outcome, exchange.status)) this.#line(exchange, outcome)
  }

  /**
   * A fixed answer, or one of the listener's, begun and ended at once.
   * @returns whether a line is to be written: `tellResponded` does it. Nothing need be described for one that is not
   */
  responded(status: number, outcome: Outcome = outcomes.responded): boolean {
    this.#count(outcome)
    return this.#isWanted(outcome, status)
  }

  /** The line of what `responded` has counted. */
  tellResponded(
    described: Pick<Recorded, 'head' | 'address'>,
    status: number,
    outcome: Outcome = outcomes.responded,
  ): void {
    this.#line({ ...withoutExchange, ...described, startedAt: performance.now(), status }, outcome)
  }

  /** An attempt failed; another may follow, or go on. @param attempt its number */
  attemptFailed(
    exchange: Pick<Recorded, 'reason'>,
    endpoint: string,
    attempt: number,
    outcome: Outcome,
    error: Error,
  ): void {
    exchange.reason = reasonOf(error)
    if (!this.#attemptLines) return
    this.#log.debug({ endpoint, attempt, outcome: outcome.code, reason: exchange.reason }, 'attempt failed')
  }

  /** Code of ours has thrown where it works on what an endpoint has sent, or on its failure. */
  defect(error: unknown, endpoint: string): void {
    this.#log.error({ err: error, endpoint }, 'unexpected error in an attempt; please report this')
  }

  /** Counts by outcome code, only those that occurred. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { code, index } of all) {
      const count = this.#counts[index] as number
      if (count > 0) counts[code] = count
    }
    return counts
  }

  #count(outcome: Outcome): void {
    ;(this.#counts[outcome.index] as number)++
  }

  #isWanted(outcome: Outcome, status: number): boolean {
    if (this.#errors && (status >= 500 || isAbort(outcome, status))) return true
    return this.#sample > 0 && (this.#sample === 1 || this.#random() < this.#sample)
  }

  #line(exchange: Recorded, outcome: Outcome): void {
    const { head, address, status, upstreamName, endpointId, attempts, hedged, responseBytes } = exchange
    const reason = head.fault ?? (outcome.fault === 'endpoint' ? exchange.reason : '')
    this.#log.info(
      {
        client: address,
        method: head.method,
        host: head.host,
        target: head.target,
        // As nginx writes it: the client was gone before there was an answer.
        status: outcome === outcomes.clientAborted && status === 0 ? 499 : status,
        outcome: outcome.code,
        fault: outcome.fault,
        ...(reason === '' ? undefined : { reason }),
        ...(head.requestId === '' ? undefined : { requestId: head.requestId }),
        ...(upstreamName === '' ? undefined : { upstream: upstreamName, endpoint: endpointId, attempts }),
        ...(hedged ? { hedged } : undefined),
        bytes: responseBytes,
        ms: Math.round((performance.now() - exchange.startedAt) * 1_000) / 1_000,
      },
      'request',
    )
  }
}

/** Whether messages of this level are logged. */
function tells(plan: LogPlan, level: LogLevel): boolean {
  return logLevels.indexOf(plan.level) <= logLevels.indexOf(level)
}

/** It did not end as it began: cut off behind its head, or left by the client. */
function isAbort(outcome: Outcome, status: number): boolean {
  return outcome.fault !== 'none' && (outcome.status === 0 || outcome.status !== status)
}
