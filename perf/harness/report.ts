import type { Spread } from './statistics.ts'
import type { Summary } from './summary.ts'
import { type Column, formatNumber, formatSpread, renderTable } from './table.ts'

interface Figure extends Column {
  readonly cell: (row: Summary) => string
  /** The column is left out if this holds for no row. */
  readonly shownIf?: (row: Summary) => boolean
}

const mebibyte = 1024 * 1024

const figures: readonly Figure[] = [
  { title: 'scenario', align: 'left', cell: (row) => row.name },
  { title: 'CPU us/req', align: 'right', cell: (row) => orDash(row.cpu?.totalUs, 1) },
  { title: 'user', align: 'right', cell: (row) => middle(row.cpu?.userUs, 1) },
  { title: 'system', align: 'right', cell: (row) => middle(row.cpu?.systemUs, 1) },
  { title: 'req/s', align: 'right', cell: (row) => formatSpread(row.requestsPerSecond) },
  { title: 'cores busy', align: 'right', cell: (row) => middle(row.cpu?.coresBusy, 2) },
  { title: 'p50 ms', align: 'right', cell: (row) => formatSpread(inMilliseconds(row.p50Us), 2) },
  { title: 'p99 ms', align: 'right', cell: (row) => formatSpread(inMilliseconds(row.p99Us), 2) },
  { title: 'p99.9 ms', align: 'right', cell: (row) => middle(inMilliseconds(row.p999Us), 2) },
  { title: 'failed', align: 'right', cell: (row) => formatNumber(failed(row)) },
  {
    title: 'log B/req',
    align: 'right',
    cell: (row) => middle(row.logBytes, 0),
    shownIf: (row) => row.logBytes.median >= 0.5,
  },
  { title: 'CPU ratio', align: 'right', cell: (row) => (isBaseline(row) ? '' : orDash(row.cpu?.ratio, 2)) },
  {
    title: 'req/s ratio',
    align: 'right',
    cell: (row) => (isBaseline(row) ? '' : formatSpread(row.rateRatio, 2)),
  },
  { title: 'to', align: 'left', cell: (row) => (isBaseline(row) ? '' : row.baseline) },
]

const halfRate: readonly Figure[] = [
  { title: 'scenario', align: 'left', cell: (row) => row.name },
  { title: 'at req/s', align: 'right', cell: (row) => number(row.halfRate?.targetPerSecond) },
  { title: 'p50 ms', align: 'right', cell: (row) => milliseconds(row.halfRate?.p50Us) },
  { title: 'p99 ms', align: 'right', cell: (row) => milliseconds(row.halfRate?.p99Us) },
  { title: 'p99.9 ms', align: 'right', cell: (row) => milliseconds(row.halfRate?.p999Us) },
  { title: 'failed', align: 'right', cell: (row) => number(row.halfRate?.failed) },
  { title: 'system calls/req', align: 'right', cell: (row) => number(row.passes.systemCalls?.perRequest, 1) },
  { title: 'allocated B/req', align: 'right', cell: (row) => number(row.passes.allocatedBytes) },
  {
    title: 'Buffers B/req',
    align: 'right',
    cell: (row) => number(row.passes.bufferBytes),
    shownIf: (row) => (row.passes.bufferBytes ?? 0) >= 0.5,
  },
  {
    title: 'memory MiB',
    align: 'right',
    cell: (row) => number(row.memory?.residentBytes.median, 0, mebibyte),
  },
  { title: 'peak MiB', align: 'right', cell: (row) => number(row.memory?.peakBytes, 0, mebibyte) },
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
