/** CPU per request beside a baseline where the difference is small: how sure it is, and whether it is small enough. */
import type { Measured } from './run.ts'
import { medianInterval, ratios, type Spread, spread } from './statistics.ts'
import { type Column, formatNumber, formatSpread, renderTable } from './table.ts'
import type { Turn } from './turn.ts'

export interface Ratio {
  readonly name: string
  /** Of the pairs of turns. */
  readonly cpu: Spread
  readonly user: Spread
  /** Where the median of the first lies in 95 of 100 cases; null for too few turns. */
  readonly interval: { readonly low: number; readonly high: number } | null
}

/** Of every row but the baselines; of those without CPU times, none. */
export function ratiosOf(measured: readonly Measured[]): readonly Ratio[] {
  return measured.flatMap(({ row, turns }) => {
    const baseline = measured.find((other) => other.row.name === row.baseline)?.turns
    if (baseline === undefined || row.name === row.baseline) return []
    const both = (value: (turn: Turn) => number | null) => {
      const [ours, theirs] = [turns.map(value), baseline.map(value)]
      const there = (values: readonly (number | null)[]): values is readonly number[] =>
        !values.includes(null)
      return there(ours) && there(theirs) ? ratios(ours, theirs) : null
    }
    const cpu = both((turn) => (turn.cpu === null ? null : turn.cpu.userUs + turn.cpu.systemUs))
    const user = both((turn) => turn.cpu?.userUs ?? null)
    if (cpu === null || user === null) return []
    return [{ name: row.name, cpu: spread(cpu), user: spread(user), interval: medianInterval(cpu) }]
  })
}

/** What can be said of a ratio that is to be at most so much. */
export function answer({ interval }: Ratio, most: number): string {
  if (interval === null) return 'not shown: too few turns'
  if (interval.high <= most) return 'holds'
  return interval.low > most ? '**does not hold**' : 'not shown: too wide'
}

const columns: readonly Column[] = [
  { title: 'scenario', align: 'left' },
  { title: 'CPU ratio', align: 'right' },
  { title: '95 %', align: 'right' },
  { title: 'user ratio', align: 'right' },
  { title: 'at most', align: 'left' },
]

export function renderRatios(measured: readonly Measured[], most: number): string {
  const rows = ratiosOf(measured).map((ratio) => {
    const { name, cpu, user, interval } = ratio
    return [
      name,
      formatSpread(cpu, 3),
      interval === null ? '-' : `${formatNumber(interval.low, 3)}..${formatNumber(interval.high, 3)}`,
      formatSpread(user, 3),
      `${formatNumber(most, 2)}: ${answer(ratio, most)}`,
    ]
  })
  return `${renderTable(columns, rows)}\nof pairs of turns: the median (lowest..highest), and where it lies in 95 of 100 cases`
}
