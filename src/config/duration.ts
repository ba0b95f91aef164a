/**
 * Durations as a person writes them: a decimal number and a unit, `"250ms"`, `"1.5s"`, `"1m"`, `"24h"`.
 */
const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

export const durationPattern = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/

/** Milliseconds; null if the text is no duration or not a whole number of milliseconds. */
export function parseDuration(text: string): number | null {
  const match = durationPattern.exec(text)
  if (match === null) return null
  const exact = Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]
  const ms = Math.round(exact)
  // "1.005s" is 1004.9999999999999 in binary floating point and still means 1005.
  return Math.abs(exact - ms) < 1e-6 ? ms : null
}

/** The shortest text that `parseDuration` reads as this many milliseconds. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  for (const unit of ['h', 'm', 's'] as const) {
    if (ms % unitMs[unit] === 0) return `${ms / unitMs[unit]}${unit}`
  }
  return `${ms}ms`
}
