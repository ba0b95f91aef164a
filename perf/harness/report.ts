import type { Spread } from './statistics.ts'
import type { Summary } from './summary.ts'
import { type Column, formatNumber, formatSpread, left, renderTable, right } from './table.ts'

interface Figure extends Column {
  readonly cell: (row: Summary) => string
  /** The column is left out if this holds for no row. */
  readonly shownIf?: (row: Summary) => boolean
}

const mebibyte = 1024 * 1024

const figures: readonly Figure[] = [
  { ...left('scenario'), cell: (row) => row.name },
  { ...right('CPU us/req'), cell: (row) => orDash(row.cpu?.totalUs, 1) },
  { ...right('user'), cell: (row) => middle(row.cpu?.userUs, 1) },
  { ...right('system'), cell: (row) => middle(row.cpu?.systemUs, 1) },
  { ...right('req/s'), cell: (row) => formatSpread(row.requestsPerSecond) },
  { ...right('cores busy'), cell: (row) => middle(row.cpu?.coresBusy, 2) },
  { ...right('p50 ms'), cell: (row) => formatSpread(inMilliseconds(row.p50Us), 2) },
  { ...right('p99 ms'), cell: (row) => formatSpread(inMilliseconds(row.p99Us), 2) },
  { ...right('p99.9 ms'), cell: (row) => middle(inMilliseconds(row.p999Us), 2) },
  { ...right('failed'), cell: (row) => formatNumber(failed(row)) },
  {
    ...right('log B/req'),
    cell: (row) => middle(row.logBytes, 0),
    shownIf: (row) => row.logBytes.median >= 0.5,
  },
  { ...right('CPU ratio'), cell: (row) => (isBaseline(row) ? '' : orDash(row.cpu?.ratio, 2)) },
  {
    ...right('req/s ratio'),
    cell: (row) => (isBaseline(row) ? '' : formatSpread(row.rateRatio, 2)),
  },
  { ...left('to'), cell: (row) => (isBaseline(row) ? '' : row.baseline) },
]

const halfRate: readonly Figure[] = [
  { ...left('scenario'), cell: (row) => row.name },
  { ...right('at req/s'), cell: (row) => number(row.halfRate?.targetPerSecond) },
  { ...right('p50 ms'), cell: (row) => milliseconds(row.halfRate?.p50Us) },
  { ...right('p99 ms'), cell: (row) => milliseconds(row.halfRate?.p99Us) },
  { ...right('p99.9 ms'), cell: (row) => milliseconds(row.halfRate?.p999Us) },
  { ...right('failed'), cell: (row) => number(row.halfRate?.failed) },
  { ...right('system calls/req'), cell: (row) => number(row.passes.systemCalls?.perRequest, 1) },
  { ...right('allocated B/req'), cell: (row) => number(row.passes.allocatedBytes) },
  {
    ...right('Buffers B/req'),
    cell: (row) => number(row.passes.bufferBytes),
    shownIf: (row) => (row.passes.bufferBytes ?? 0) >= 0.5,
  },
  {
    ...right('memory MiB'),
    cell: (row) => number(row.memory?.residentBytes.median, 0, mebibyte),
  },
  { ...right('peak MiB'), cell: (row) => number(row.memory?.peakBytes, 0, mebibyte) },
]

/** Medians over the turns, with the lowest and the highest in parentheses where they matter; failures by kind below. */
export function renderSummaries(summaries: readonly Summary[]): string {
  return [render(figures, summaries), ...summaries.filter((row) => failed(row) > 0).map(failureLine)].join(
    '\n',
  )
}

/** What is no figure of the timed turns: latency at half of the rate, what requests take beside time, memory. */
export function renderPasses(summaries: readonly Summary[]): string {
  return render(halfRate, summaries)
}

function render(columns: readonly Figure[], summaries: readonly Summary[]): string {
  const shown = columns.filter((figure) => figure.shownIf === undefined || summaries.some(figure.shownIf))
  return renderTable(
    shown,
    summaries.map((row) => shown.map((figure) => figure.cell(row))),
  )
}

function failureLine(row: Summary): string {
  const counts = Object.entries(row.failed).map(([kind, count]) => `${kind} ${formatNumber(count)}`)
  return `failed, ${row.name}: ${counts.join(', ')}`
}

function failed(row: Summary): number {
  return Object.values(row.failed).reduce((sum, count) => sum + count, 0)
}

function isBaseline(row: Summary): boolean {
  return row.baseline === row.name
}

function inMilliseconds(us: Spread): Spread {
  return { median: us.median / 1000, min: us.min / 1000, max: us.max / 1000 }
}

function milliseconds(us: Spread | undefined): string {
  return us === undefined ? '-' : formatSpread(inMilliseconds(us), 2)
}

function orDash(value: Spread | undefined, digits: number): string {
  return value === undefined ? '-' : formatSpread(value, digits)
}

function middle(value: Spread | undefined, digits: number): string {
  return value === undefined ? '-' : formatNumber(value.median, digits)
}

function number(value: number | null | undefined, digits = 0, per = 1): string {
  return value === null || value === undefined ? '-' : formatNumber(value / per, digits)
}
