/** CPU per request beside a baseline: how sure it is, and whether it is small enough. */
import type { Row } from './row.ts'
import { yardstick } from './rows.ts'
import type { Measured } from './run.ts'
import { median, medianInterval, ratios, type Spread, spread } from './statistics.ts'
import { type Column, formatNumber, formatSpread, left, renderTable, right } from './table.ts'
import type { Turn } from './turn.ts'

export interface Ratio {
  readonly name: string
  /** Of the pairs of turns. */
  readonly cpu: Spread
  readonly user: Spread
  /** Where the median of the first lies in 95 of 100 cases; null for too few turns. */
  readonly interval: { readonly low: number; readonly high: number } | null
  /** Cores that the row kept busy, and the baseline: medians of the turns. */
  readonly coresBusy: { readonly own: number; readonly baseline: number }
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
      return there(ours) && there(theirs) ? { ours, theirs, ratios: ratios(ours, theirs) } : null
    }
    const cpu = both(totalUs)
    const user = both((turn) => turn.cpu?.userUs ?? null)
    const busy = both((turn) =>
      turn.cpu === null ? null : (totalUs(turn)! * turn.load.requestsPerSecond) / 1e6,
    )
    if (cpu === null || user === null || busy === null) return []
    return [
      {
        name: row.name,
        cpu: spread(cpu.ratios),
        user: spread(user.ratios),
        interval: medianInterval(cpu.ratios),
        coresBusy: { own: median(busy.ours), baseline: median(busy.theirs) },
      },
    ]
  })
}

function totalUs({ cpu }: Turn): number | null {
  return cpu === null ? null : cpu.userUs + cpu.systemUs
}

/** What can be said of a ratio that is to be at most so much. */
export function answer({ interval }: Pick<Ratio, 'interval'>, most: number): string {
  if (interval === null) return 'not shown: too few turns'
  if (interval.high <= most) return 'holds'
  return interval.low > most ? '**does not hold**' : 'not shown: too wide'
}

const columns: readonly Column[] = [
  left('scenario'),
  right('CPU ratio'),
  right('95 %'),
  right('user ratio'),
  right('cores busy'),
  left('at most'),
]

/** @param most of every row */
export function renderRatios(measured: readonly Measured[], most: number): string {
  return render(ratiosOf(measured), () => most)
}

/**
 * Weir beside the yardstick, and what each scenario asks of that (`mostCpuRatio`).
 *
 * @returns '' where the yardstick has run nothing beside Weir, or CPU times are not known
 */
export function renderGoals(measured: readonly Measured[]): string {
  const rows = new Map(measured.map(({ row }) => [row.name, row]))
  const ours = measured.filter(({ row }) => row.subject === 'weir' || row.name === row.baseline)
  const to = ratiosOf(ours).filter(({ name }) => isToYardstick(rows.get(name)!))
  return to.length === 0
    ? ''
    : `Weir, divided by ${yardstick}:\n\n${render(to, (name) => rows.get(name)!.scenario.mostCpuRatio)}`
}

/** What a row is divided by is what most people have today. */
function isToYardstick({ baseline, scenario }: Row): boolean {
  return baseline === `${scenario.name}@${yardstick}`
}

/** @param mostOf the row of that name; undefined: nothing is asked of it */
function render(all: readonly Ratio[], mostOf: (name: string) => number | undefined): string {
  const rows = all.map((ratio) => {
    const { name, cpu, user, interval, coresBusy } = ratio
    const most = mostOf(name)
    return [
      name,
      formatSpread(cpu, 3),
      interval === null ? '-' : `${formatNumber(interval.low, 3)}..${formatNumber(interval.high, 3)}`,
      formatSpread(user, 3),
      `${formatNumber(coresBusy.own, 2)} / ${formatNumber(coresBusy.baseline, 2)}`,
      most === undefined ? 'no goal of its own' : `${formatNumber(most, 2)}: ${answer(ratio, most)}`,
    ]
  })
  return [
    renderTable(columns, rows),
    'of pairs of turns: the median (lowest..highest), and where it lies in 95 of 100 cases; cores busy: of the row / of what it is divided by.',
    'One that is less busy than the other finds less to do in each turn of its loop, and its requests are dearer for that.',
  ].join('\n')
}
