/** Answers that an endpoint is judged by, and after how many it is judged again. */
export const judgedEvery = 64
/** After how many it is judged first, where there is a suspicion. */
export const judgedSoonAfter = 16

/**
 * The typical latency of an endpoint: a geometric mean that moves, over its last 64 answers or so (all of them, until there are
 * that many). Of the logarithms, because latencies spread by factors: one long poll among quick answers moves their arithmetic mean
 * far, this one hardly.
 */
export class TypicalLatency {
  /** Since `forget`. */
  samples = 0
  #log2 = 0
  #firstDue = judgedEvery

  /** Milliseconds; 1 while there are no samples. */
  get ms(): number {
    return 2 ** this.#log2
  }

  /** It is time for a judgement: the first one, or there have been 64 more samples. */
  get due(): boolean {
    return this.samples === this.#firstDue || (this.samples % judgedEvery === 0 && this.samples > 0)
  }

  /** @param ms above 0; less than a microsecond counts as one */
  add(ms: number): void {
    this.samples++
    const gain = 1 / Math.min(this.samples, judgedEvery)
    this.#log2 += gain * (Math.log2(Math.max(ms, leastMs)) - this.#log2)
  }

  /** @param firstDue the number of samples for the first judgement */
  forget(firstDue = judgedEvery): void {
    this.samples = 0
    this.#log2 = 0
    this.#firstDue = firstDue
  }
}

const leastMs = 1e-3
