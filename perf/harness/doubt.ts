/** Which figures compare with nothing, or are to be taken with care, and what is done about it. */
import type { LoadFigures } from './load-figures.ts'
import type { Spread } from './statistics.ts'
import { formatNumber, formatPercent } from './table.ts'
import type { Turn } from './turn.ts'

/** A row of which more than this share failed compares with nothing: a server that fails fast has a splendid rate. */
export const mostFailed = 0.01
/** Share of the machine above which others have disturbed turns, in the median of a row's or on average: rates say nothing then. */
export const mostForeign = 0.05
/** The same for a single turn, which is measured again above it. */
const mostForeignOnce = 0.1
/** How often turns of a row are measured again, all together: a machine that is not quiet is not waited for. */
export const mostRepeated = 2

/** Of all requests of some turns, 0 to 1. Without those that wrk calls timed out: these were answered, after more than 2 s. */
export function failedShare(
  turns: readonly { readonly load: Pick<LoadFigures, 'requests' | 'failed'> }[],
): number {
  let failed = 0
  let requests = 0
  for (const { load } of turns) {
    requests += load.requests
    for (const [kind, count] of Object.entries(load.failed)) {
      if (kind === 'timeout') continue
      failed += count
      // Answers are among the requests whatever their status; what got none is not.
      if (kind !== 'status') requests += count
    }
  }
  return requests === 0 ? 0 : failed / requests
}

/** What a table has to know of a row. Results from before these were kept have neither, and no marks. */
export interface Doubts {
  readonly failedShare?: number
  readonly foreign?: Spread | null
}

/** Its figures compare with nothing. */
export const isFailing = ({ failedShare: share = 0 }: Doubts) => share > mostFailed
const isDisturbed = ({ foreign }: Doubts) =>
  foreign !== null && foreign !== undefined && (foreign.median > mostForeign || foreign.max > mostForeignOnce)

const marks = [
  {
    mark: '†',
    holds: isFailing,
    means: `more than ${formatPercent(mostFailed)} of its requests failed: neither its CPU time nor its rate is a figure to compare.`,
  },
  {
    mark: '‡',
    holds: isDisturbed,
    means: `disturbed: other processes or the hypervisor had more than ${formatPercent(mostForeign)} of the machine in the median of its turns, or more than ${formatPercent(mostForeignOnce)} in one.`,
  },
]

/** What stands behind each figure of a row; empty: nothing is wrong with it. */
export function marksOf(row: Doubts): string {
  return marks.map(({ mark, holds }) => (holds(row) ? mark : '')).join('')
}

/** A line for each mark that some rows have. */
export function legend(rows: readonly Doubts[]): readonly string[] {
  return marks.flatMap(({ mark, holds, means }) => (rows.some(holds) ? [`${mark} ${means}`] : []))
}

/**
 * Measures a turn, and again while others have too much of the machine.
 *
 * @param most how often again
 * @param say is told each time
 * @returns the turn in which others had least, and how often it was measured again
 */
export async function leastDisturbed<T extends Pick<Turn, 'foreign'>>(
  measure: () => Promise<T>,
  most: number,
  say: (foreign: string) => void,
): Promise<{ readonly turn: T; readonly repeated: number }> {
  let turn = await measure()
  let repeated = 0
  while (repeated < most && turn.foreign !== null && turn.foreign > mostForeignOnce) {
    say(formatPercent(turn.foreign))
    repeated++
    const next = await measure()
    if (next.foreign !== null && next.foreign < turn.foreign) turn = next
  }
  return { turn, repeated }
}

/** What is said of a run in which turns were measured again; null: none was. */
export function repetitions(measured: readonly { readonly repeated?: number }[]): string | null {
  const count = measured.reduce((sum, { repeated = 0 }) => sum + repeated, 0)
  if (count === 0) return null
  const turns = count === 1 ? 'One turn was' : `${formatNumber(count)} turns were`
  return `${turns} measured again, since others had more than ${formatPercent(mostForeignOnce)} of the machine; what counts is the one in which they had least.`
}
