/**
 * A percentile of the latencies of late, in constant memory and constant time: counts in buckets whose edges are 4.4 % apart
 * (16 to the doubling), and the bucket of the percentile, which follows the samples as they come.
 *
 *     counts   ▁▂▅█▇▅▃▂▁▁▁ ▁  ▁       62 us … 131 s
 *                    ▲ at             below: the samples in the buckets before it
 *
 * What is known is forgotten by windows: the counts hold the window under way and the one before. A window is over after 30 s, but
 * not before it has samples enough to stand alone, so that with few requests what is known grows old, and is not lost.
 *
 * Invariants
 *   - at least `share` of the samples are in `at` and the buckets before it, and fewer in those before it alone.
 *   - nothing is allocated per sample.
 */

const perDoubling = 16
const leastMs = 1 / 16
const bucketCount = 21 * perDoubling + 1
/** In milliseconds. */
export const windowMs = 30_000
/** So many samples must lie above a percentile on average; with fewer it is whatever the last slow answer was. */
const aboveMin = 5
const samplesMin = 20

export class StreamingPercentile {
  /** Of both windows. */
  #counts = new Uint32Array(bucketCount)
  #samples = 0
  /** Of the window under way. */
  readonly #recent = new Uint32Array(bucketCount)
  #recentSamples = 0
  #startedAt = Number.NEGATIVE_INFINITY
  #share = Number.NaN
  #needed = 0
  #at = 0
  #below = 0

  /** @param share 0 to 1, without the ends: 0.95 for the 95th percentile */
  constructor(share: number) {
    this.share = share
  }

  /** Another percentile of the same samples. */
  set share(share: number) {
    this.#share = share
    this.#needed = Math.max(samplesMin, Math.round(aboveMin / (1 - share)))
    this.#settle()
  }

  /** In milliseconds, at most 4.4 % too high; NaN until there are samples enough. */
  get valueMs(): number {
    return this.#samples < this.#needed ? Number.NaN : leastMs * 2 ** (this.#at / perDoubling)
  }

  /** @param now milliseconds, monotonic */
  add(ms: number, now: number): void {
    if (now - this.#startedAt >= windowMs) this.#slide(now)
    const bucket = bucketOf(ms)
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#recent[bucket] = (this.#recent[bucket] as number) + 1
    this.#samples++
    this.#recentSamples++
    if (bucket < this.#at) this.#below++
    this.#settle()
  }

  #slide(now: number): void {
    if (this.#recentSamples === 0) this.#startedAt = now
    if (this.#recentSamples < this.#needed) return
    this.#counts.set(this.#recent)
    this.#samples = this.#recentSamples
    this.#recent.fill(0)
    this.#recentSamples = 0
    this.#startedAt = now
    this.#at = 0
    this.#below = 0
    this.#settle()
  }

  /** Brings `at` to where it belongs, which is near where it was. */
  #settle(): void {
    const counts = this.#counts
    const rank = this.#share * this.#samples
    while (this.#at > 0 && this.#below >= rank) this.#below -= counts[--this.#at] as number
    while (this.#at < bucketCount - 1 && this.#below + (counts[this.#at] as number) < rank) {
      this.#below += counts[this.#at++] as number
    }
  }
}

function bucketOf(ms: number): number {
  if (!(ms > leastMs)) return 0
  return Math.min(bucketCount - 1, Math.ceil(Math.log2(ms / leastMs) * perDoubling))
}
