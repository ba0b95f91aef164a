/** The limits per client of a route, or of all routes that share them: in one worker, over reloads that leave them as they are. */
import type { ClientStats } from '../../plan/messages.ts'
import { type Outcome, outcomes } from '../../plan/outcome.ts'
import type { ClientLimitsPlan } from '../../plan/route-plan.ts'
import type { Clock } from '../balance/policy.ts'
import { cookieEnd, cookieStart, headerOf } from '../balance/request-key.ts'
import type { Fields } from '../reply.ts'
import { countedAddress } from './client-of.ts'
import { ClientTable, hashAddress, hashKey } from './client-table.ts'

/** What of a request is looked at. */
export interface Counted {
  /** Names in lower case and values, alternately. */
  readonly headers: readonly string[]
}

export class ClientLimiter {
  readonly #plan: ClientLimitsPlan
  readonly #table: ClientTable
  readonly #ratePolicy: string
  readonly #inFlightPolicy: string
  #aboveRate = 0
  #aboveInFlight = 0

  constructor(plan: ClientLimitsPlan, clock: Clock = () => performance.now()) {
    this.#plan = plan
    const { rate, inFlight, keys } = plan
    const bucket = rate === null ? null : { burst: rate.burst, intervalMs: rate.perMs / rate.requests }
    this.#table = new ClientTable(keys, bucket, inFlight, clock)
    this.#ratePolicy = rate === null ? '' : ratePolicy(rate)
    this.#inFlightPolicy = `"in-flight";q=${inFlight};qu="concurrent-requests"`
  }

  /** Where `enter` has counted the request, for `leave`; -1: nowhere. */
  get slot(): number {
    return this.#table.slot
  }

  /** @returns null if the request may go on, and is in flight until `leave(slot)` */
  enter(head: Counted, address: string): Outcome | null {
    this.#hash(head, address)
    const verdict = this.#table.enter(this.#plan.dryRun)
    if (verdict === 'within') return null
    if (verdict === 'rate') this.#aboveRate++
    else this.#aboveInFlight++
    if (this.#plan.dryRun) return null
    return verdict === 'rate' ? outcomes.rateLimited : outcomes.tooManyInFlight
  }

  leave(slot: number): void {
    this.#table.leave(slot)
  }

  /**
   * Fields of the answer to the request that has just been refused: RFC 9110, section 10.2.3, and
   * draft-ietf-httpapi-ratelimit-headers-10.
   */
  fields(outcome: Outcome): Fields {
    if (outcome !== outcomes.rateLimited) {
      return [
        ['retry-after', '1'],
        ['ratelimit-policy', this.#inFlightPolicy],
        ['ratelimit', '"in-flight";r=0'],
      ]
    }
    const seconds = Math.max(1, Math.ceil(this.#table.waitMs / 1_000))
    return [
      ['retry-after', String(seconds)],
      ['ratelimit-policy', this.#ratePolicy],
      ['ratelimit', `"rate";r=0;t=${seconds}`],
    ]
  }

  get stats(): ClientStats {
    const { size, capacity, evicted, uncounted } = this.#table
    return {
      scope: this.#plan.scope,
      dryRun: this.#plan.dryRun,
      aboveRate: this.#aboveRate,
      aboveInFlight: this.#aboveInFlight,
      keys: size,
      keysMax: capacity,
      evicted,
      uncounted,
    }
  }

  #hash({ headers }: Counted, address: string): void {
    const { by } = this.#plan
    if (typeof by === 'object') {
      if ('header' in by) {
        const value = headerOf(headers, by.header)
        if (value !== null && value !== '') return hashKey(value)
      } else {
        const cookies = headerOf(headers, 'cookie') ?? ''
        const start = cookieStart(cookies, by.cookie)
        const end = start === -1 ? -1 : cookieEnd(cookies, start)
        if (end > start) return hashKey(cookies, start, end)
      }
    }
    // Nor is there a way around the limits by leaving it out.
    hashAddress(countedAddress(address))
  }
}

/** The window is a whole number of seconds (section 3.1.3 of the draft): a shorter one is written as one second. */
function ratePolicy({ requests, perMs }: NonNullable<ClientLimitsPlan['rate']>): string {
  const seconds = Math.max(1, Math.round(perMs / 1_000))
  return `"rate";q=${Math.round((requests * seconds * 1_000) / perMs)};w=${seconds}`
}
