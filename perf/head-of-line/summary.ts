/** What the turns say together, as a table: a row for each case at each rate. */
import type { OpenLoopFigures } from '../harness/open-loop-client.ts'
import { ratios, type Spread, spread } from '../harness/statistics.ts'
import { type Column, formatNumber, formatSpread, renderTable } from '../harness/table.ts'
import type { MeasuredCase, Step } from './run.ts'

/** A case at one rate, all turns together. Latencies in milliseconds, of the requests that are not slow themselves. */
export interface Point {
  readonly name: string
  readonly rate: number
  /** Null where a turn had no answer, or no CPU time is to be had. */
  readonly p50Ms: Spread | null
  readonly p90Ms: Spread | null
  readonly p99Ms: Spread | null
  readonly p999Ms: Spread | null
  readonly maxMs: Spread | null
  /** Of the same requests, 0 to 1: waited for more than half of what a slow answer takes. */
  readonly heldShare: Spread | null
  readonly cpuUs: Spread | null
  /** Divided by the first case's in the same turn; null for that itself. */
  readonly cpuRatio: Spread | null
  /** In all turns together, slow ones too: not answered with 2xx in time. */
  readonly failed: number
  /** How late the load generator was, p99: the highest of the turns. */
  readonly lateMs: number
}

export function pointsOf(measured: readonly MeasuredCase[]): readonly Point[] {
  const rates = [...new Set(measured.flatMap(({ steps }) => steps.map(({ rate }) => rate)))]
  return rates.flatMap((rate) =>
    measured.map((one) => pointOf(one, rate, one === measured[0] ? null : measured[0]!)),
  )
}

function pointOf(one: MeasuredCase, rate: number, first: MeasuredCase | null): Point {
  const steps = stepsAt(one, rate)
  const ms = (us: (held: NonNullable<OpenLoopFigures['heldBack']>) => number | null) =>
    known(
      steps.map(({ figures }) => {
        const value = us(figures.heldBack!)
        return value === null ? null : value / 1000
      }),
    )
  return {
    name: one.name,
    rate,
    p50Ms: ms(({ p50Us }) => p50Us),
    p90Ms: ms(({ p90Us }) => p90Us),
    p99Ms: ms(({ p99Us }) => p99Us),
    p999Ms: ms(({ p999Us }) => p999Us),
    maxMs: ms(({ maxUs }) => maxUs),
    heldShare: known(steps.map(({ figures: { heldBack } }) => shareOf(heldBack!.held, heldBack!.fast))),
    cpuUs: known(cpuOf(steps)),
    cpuRatio: first === null ? null : ratioOf(cpuOf(steps), cpuOf(stepsAt(first, rate))),
    failed: steps.reduce((sum, { figures }) => sum + figures.offered - figures.good, 0),
    lateMs: Math.max(...steps.map(({ figures }) => figures.lateUs)) / 1000,
  }
}

/** In the order of the turns. */
function stepsAt({ steps }: MeasuredCase, rate: number): readonly Step[] {
  return steps.filter((step) => step.rate === rate).sort((a, b) => a.turn - b.turn)
}

function cpuOf(steps: readonly Step[]): readonly (number | null)[] {
  return steps.map(({ cpuUs }) => cpuUs)
}

function shareOf(held: number, fast: number): number | null {
  return fast === 0 ? null : held / fast
}

function ratioOf(values: readonly (number | null)[], to: readonly (number | null)[]): Spread | null {
  if (known(values) === null || known(to) === null) return null
  return spread(ratios(values as number[], to as number[]))
}

function known(values: readonly (number | null)[]): Spread | null {
  const there = values.filter((value) => value !== null)
  return there.length < values.length || there.length === 0 ? null : spread(there)
}

interface PointColumn extends Column {
  readonly cell: (point: Point) => string
}

const right = (title: string, cell: PointColumn['cell']): PointColumn => ({ title, align: 'right', cell })

const columns: readonly PointColumn[] = [
  right('rate/s', ({ rate }) => formatNumber(rate)),
  { title: '`pipelining`', align: 'left', cell: ({ name }) => `\`${name}\`` },
  right('p50 ms', ({ p50Ms }) => orDash(p50Ms, 2)),
  right('p90 ms', ({ p90Ms }) => orDash(p90Ms, 2)),
  right('p99 ms', ({ p99Ms }) => orDash(p99Ms, 1)),
  right('p99.9 ms', ({ p999Ms }) => orDash(p999Ms, 1)),
  right('max ms', ({ maxMs }) => orDash(maxMs, 1)),
  right('held back', ({ heldShare }) => (heldShare === null ? '-' : percents(heldShare))),
  right('CPU us/req', ({ cpuUs }) => orDash(cpuUs, 1)),
  right('of the first', ({ cpuRatio }) => orDash(cpuRatio, 2)),
  right('failed', ({ failed }) => formatNumber(failed)),
  right('late ms', ({ lateMs }) => formatNumber(lateMs, 1)),
]

export function renderPoints(points: readonly Point[]): string {
  return renderTable(
    columns,
    points.map((point) => columns.map(({ cell }) => cell(point))),
  )
}

function percents(share: Spread): string {
  const percent = { median: share.median * 100, min: share.min * 100, max: share.max * 100 }
  return `${formatSpread(percent, 2)} %`
}

function orDash(value: Spread | null, digits: number): string {
  return value === null ? '-' : formatSpread(value, digits)
}
