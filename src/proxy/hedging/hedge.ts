/**
 * The hedge of one request: a second attempt beside its first, at another endpoint, and what that makes of the two. When it is due,
 * and what that is good for, stands in hedging.ts. Belongs to the request's tries, which know one attempt at a time, and is used
 * again with them.
 *
 *      watch ──► watched ── due ──► racing ── a head wins, or one is dropped ──► over
 *                   │        └─ no room, no budget: withheld, for good ──────────►│
 *                   └────────── its first attempt has a head, or has ended ──────►│
 *
 * While two are racing, the first head wins. What ends without one (refused, reset, malformed, late) is dropped, and the
 * other goes on; an answer of 502, 503 or 504 does not win either, or the fastest to fail would answer for all. Only what
 * is left over last is judged as if it had been alone: answered, retried, or given up. The loser is cancelled as when a
 * client goes: that costs its connection, and its place until undici is through with it. Neither the limit on concurrency
 * nor outlier detection learns from it, and `ewma` that it took longer than it did.
 *
 * Invariants
 *   - `#second` is not null only while both are racing, and `#first` is not null then either; they are at different endpoints.
 *   - the ticket is in here only from inside `hedge`: a hedge is admitted at once, or not sent.
 */
import type { Applicant, Ticket } from '../admission.ts'
import { type Attempt, type AttemptContext, takeAttempt } from '../attempt.ts'
import type { AttemptListener } from '../attempt-listener.ts'
import type { Balanced } from '../balance/policy.ts'
import type { Upload } from '../body/upload.ts'
import type { DataPlaneContext } from '../context.ts'
import { earlier } from '../deadlines.ts'
import type { Endpoint } from '../endpoint.ts'
import type { ResponseFields } from '../headers/response-block.ts'
import { isFailure } from '../outliers.ts'
import { mayHedge } from '../retry.ts'
import type { Outgoing } from '../undici-request.ts'
import type { Upstream } from '../upstream.ts'
import type { Hedgeable, Hedging } from './hedging.ts'

/** The request, as far as its hedge reads and writes it. */
export interface Hedged extends Balanced {
  readonly head: Outgoing & Balanced['head']
  /** Of the two that race, the earlier one's. */
  deadline: number
  attempts: number
  hedged: boolean
  endpointId: string
  /** Whether this head can be passed on. */
  understands(fields: ResponseFields, interim: string): boolean
}

type HedgeContext = Pick<DataPlaneContext, 'deadlines' | keyof AttemptContext>

export class Hedge implements Hedgeable, Applicant {
  line: unknown = null
  previous: Hedgeable | null = null
  next: Hedgeable | null = null
  since = Number.NaN
  readonly #context: HedgeContext
  readonly #request: Hedged
  readonly #upload: Upload
  readonly #listener: AttemptListener
  /** Of the upstream, where it has or had an eye on this request. */
  #hedging: Hedging | null = null
  #upstream: Upstream | null = null
  #ticket: Ticket | null = null
  #first: Attempt | null = null
  #second: Attempt | null = null
  #firstDeadline = Number.NaN
  #secondDeadline = Number.NaN

  /** @param listener of both attempts */
  constructor(context: HedgeContext, request: Hedged, upload: Upload, listener: AttemptListener) {
    this.#context = context
    this.#request = request
    this.#upload = upload
    this.#listener = listener
  }

  /** Two attempts are under way. */
  get racing(): boolean {
    return this.#second !== null
  }

