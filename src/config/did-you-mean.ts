/**
 * The candidate that was probably meant, or null. Letters in the wrong case and other separators do not count
 * (`drain_timeout`, `roundRobin`), an abbreviation of four letters or more is understood (`least-conn`), and
 * otherwise one slip in three letters is forgiven.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  const wanted = plain(word)
  let best: string | null = null
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const distance = distanceIfClose(wanted, plain(candidate))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** `did you mean "x"?`, or null where nothing comes near. */
export function didYouMean(word: string, candidates: Iterable<string>): string | null {
  const candidate = nearest(word, candidates)
  return candidate === null ? null : `did you mean ${JSON.stringify(candidate)}?`
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_\s]/g, '')
}

function distanceIfClose(wanted: string, candidate: string): number {
  const forgiven = Math.floor(Math.max(wanted.length, candidate.length) / 3)
  const shorter = Math.min(wanted.length, candidate.length)
  const abbreviated = shorter >= 4 && wanted.slice(0, shorter) === candidate.slice(0, shorter)
  // Also the bound on the work: a key of a megabyte is never compared letter by letter.
  if (Math.abs(wanted.length - candidate.length) > forgiven) {
    return abbreviated ? forgiven + 1 : Number.POSITIVE_INFINITY
  }
  const distance = editDistance(wanted, candidate)
  if (distance <= forgiven) return distance
  return abbreviated ? forgiven + 1 : Number.POSITIVE_INFINITY
}

/**
 * Damerau-Levenshtein in the optimal-string-alignment form: how many insertions, deletions, replacements and swaps
 * of neighbours turn `a` into `b`, no letter being touched twice (F. Damerau, CACM 7(3), 1964). Three rows, O(a*b).
 */
export function editDistance(a: string, b: string): number {
  let before = new Uint32Array(b.length + 1)
  let previous = Uint32Array.from({ length: b.length + 1 }, (_, column) => column)
  let current = new Uint32Array(b.length + 1)
  for (let i = 1; i <= a.length; i++) {
    current[0] = i
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let least = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1))
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) least = Math.min(least, before[j - 2]! + 1)
      current[j] = least
    }
    ;[before, previous, current] = [previous, current, before]
  }
  return previous[b.length]!
}
