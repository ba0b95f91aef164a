/**
 * Slow start: an endpoint that has recovered begins with a tenth of its weight and has all of it after a while. A server that
 * has just been restarted has cold caches, no connections to its database and code that is not compiled yet, and the full load
 * at once is what brings it down again.
 *
 * As in nginx and HAProxy it is for an endpoint that was seen to be down. Not at the start of a worker, where all are equally
 * cold and the weights would only lose their meaning, and not for an endpoint that a reload adds: nothing is known against it,
 * and whoever adds capacity usually needs it. (Envoy has it for new hosts too.)
 *
 * In 18 steps of 5 %, on a timer that runs while someone is in slow start: a pick costs nothing more. While it runs, all weights
 * of the upstream are multiplied by 100, so that they stay whole numbers and round-robin's arithmetic exact.
 *
 * Invariant: the timer runs exactly while some member's warmth is below 100, but for those that have retired.
 */

/** Of 100. */
const firstWarmth = 10
const fullWarmth = 100
const stepWarmth = 5
const steps = (fullWarmth - firstWarmth) / stepWarmth

/** The part of an endpoint that this reads and writes. */
export interface Warmable {
  readonly plannedWeight: number
  readonly retired: boolean
  weight: number
  warmth: number
}

export class SlowStart {
  /** From the recovery to the whole weight, in milliseconds. 0: at once. */
  durationMs: number
  readonly #members: () => readonly Warmable[]
  readonly #onScale: () => void
  #timer: NodeJS.Timeout | null = null
  readonly #tick = (): void => this.#step()

  /**
   * @param members of the upstream, at any time
   * @param onScale all weights have changed, by a common factor too: what the balancer remembers of them is of no use
   */
  constructor(durationMs: number, members: () => readonly Warmable[], onScale: () => void) {
    this.durationMs = durationMs
    this.#members = members
    this.#onScale = onScale
  }

  /** It has recovered. The caller rebuilds the balancer afterwards. */
  begin(endpoint: Warmable): void {
    if (this.durationMs === 0) return
    endpoint.warmth = firstWarmth
    this.weigh()
    this.#timer ??= this.#schedule()
  }

  /** Everybody has all of his weight at once. The caller rebuilds the balancer afterwards. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    for (const endpoint of this.#members()) endpoint.warmth = fullWarmth
    this.weigh()
  }

  /** Makes the weights what plan and warmth say. */
  weigh(): void {
    const members = this.#members()
    const cold = members.some(isCold)
    for (const endpoint of members) {
      endpoint.weight = cold ? endpoint.plannedWeight * endpoint.warmth : endpoint.plannedWeight
    }
  }

  #schedule(): NodeJS.Timeout {
    return setTimeout(this.#tick, this.durationMs / steps).unref()
  }

  #step(): void {
    const members = this.#members()
    for (const endpoint of members) {
      if (isCold(endpoint)) endpoint.warmth = Math.min(fullWarmth, endpoint.warmth + stepWarmth)
    }
    const goesOn = members.some(isCold)
    this.#timer = goesOn ? this.#schedule() : null
    this.weigh()
    if (!goesOn) this.#onScale()
  }
}

function isCold({ warmth, retired }: Warmable): boolean {
  return warmth < fullWarmth && !retired
}