  /** The request's first attempt begins. */
  watch(hedging: Hedging, upstream: Upstream, first: Attempt): void {
    if (!hedging.takes(this.#request.head.method) || !mayHedge(this.#upload, upstream.retries)) return
    this.#hedging = hedging
    this.#upstream = upstream
    this.#first = first
    hedging.watch(this)
  }

  // ---- it is due ----

  hedge(): void {
    const { admission, retryBudget, down } = this.#upstream as Upstream
    if (down || !admission.hasRoom || !retryBudget.has(this.#context.deadlines.seenAt)) {
      ;(this.#hedging as Hedging).counts.withheld++
      return
    }
    admission.enter(this)
    // It has been admitted, or else it must not wait.
    if (this.#ticket !== null) admission.abandon(this.#ticket)
    this.#ticket = null
  }

  queued(ticket: Ticket): void {
    this.#ticket = ticket
  }

  /** Cannot come: it does not stay in the queue. */
  shed(): void {
    this.#ticket = null
  }

  admitted(ticket: Ticket): void {
    this.#ticket = null
    const upstream = this.#upstream as Upstream
    const first = this.#first as Attempt
    const request = this.#request
    const { counts } = this.#hedging as Hedging
    const { deadlines } = this.#context
    const endpoint = upstream.pick(first.endpoint, request)
    // Where there is nobody else, the same one is picked.
    const isOther = endpoint !== null && endpoint !== first.endpoint
    if (!isOther || !upstream.retryBudget.take(deadlines.seenAt)) {
      counts.withheld++
      return upstream.admission.release(ticket)
    }
    counts.sent++
    const second = takeAttempt(this.#context)
    second.number = ++request.attempts
    second.hedge = true
    request.hedged = true
    this.#second = second
    this.#firstDeadline = request.deadline
    this.expect(second, deadlines.after(upstream.timeouts.connectMs))
    second.begin(this.#listener, upstream, endpoint, ticket, request.head, this.#upload.body, false)
  }

  // ---- two are racing ----

  /** One of them has until then to get on. */
  expect(attempt: Attempt, deadline: number): void {
    if (attempt === this.#second) this.#secondDeadline = deadline
    else this.#firstDeadline = deadline
    this.#request.deadline = earlier(this.#firstDeadline, this.#secondDeadline)
  }

  /** The request's deadline has passed. @returns whose it was */
  get late(): Attempt {
    const isFirst = this.#context.deadlines.now >= this.#firstDeadline
    return (isFirst ? this.#first : this.#second) as Attempt
  }

  /** A head has come. @returns who goes on: the same one, if the head is the answer; else the other */
  judge(attempt: Attempt, status: number, fields: ResponseFields, interim: string): Attempt {
    // The other one may do better.
    if (isFailure(status) || !this.#request.understands(fields, interim)) return this.drop(attempt)
    return this.#decide(attempt, this.#otherThan(attempt))
  }

  /** One is through without an answer that counts. @returns the other, which is alone from here on */
  drop(attempt: Attempt): Attempt {
    const isFirst = attempt !== this.#second
    if (isFirst) this.#hedging?.ended(this, 0)
    this.#request.deadline = isFirst ? this.#secondDeadline : this.#firstDeadline
    return this.#decide(this.#otherThan(attempt), attempt)
  }

  #otherThan(attempt: Attempt): Attempt {
    return (attempt === this.#second ? this.#first : this.#second) as Attempt
  }

  #decide(winner: Attempt, loser: Attempt): Attempt {
    this.#first = null
    this.#second = null
    this.#request.endpointId = (winner.endpoint as Endpoint).id
    loser.cancel()
    return winner
  }

  // ---- it is over ----

  /** This attempt's head is the request's answer. */
  answered(attempt: Attempt, status: number): void {
    if (this.#hedging === null) return
    if (attempt.hedge) this.#hedging.counts.won++
    this.#hedging.ended(this, attempt.hedge ? 0 : status)
  }

  /** None is due any more, and one that is racing goes on for undici alone. No harm in saying so again. */
  letGo(): void {
    const second = this.#second
    this.#first = null
    this.#second = null
    this.#hedging?.ended(this, 0)
    second?.cancel()
  }

  reset(): void {
    this.#hedging = null
    this.#upstream = null
    this.#first = null
    this.#firstDeadline = Number.NaN
    this.#secondDeadline = Number.NaN
  }
}
