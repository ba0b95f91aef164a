/**
 * A worker's event loop in virtual time: clients that wait for their answers, a limit on what is in flight, a server with slots behind
 * it; and each request takes time of the loop's own, when it comes, when it leaves and when its answer is read. Turns are as in Node:
 * what has come is read, then requests leave, one turn after they are ready (departures.ts). The same seed gives the same run.
 */
import type { GradientLimit } from '../../src/proxy/overload/gradient-limit.ts'
import { TurnClock } from '../../src/proxy/turn-clock.ts'
import { seededRandom } from './fakes/clock.ts'

export interface LoopOptions {
  /** Null: all are let in. */
  readonly limit: GradientLimit | null
  readonly clients: number
  /** Of the loop, for a request: a quarter when it comes, a half when it leaves, a quarter when its answer is read. */
  readonly workMs: number
  readonly slots: number
  readonly serviceMs: number
  /** Between an answer and the client's next request, on average; 0: none. */
  readonly thinkMs?: number
  readonly seed?: number
  /** Told of each answer. */
  readonly onAnswer?: (answer: Answer) => void
}

export interface Answer {
  /** What the clock of the turns says of it. */
  readonly awayMs: number
  /** From when the turn in which it left was over until it was here. */
  readonly tookMs: number
  /** From then until it was noticed: what there would be to go by without that clock. */
  readonly seenMs: number
  /** The loop's work in the turn before; and what of it, and of this one's, was done before anybody asked for the time. */
  readonly workBeforeMs: number
  readonly workUnaskedMs: number
}

interface Flight {
  leftAt: number
  /** When its answer is here. */
  hereAt: number
}

export class LoopSimulator {
  now = 1
  answered = 0
  /** Of the limit, at each answer. */
  limitSum = 0
  readonly #options: LoopOptions
  readonly #random: () => number
  readonly #clock: TurnClock
  /** Something is to be done at the end of this turn. */
  #ending = false
  #readings = 0
  #asked = false
  #workBeforeMs = 0
  #workMs = 0
  #workUnaskedMs = 0
  #unaskedBeforeMs = 0
  /** When the next request of each client that has none is here. */
  #coming: number[]
  #waiting = 0
  #running = 0
  #ready = 0
  #boarding = 0
  #flights: Flight[] = []
  /** When each slot is free. */
  readonly #free: number[]

  constructor(options: LoopOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed ?? 1)
    this.#coming = Array.from({ length: options.clients }, () => this.now + this.#thinkMs())
    this.#free = Array.from({ length: options.slots }, () => 0)
    this.#clock = new TurnClock(
      () => {
        this.#ending = true
      },
      () => {
        this.#readings++
        return this.now
      },
    )
  }

  /** Of the clock, for each answer. */
  get readings(): number {
    return this.#readings / this.answered
  }

  get meanLimit(): number {
    return this.limitSum / this.answered
  }

  /** What was is forgotten; the state stays. */
  forget(): void {
    this.answered = 0
    this.limitSum = 0
    this.#readings = 0
  }

  run(ms: number): void {
    const end = this.now + ms
    while (this.now < end) this.#turn()
  }

  #turn(): void {
    const { workMs } = this.#options
    // It waits only if nothing is to leave, and if it need not end its turn.
    if (!this.#ending) {
      const next = Math.min(...this.#coming, ...this.#flights.map(({ hereAt }) => hereAt))
      this.now = Math.max(this.now, next)
    }
    this.#workBeforeMs = this.#workMs
    this.#workMs = 0
    this.#unaskedBeforeMs = this.#workUnaskedMs
    this.#workUnaskedMs = 0
    this.#asked = false
    const here = this.now
    const come = this.#coming.filter((at) => at <= here).length
    this.#coming = this.#coming.filter((at) => at > here)
    const back = this.#flights.filter(({ hereAt }) => hereAt <= here)
    this.#flights = this.#flights.filter(({ hereAt }) => hereAt > here)
    // As they come: now a request, now an answer.
    for (let index = 0; index < Math.max(come, back.length); index++) {
      if (index < come) {
        this.#enter()
        this.#work(workMs / 4)
      }
      if (index < back.length) {
        this.#head(back[index] as Flight)
        this.#work(workMs / 4)
      }
    }
    this.#leave()
  }

  #work(ms: number): void {
    this.now += ms
    this.#workMs += ms
    if (!this.#asked) this.#workUnaskedMs += ms
  }

  #ask(): number {
    this.#asked = true
    return this.#clock.now
  }

  #enter(): void {
    this.#waiting++
    this.#admit()
  }

  #admit(): void {
    const places = this.#options.limit?.limit ?? Number.POSITIVE_INFINITY
    while (this.#waiting > 0 && this.#running < places) {
      this.#waiting--
      this.#running++
      this.#ready++
      this.#ask()
      this.#ending = true
    }
  }

  #head({ leftAt, hereAt }: Flight): void {
    const { limit, onAnswer } = this.#options
    const now = this.#ask()
    const awayMs = this.#clock.awayMs(leftAt, now)
    limit?.success(leftAt, awayMs, now, this.#running)
    onAnswer?.({
      awayMs,
      tookMs: hereAt - leftAt,
      seenMs: this.now - leftAt,
      workBeforeMs: this.#workBeforeMs,
      workUnaskedMs: this.#unaskedBeforeMs + this.#workUnaskedMs,
    })
    this.answered++
    this.limitSum += limit?.limit ?? 0
    this.#running--
    this.#coming.push(this.now + this.#thinkMs())
    this.#admit()
  }

  /** The turn's batch. */
  #leave(): void {
    const clock = this.#clock
    const leaving = this.#boarding
    this.#boarding = this.#ready
    this.#ready = 0
    this.#ending = this.#boarding > 0
    this.#work((leaving * this.#options.workMs) / 2)
    if (!clock.asked) return
    const leftAt = clock.end()
    for (let count = 0; count < leaving; count++) this.#flights.push({ leftAt, hereAt: this.#serve(leftAt) })
  }

  /** First come, first served. */
  #serve(at: number): number {
    const slot = this.#free.indexOf(Math.min(...this.#free))
    const serviceMs = this.#options.serviceMs * (0.5 + this.#random())
    const hereAt = Math.max(at, this.#free[slot] as number) + serviceMs
    this.#free[slot] = hereAt
    return hereAt
  }

  #thinkMs(): number {
    return -Math.log(1 - this.#random()) * (this.#options.thinkMs ?? 0)
  }
}
