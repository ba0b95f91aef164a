/** The middle of a set of turns and how far they lie apart. Empty sets have no spread: callers leave them out. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/**
 * The middle value; of an even number of values, the mean of the middle two.
 *
 * @throws {RangeError} on an empty list: a median of nothing would be a made-up figure.
 */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of no values was asked for')
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]!
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

/**
 * Each value divided by the baseline's value of the same turn. What disturbs the machine for longer than a turn
 * disturbs both, and the ratio of the pair survives it where the ratio of two medians would not.
 *
 * @throws {RangeError} if the lists differ in length: then they are not pairs.
 */
export function ratios(values: readonly number[], baseline: readonly number[]): readonly number[] {
  if (values.length !== baseline.length) {
    throw new RangeError(`${values.length} values cannot be paired with ${baseline.length} of the baseline`)
  }
  return values.map((value, turn) => value / baseline[turn]!)
}

/**
 * The least value that so many percent of all are not above (nearest rank). NaN for no values.
 *
 * @param sorted ascending
 */
export function percentile(sorted: readonly number[], percent: number): number {
  // 99.9 % of 1,000 come out a hair above 999.
  const rank = Math.ceil((percent * sorted.length) / 100 - 1e-9)
  return sorted[Math.max(0, rank - 1)] ?? Number.NaN
}

/**
 * Where the median of what these values were drawn from lies, in at least 95 of 100 cases, whatever their distribution: from the
 * k-th lowest to the k-th highest (the sign test turned round). Null for fewer than 6 values, of which nothing is that sure.
 */
export function medianInterval(
  values: readonly number[],
): { readonly low: number; readonly high: number } | null {
  const sorted = values.toSorted((a, b) => a - b)
  const count = sorted.length
  // Chance that fewer than k of them lie below the median: the lower tail of a coin thrown `count` times.
  let tail = 0
  let chance = 2 ** -count
  let k = 0
  while (k < count / 2 && tail + chance <= 0.025) {
    tail += chance
    chance = (chance * (count - k)) / (k + 1)
    k++
  }
  return k === 0 ? null : { low: sorted[k - 1]!, high: sorted[count - k]! }
}
