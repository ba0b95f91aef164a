/**
 * A server with a fixed number of slots and a service time, simulated: what it has no slot for waits inside it, first come first
 * served. In front of it stands a limit that is fed with the latencies. Saturated (there is always another request), or with
 * Poisson arrivals that wait in front. Discrete events; the same seed gives the same run.
 */
import type { GradientLimit, Verdict } from '../../src/proxy/overload/gradient-limit.ts'
import { seededRandom } from './fakes/clock.ts'

interface Flight {
  readonly startedAt: number
  endsAt: number
  readonly verdict: Verdict
}

export interface SlotServerOptions {
  readonly slots: number
  readonly serviceMs: number
  /** Of the logarithm of service times; 0: all alike. */
  readonly sigma?: number
  readonly seed?: number
  /** Per millisecond; absent: there is always another request. */
  readonly arrivals?: number
  /** What share of the requests the client gives up, after a random part of their time. */
  readonly aborted?: number
  /** So many requests at most, since so many clients wait for answers. Absent: any number. */
  readonly clients?: number
}

export class SlotServer {
  now = 0
  slots: number
  serviceMs: number
  arrivals: number
  completed = 0
  readonly limits: number[] = []
  readonly #limit: GradientLimit
  readonly #sigma: number
  readonly #aborted: number
  readonly #clients: number
  readonly #random: () => number
  /** When each slot is free. */
  #free: number[] = []
  #flights: Flight[] = []
  #waiting = 0
  #nextArrival = 0

  constructor(limit: GradientLimit, options: SlotServerOptions) {
    this.#limit = limit
    this.slots = options.slots
    this.serviceMs = options.serviceMs
    this.arrivals = options.arrivals ?? Number.POSITIVE_INFINITY
    this.#sigma = options.sigma ?? 0
    this.#aborted = options.aborted ?? 0
    this.#clients = options.clients ?? Number.POSITIVE_INFINITY
    this.#random = seededRandom(options.seed ?? 1)
  }

  get inFlight(): number {
    return this.#flights.length
  }

  /** Runs for some time and tells the mean of the limit in it. */
  run(ms: number): number {
    const end = this.now + ms
    let area = 0
    while (this.now < end) {
      this.#start()
      let at = Math.min(end, Number.isFinite(this.arrivals) ? this.#nextArrival : end)
      for (const { endsAt } of this.#flights) at = Math.min(at, endsAt)
      area += this.#limit.limit * (at - this.now)
      this.now = at
      this.#finish()
      if (Number.isFinite(this.arrivals) && this.now >= this.#nextArrival) {
        this.#waiting++
        this.#nextArrival = this.now - Math.log(1 - this.#random()) / this.arrivals
      }
    }
    return area / ms
  }

  #start(): void {
    while (
      this.#flights.length < Math.min(this.#limit.limit, this.#clients) &&
      (!Number.isFinite(this.arrivals) || this.#waiting > 0)
    ) {
      if (this.#waiting > 0) this.#waiting--
      while (this.#free.length < this.slots) this.#free.push(0)
      this.#free.sort((a, b) => a - b)
      if (this.#free.length > this.slots) this.#free = this.#free.slice(-this.slots)
      const begins = Math.max(this.now, this.#free[0] as number)
      const ends = begins + this.#service()
      const abort = this.#random() < this.#aborted
      this.#free[0] = ends
      // The server works on: an abort shortens only what the client sees.
      const endsAt = abort ? this.now + (ends - this.now) * this.#random() : ends
      this.#flights.push({ startedAt: this.now, endsAt, verdict: abort ? 'ignore' : 'success' })
    }
  }

  /** One after the other, and what waits takes the place at once, as the admission queue has it. */
  #finish(): void {
    for (;;) {
      const index = this.#flights.findIndex(({ endsAt }) => endsAt <= this.now)
      if (index === -1) return
      const { startedAt, verdict } = this.#flights[index] as Flight
      this.completed++
      if (
        verdict === 'success' &&
        this.#limit.success(startedAt, this.now - startedAt, this.now, this.inFlight)
      ) {
        this.limits.push(this.#limit.limit)
      }
      this.#flights.splice(index, 1)
      this.#start()
    }
  }

  #service(): number {
    if (this.#sigma === 0) return this.serviceMs
    const normal = Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random())
    return this.serviceMs * Math.exp(this.#sigma * normal - this.#sigma ** 2 / 2)
  }
}
