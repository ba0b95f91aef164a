/**
 * Sizes as a person writes them: a whole number and a binary unit, `"512B"`, `"64KiB"`, `"1MiB"`. Decimal units
 * (`kB`, `MB`) are refused, since half the world reads them as binary.
 */
const unitBytes = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

export const sizePattern = /^(\d+)(B|KiB|MiB|GiB)$/

/** Bytes; null if the text is no size or too large to count exactly. */
export function parseSize(text: string): number | null {
  const match = sizePattern.exec(text)
  if (match === null) return null
  const bytes = Number(match[1]) * unitBytes[match[2] as keyof typeof unitBytes]
  return Number.isSafeInteger(bytes) ? bytes : null
}

/** The shortest text that `parseSize` reads as this many bytes. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return '0B'
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    if (bytes % unitBytes[unit] === 0) return `${bytes / unitBytes[unit]}${unit}`
  }
  return `${bytes}B`
}
