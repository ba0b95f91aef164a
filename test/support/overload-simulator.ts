/**
 * An overload in virtual time: Poisson arrivals, the real admission queue and the real learned limit, and behind them a server with
 * slots in which a request has its service time; what finds no slot free waits inside it. No network and no CPU: what is left is
 * what the queue and the limit make of it. The same seed gives the same run.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { Admission, type Applicant, type Ticket } from '../../src/proxy/admission.ts'
import { GradientLimit, type GradientSettings } from '../../src/proxy/overload/gradient-limit.ts'
import { seededRandom } from './fakes/clock.ts'

export interface OverloadOptions {
  readonly slots: number
  readonly serviceMs: number
  /** Of the logarithm of service times; 0: all alike. */
  readonly sigma: number
  /** Multiple of the capacity. */
  readonly load: number
  readonly seed: number
  /** Of the run; the first two seconds do not count. */
  readonly seconds: number
  /** Null: as many as `connections`. */
  readonly limit: GradientSettings | null
  readonly connections: number
  /** Of the queue's controlled delay; 0: off. */
  readonly targetMs: number
}

export interface OverloadReport {
  /** Served, by what the server can serve. */
  readonly goodput: number
  /** From the arrival to the answer, of those served. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of all that came, 0 to 1. */
  readonly shedShare: number
}

const settleMs = 2_000
const intervalMs = 100
/** As often as `Deadlines` has the queue looked at. */
const lookEveryMs = 50

export async function simulateOverload(options: OverloadOptions): Promise<OverloadReport> {
  return new OverloadSimulator(options).run()
}

class OverloadSimulator {
  now = 0
  readonly #options: OverloadOptions
  readonly #random: () => number
  readonly #admission: Admission
  readonly #limit: GradientLimit | null
  readonly #events: { at: number; run: () => void }[] = []
  readonly #inside: Arrival[] = []
  #busy = 0
  #offered = 0
  #shed = 0
  readonly #latencies: number[] = []

  constructor(options: OverloadOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
    this.#limit = options.limit === null ? null : new GradientLimit(options.limit)
    this.#admission = new Admission(this.#places, 1024, () => this.now)
    this.#admission.controlDelay(options.targetMs, intervalMs)
  }

  get #places(): number {
    return Math.min(this.#limit?.limit ?? Number.POSITIVE_INFINITY, this.#options.connections)
  }

  async run(): Promise<OverloadReport> {
    const { slots, serviceMs, seconds } = this.#options
    const endMs = seconds * 1000
    this.#at(0, () => this.#arrive())
    this.#at(lookEveryMs, () => this.#look())
    for (
      let event = this.#events.shift();
      event !== undefined && event.at < endMs;
      event = this.#events.shift()
    ) {
      this.now = event.at
      event.run()
      // Whom the queue sheds it tells when the turn is over.
      await turn()
    }
    const sorted = this.#latencies.sort((a, b) => a - b)
    const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
    return {
      goodput: sorted.length / ((slots / serviceMs) * (endMs - settleMs)),
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      shedShare: this.#shed / this.#offered,
    }
  }

  #at(at: number, run: () => void): void {
    let index = this.#events.length
    while (index > 0 && this.#events[index - 1]!.at > at) index--
    this.#events.splice(index, 0, { at, run })
  }

  #arrive(): void {
    const { load, slots, serviceMs } = this.#options
    const arrival = new Arrival(this, this.now)
    if (this.now >= settleMs) this.#offered++
    if (!this.#admission.enter(arrival)) this.shed(arrival)
    const gapMs = -Math.log(1 - this.#random()) / ((load * slots) / serviceMs)
    this.#at(this.now + gapMs, () => this.#arrive())
  }

  #look(): void {
    this.#admission.look()
    this.#at(this.now + lookEveryMs, () => this.#look())
  }

  begin(arrival: Arrival): void {
    if (this.#busy < this.#options.slots) this.#serve(arrival)
    else this.#inside.push(arrival)
  }

  shed({ cameAt }: Arrival): void {
    if (cameAt >= settleMs) this.#shed++
  }

  #serve(arrival: Arrival): void {
    this.#busy++
    this.#at(this.now + this.#serviceMs(), () => {
      this.#busy--
      const next = this.#inside.shift()
      if (next !== undefined) this.#serve(next)
      this.#answered(arrival)
    })
  }

  #answered({ cameAt, admittedAt, ticket }: Arrival): void {
    if (cameAt >= settleMs) this.#latencies.push(this.now - cameAt)
    const admission = this.#admission
    const awayMs = this.now - admittedAt
    if (this.#limit?.success(admittedAt, awayMs, this.now, admission.running) === true)
      admission.concurrency = this.#places
    admission.release(ticket as Ticket)
  }

  #serviceMs(): number {
    const { serviceMs, sigma } = this.#options
    if (sigma === 0) return serviceMs
    const normal = Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random())
    return serviceMs * Math.exp(sigma * normal - sigma ** 2 / 2)
  }
}

class Arrival implements Applicant {
  readonly cameAt: number
  admittedAt = Number.NaN
  ticket: Ticket | null = null
  readonly #simulator: OverloadSimulator

  constructor(simulator: OverloadSimulator, cameAt: number) {
    this.#simulator = simulator
    this.cameAt = cameAt
  }

  queued(ticket: Ticket): void {
    this.ticket = ticket
  }

  admitted(): void {
    this.admittedAt = this.#simulator.now
    this.#simulator.begin(this)
  }

  shed(): void {
    this.#simulator.shed(this)
  }
}
