/** The figures of the overload bench as Markdown. */
import type { Spread } from '../harness/statistics.ts'
import {
  type Column,
  formatNumber,
  formatPercent,
  formatSpread,
  left,
  renderTable,
  right,
} from '../harness/table.ts'
import type { Turn } from '../harness/turn.ts'
import { errorsOf, figuresOf } from '../report/figures.ts'
import type { MeasuredSetup } from './run.ts'
import { type Point, pointsOf } from './summary.ts'

interface PointColumn extends Column {
  readonly cell: (point: Point) => string
}

function columns(capacity: number): readonly PointColumn[] {
  return [
    { ...left('variant'), cell: ({ variant }) => `\`${variant}\`` },
    { ...right('load'), cell: ({ load }) => String(load) },
    { ...right('offered/s'), cell: ({ offeredPerSecond }) => formatNumber(offeredPerSecond) },
    { ...right('good/s'), cell: ({ goodPerSecond }) => formatSpread(goodPerSecond) },
    { ...right('of capacity'), cell: ({ goodPerSecond }) => percent(goodPerSecond.median / capacity) },
    { ...right('p50 ms'), cell: ({ p50Ms }) => orDash(p50Ms) },
    { ...right('p99 ms'), cell: ({ p99Ms }) => orDash(p99Ms) },
    { ...right('shed'), cell: ({ shedShare }) => percent(shedShare) },
    { ...right('timed out'), cell: ({ timeoutShare }) => percent(timeoutShare) },
    { ...right('failed'), cell: ({ failed }) => formatNumber(failed) },
    { ...right('CPU us/req'), cell: ({ cpuUs }) => orDash(cpuUs) },
    { ...right('late ms'), cell: ({ lateMs }) => formatNumber(lateMs, 1) },
  ]
}

/** Everything about one setup: a row for each variant at each load. */
export function renderSetup(setup: MeasuredSetup): string {
  const shown = columns(setup.capacity)
  const points = pointsOf(setup)
  return [
    `${setup.name}: ${setup.what}; capacity ${formatNumber(setup.capacity)} req/s`,
    renderTable(
      shown,
      points.map((point) => shown.map(({ cell }) => cell(point))),
    ),
    ...points.filter(({ errors }) => Object.keys(errors).length > 0).map(errorLine),
  ].join('\n\n')
}

function errorLine({ variant, load, errors }: Point): string {
  const kinds = Object.entries(errors).map(([kind, count]) => `${kind} ${formatNumber(count)}`)
  return `failed, ${variant} at ${load}: ${kinds.join(', ')}`
}

/** For the README: goodput in percent of the capacity and p99 in milliseconds, a column for each load. */
export function renderOverview(setups: readonly MeasuredSetup[]): string {
  const loads = [...new Set(setups.flatMap((setup) => pointsOf(setup).map(({ load }) => load)))].sort(
    (a, b) => a - b,
  )
  const highest = loads.at(-1)
  const rows = setups.flatMap((setup) => {
    const points = pointsOf(setup)
    return setup.variants.map(({ name }) => {
      const at = (load: number | undefined) =>
        points.find((point) => point.variant === name && point.load === load)
      const last = at(highest)
      return [
        setup.name,
        `\`${name}\``,
        ...loads.map((load) => overviewCell(at(load), setup.capacity)),
        last === undefined ? '-' : percent(last.shedShare),
        last === undefined ? '-' : percent(last.timeoutShare),
        last === undefined ? '-' : formatNumber(last.failed),
        last === undefined ? '-' : orDash(last.cpuUs),
      ]
    })
  })
  return renderTable(
    [
      left('setup'),
      left('variant'),
      ...loads.map((load) => right(`${load} x`)),
      right(`shed at ${highest} x`),
      right('timed out'),
      right('failed'),
      right('CPU us/req'),
    ],
    rows,
  )
}

function overviewCell(point: Point | undefined, capacity: number): string {
  if (point === undefined) return '-'
  const p99 = point.p99Ms === null ? '-' : formatNumber(point.p99Ms.median, point.p99Ms.median < 100 ? 1 : 0)
  return `${percent(point.goodPerSecond.median / capacity)}, ${p99} ms`
}

/** The report's experiment, as far as the laws look at it. */
export function renderClosedLoop(measured: ReadonlyMap<string, { readonly turns: readonly Turn[] }>): string {
  const rows = [...measured].map(([name, { turns }]) => {
    const { requestsPerSecond, averageMs, maxMs, errors } = figuresOf(turns)
    const late = turns.reduce((sum, turn) => sum + errorsOf(turn, 'timeout'), 0)
    const failed = Object.values(errors).reduce((sum, count) => sum + count, 0) - late
    return [
      `\`${name}\``,
      formatSpread(requestsPerSecond),
      formatSpread(averageMs, 1),
      formatSpread(maxMs, 1),
      formatNumber(failed),
      formatNumber(late),
    ]
  })
  return renderTable(
    [
      left('variant'),
      right('req/s'),
      right('average ms'),
      right('maximum ms'),
      right('failed'),
      right('over 2 s'),
    ],
    rows,
  )
}

/** Of what is nearly nothing a little more. */
function percent(share: number): string {
  return formatPercent(share, share > 0 && share < 0.01 ? 1 : 0)
}

function orDash(spread: Spread | null): string {
  return spread === null ? '-' : formatSpread(spread, 1)
}
