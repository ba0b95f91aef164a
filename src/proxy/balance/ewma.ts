/**
 * Peak EWMA over two choices, after Finagle and Linkerd: two endpoints are drawn at random by their weights, and the one
 * with the lower cost is picked:
 *
 *     cost = latency x (1 + 100 x failures) x (1 + in flight x mean weight / weight)
 *
 *   latency   milliseconds to the head of an answer: a moving average that follows a slower sample fast (by a quarter) and a
 *             faster one gradually (by a 32nd, or more if the last is long ago: what is known fades to 1/e in 10 s), so that it
 *             stands near the peaks. Finagle's fades by time alone, and so stands the higher the more samples there are: with
 *             400 a second it takes a fast endpoint for twice as slow as it does a slow one with 10 (test/support/simulator.ts).
 *             Answers from 500 on and attempts that were given up can raise it, never lower it: a fast error is not fast.
 *   failures  the share of failed attempts, 0 to 1: an average of the same kind, by a 32nd either way. Apart from the latency:
 *             where all endpoints fail now and then, all costs rise alike.
 *
 * The one that was drawn first gives way only to one that is clearly cheaper: between equals it is the weights that decide, and
 * not the noise of the averages.
 *
 * Nobody starves. What is known of an endpoint is 10 s old at most, if there are requests: the picks look at one endpoint
 * after the other, and one that has had none for so long gets the request, whatever it costs. A sample after such a silence
 * replaces what was known, so an endpoint that has recovered is back after one request.
 *
 * Invariants
 *   - `#states` runs parallel to `#endpoints`; `#byEndpoint` has the same states by endpoint.
 *   - an endpoint keeps its state as long as it is in turn, and begins anew when it comes back: as fast as the others are.
 */
import type { Balancer, Candidate, Clock, Ending, RandomSource } from './policy.ts'
import { draw, drawableWeight } from './weighted-draw.ts'

/** How fast what is known fades, in milliseconds: Finagle's and Envoy's default. */
const fadeMs = 10_000
/** How far one sample moves an average: that of latency upwards, and everything else. */
const riseGain = 1 / 4
const gain = 1 / 32
/** In that time what is known fades by so much by itself. */
const gainMs = -fadeMs * Math.log(1 - gain)
/** How long an endpoint may go without a request. */
const silenceMs = 10_000
/** What is certain to fail costs this many times more. */
const failureFactor = 100
/** What is cheaper by less than this is no cheaper. */
const margin = 1.25

interface State {
  /** Milliseconds; NaN until there is a sample. */
  latencyMs: number
  /** Share of failed attempts, 0 to 1. */
  failures: number
  observedAt: number
  pickedAt: number
}

export class Ewma<C extends Candidate> implements Balancer<C> {
  readonly #random: RandomSource
  readonly #clock: Clock
  #endpoints: readonly C[] = []
  #states: State[] = []
  #byEndpoint = new Map<C, State>()
  /** What stands for the latency of who has shown none: an average of everybody's samples. NaN until there is one. */
  #typicalMs = Number.NaN
  /** Whose silence the next pick looks at. */
  #turn = 0

  constructor(random: RandomSource, clock: Clock) {
    this.#random = random
    this.#clock = clock
  }

  rebuild(inTurn: readonly C[]): void {
    const before = this.#byEndpoint
    const now = this.#clock()
    this.#endpoints = inTurn
    this.#states = inTurn.map((endpoint) => before.get(endpoint) ?? newcomer(now))
    this.#byEndpoint = new Map(inTurn.map((endpoint, index) => [endpoint, this.#states[index] as State]))
    this.#turn = 0
    const known = this.#states.map(({ latencyMs }) => latencyMs).filter((ms) => !Number.isNaN(ms))
    if (known.length > 0) this.#typicalMs = known.reduce((sum, ms) => sum + ms) / known.length
  }

  pick(except: C | null): C | null {
    const endpoints = this.#endpoints
    const total = drawableWeight(endpoints, except)
    if (total === 0) return null
    const now = this.#clock()
    let index = this.#silent(except, now)
    if (index === -1) index = this.#cheaperOfTwo(except, total)
    ;(this.#states[index] as State).pickedAt = now
    return endpoints[index] as C
  }

  observe(endpoint: C, ms: number, ending: Ending, now = this.#clock()): void {
    const state = this.#byEndpoint.get(endpoint)
    if (state === undefined) return
    const step = stepAfter(now - state.observedAt)
    if (ending === 'answered') {
      const known = state.latencyMs
      if (Number.isNaN(known)) state.latencyMs = ms
      else state.latencyMs += (ms - known) * (ms > known ? Math.max(step, riseGain) : step)
      state.failures -= state.failures * step
      state.observedAt = now
      this.#typicalMs = Number.isNaN(this.#typicalMs) ? ms : this.#typicalMs * 0.9 + ms * 0.1
      return
    }
    const known = this.#latency(state)
    if (ms > known) state.latencyMs = known + (ms - known) * riseGain
    if (ending === 'given-up') return
    state.failures += (1 - state.failures) * step
    state.observedAt = now
  }

  /** Looks at one endpoint. @returns its index if it must be tried again, or -1 */
  #silent(except: C | null, now: number): number {
    const turn = this.#turn
    this.#turn = turn + 1 < this.#endpoints.length ? turn + 1 : 0
    const endpoint = this.#endpoints[turn] as C
    if (endpoint === except || !endpoint.free) return -1
    return now - (this.#states[turn] as State).pickedAt >= silenceMs ? turn : -1
  }

  #cheaperOfTwo(except: C | null, total: number): number {
    const endpoints = this.#endpoints
    const one = draw(endpoints, except, -1, this.#random() * total)
    const rest = total - (endpoints[one] as C).weight
    if (rest === 0) return one
    const other = draw(endpoints, except, one, this.#random() * rest)
    const meanWeight = total / endpoints.length
    return this.#cost(other, meanWeight) * margin < this.#cost(one, meanWeight) ? other : one
  }

  #cost(index: number, meanWeight: number): number {
    const state = this.#states[index] as State
    const { inFlight, weight } = this.#endpoints[index] as C
    const load = 1 + (inFlight * meanWeight) / weight
    return this.#latency(state) * (1 + failureFactor * state.failures) * load
  }

  #latency({ latencyMs }: State): number {
    if (!Number.isNaN(latencyMs)) return latencyMs
    return Number.isNaN(this.#typicalMs) ? 1 : this.#typicalMs
  }
}

/** How far a sample moves an average, that long after the one before. */
function stepAfter(ageMs: number): number {
  if (ageMs <= gainMs) return gain
  return ageMs < fadeMs ? 1 - Math.exp(-ageMs / fadeMs) : 1
}

function newcomer(now: number): State {
  return { latencyMs: Number.NaN, failures: 0, observedAt: Number.NEGATIVE_INFINITY, pickedAt: now }
}
