/**
 * Counts the requests of one upstream by how long they took and what their clients got, while metrics are served. Which requests, and why
 * so, stands in plan/request-stats.ts. Nothing is allocated for one.
 */
import { type Outcome, outcomes } from '../plan/outcome.ts'
import {
  durationBoundsMs,
  type RequestStats,
  type ResponseClass,
  responseClasses,
} from '../plan/request-stats.ts'
import type { Recorded } from './record.ts'

/** For the comparisons: doubles that lie side by side. */
const bounds = Float64Array.from(durationBoundsMs)
const place = Object.fromEntries(responseClasses.map((name, index) => [name, index])) as Record<
  ResponseClass,
  number
>
const { '2xx': success, '3xx': redirection, '4xx': clientError, '5xx': serverError, truncated, none } = place

export class RequestCounts {
  readonly #durations = new Float64Array(bounds.length + 1)
  readonly #responses = new Float64Array(responseClasses.length)
  /** A field would do, but begin as an integer. */
  readonly #sumMs = new Float64Array(1)

  /**
   * A request has ended. One that began when nobody asked for the time is left out.
   * @param now on the clock of `startedAt`. The difference is taken in here, since a number that is handed over may have to be allocated
   */
  add({ startedAt, status }: Pick<Recorded, 'startedAt' | 'status'>, outcome: Outcome, now: number): void {
    const ms = now - startedAt
    if (Number.isNaN(ms)) return
    // From the bottom: under load most are quick, and the slow ones are few for that they are slow.
    let bucket = 0
    while (bucket < bounds.length && ms > (bounds[bucket] as number)) bucket++
    ;(this.#durations[bucket] as number)++
    ;(this.#sumMs[0] as number) += ms
    ;(this.#responses[classOf(status, outcome)] as number)++
  }

  stats(): RequestStats {
    return {
      durations: [...this.#durations],
      sumMs: this.#sumMs[0] as number,
      responses: [...this.#responses],
    }
  }
}

/** @returns its place among `responseClasses` */
function classOf(status: number, outcome: Outcome): number {
  if (outcome !== outcomes.completed) {
    if (status === 0) return none
    if (outcome.fault !== 'client' && outcome.status !== status) return truncated
  }
  if (status < 300) return success
  if (status < 400) return redirection
  // Whoever does not know a status above 599 takes it for an error of the server (RFC 9110, section 15).
  return status < 500 ? clientError : serverError
}
