import type { Spread } from './statistics.ts'

export interface Column {
  readonly title: string
  readonly align: 'left' | 'right'
}

export const left = (title: string): Column => ({ title, align: 'left' })
export const right = (title: string): Column => ({ title, align: 'right' })

/**
 * A Markdown table whose columns also line up in a terminal, so that what was printed can be pasted into a document.
 *
 * @throws {RangeError} if a row has more or fewer cells than there are columns.
 */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  for (const row of rows) {
    if (row.length !== columns.length) {
      throw new RangeError(
        `a row has ${row.length} cells, the table ${columns.length} columns: ${row.join(' | ')}`,
      )
    }
  }
  // Three is the least that Markdown takes for a right-aligned rule ("--:").
  const widths = columns.map((column, index) =>
    Math.max(3, column.title.length, ...rows.map((row) => row[index]!.length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, index) => pad(cell, widths[index]!, columns[index]!.align)).join(' | ')} |`
  const rule = columns.map((column, index) =>
    column.align === 'right' ? `${'-'.repeat(widths[index]! - 1)}:` : '-'.repeat(widths[index]!),
  )
  return [line(columns.map((column) => column.title)), line(rule), ...rows.map(line)].join('\n')
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  return align === 'right' ? text.padStart(width) : text.padEnd(width)
}

/** With a comma between thousands whatever the locale, so that tables of two machines compare. */
export function formatNumber(value: number, digits = 0): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** A share of 0 to 1 as percent. */
export function formatPercent(share: number, digits = 0): string {
  return `${formatNumber(share * 100, digits)} %`
}

export function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}

/** `median (min..max)`; the median alone where there is nothing between them. */
export function formatSpread(spread: Spread, digits = 0): string {
  const [middle, low, high] = [spread.median, spread.min, spread.max].map((value) =>
    formatNumber(value, digits),
  )
  return low === high ? middle! : `${middle} (${low}..${high})`
}
