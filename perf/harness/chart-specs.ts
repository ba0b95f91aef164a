/** The charts of a run as Vega-Lite specifications: data and marks, drawn by perf/charts/render.js. */
import { isFailing } from './doubt.ts'
import type { Results } from './results.ts'
import type { Summary } from './summary.ts'

export interface Bar {
  readonly scenario: string
  readonly subject: string
  readonly median: number
  readonly min: number
  readonly max: number
}

export interface Point {
  readonly scenario: string
  readonly subject: string
  readonly percentile: 'p50' | 'p99' | 'p99.9'
  readonly ms: number
}

/** Scenarios that several subjects ran: there is something to compare. All, where there is none of these. */
export function comparable(summaries: readonly Summary[]): readonly Summary[] {
  const several = summaries.filter((row) =>
    summaries.some((other) => other.scenario === row.scenario && other.subject !== row.subject),
  )
  return several.length === 0 ? summaries : several
}

/** Microseconds per request of each row that has them, and did not fail: a bar is there to be compared. */
export function cpuBars(summaries: readonly Summary[]): readonly Bar[] {
  return summaries.flatMap((row) =>
    row.cpu === null || isFailing(row)
      ? []
      : [{ scenario: row.scenario, subject: row.subject, ...row.cpu.totalUs }],
  )
}

/** Latency at half of the rate, of each row that it was measured of, and that did not fail: half of a rate of failures is none. */
export function latencyPoints(summaries: readonly Summary[]): readonly Point[] {
  return summaries.flatMap((row) => {
    const { scenario, subject, halfRate } = row
    if (halfRate === null || isFailing(row)) return []
    const { p50Us, p99Us, p999Us } = halfRate
    return [
      { scenario, subject, percentile: 'p50', ms: p50Us.median / 1000 } as const,
      { scenario, subject, percentile: 'p99', ms: p99Us.median / 1000 } as const,
      { scenario, subject, percentile: 'p99.9', ms: p999Us.median / 1000 } as const,
    ]
  })
}

/** Grey that can be read on white and on near black, on no background of its own: GitHub shows both. */
export const ink = '#737d89'
const grid = '#737d8940'
/** Told apart on both, and by those who see no red or green (Okabe and Ito). */
export const colours = { weir: '#0b84d8', others: '#8c96a3', p50: '#0b84d8', p99: '#e69f00', p999: '#d55e00' }

export const config = {
  background: 'transparent',
  font: 'system-ui, sans-serif',
  view: { stroke: null },
  title: { color: ink, subtitleColor: ink },
  header: { labelColor: ink, labelFontWeight: 'bold', labelFontSize: 12, title: null },
  axis: {
    labelColor: ink,
    titleColor: ink,
    domainColor: ink,
    tickColor: ink,
    gridColor: grid,
    labelFontSize: 11,
  },
  legend: { labelColor: ink, titleColor: ink },
}

interface Compared {
  readonly runs: readonly Results[]
  readonly rows: readonly Summary[]
}

function compared(runs: readonly Results[]): Compared {
  return { runs, rows: comparable(runs.flatMap(({ summaries }) => summaries)) }
}

/** A panel for each scenario; the subjects in it are to be compared, the panels are not: each has its own scale. */
function panels(
  { runs, rows }: Compared,
  title: string,
  values: readonly object[],
  layer: readonly object[],
): object {
  const scenarios = [...new Set(rows.map((row) => row.scenario))]
  const subjects = [...new Set(rows.map((row) => row.subject))]
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: title, subtitle: describe(runs), anchor: 'start', offset: 12 },
    data: { values },
    facet: { field: 'scenario', type: 'nominal', sort: scenarios, title: null },
    columns: Math.min(3, scenarios.length),
    resolve: { scale: { x: 'independent', y: 'independent' } },
    spec: {
      width: 170,
      height: { step: 18 },
      encoding: { y: { field: 'subject', type: 'nominal', sort: subjects, title: null } },
      layer,
    },
    config,
  }
}

/** @param runs no two of which have rows of the same scenario */
export function cpuChart(runs: readonly Results[]): object {
  const shown = compared(runs)
  return panels(
    shown,
    'CPU per request, microseconds: median, lowest and highest turn',
    cpuBars(shown.rows),
    [
      {
        mark: { type: 'bar', height: { band: 0.7 } },
        encoding: {
          x: { field: 'median', type: 'quantitative', title: null, axis: { tickCount: 4 } },
          color: {
            condition: { test: "datum.subject === 'weir'", value: colours.weir },
            value: colours.others,
          },
        },
      },
      {
        mark: { type: 'rule', color: ink, strokeWidth: 2 },
        encoding: { x: { field: 'min', type: 'quantitative' }, x2: { field: 'max' } },
      },
    ],
  )
}

/** Ten lines for each decade, as is the default, would be all that is to be seen. */
const decades = [0.01, 0.1, 1, 10, 100, 1000, 10_000]

/** @param runs as for `cpuChart` */
export function latencyChart(runs: readonly Results[]): object {
  const shown = compared(runs)
  const title = 'Latency at half of the highest rate, milliseconds: medians over the turns'
  return panels(shown, title, latencyPoints(shown.rows), [
    {
      mark: { type: 'point', filled: true, size: 60, opacity: 1 },
      encoding: {
        x: {
          field: 'ms',
          type: 'quantitative',
          title: null,
          scale: { type: 'log' },
          axis: { values: decades },
        },
        color: {
          field: 'percentile',
          type: 'nominal',
          sort: ['p50', 'p99', 'p99.9'],
          scale: { domain: ['p50', 'p99', 'p99.9'], range: [colours.p50, colours.p99, colours.p999] },
          legend: { title: null, orient: 'top' },
        },
      },
    },
  ])
}

/** A line for each run. The one with most scenarios is what the chart is of; of the others it is said which are theirs. */
function describe(runs: readonly Results[]): readonly string[] {
  const scenarios = runs.map(({ summaries }) => [...new Set(summaries.map(({ scenario }) => scenario))])
  const most = Math.max(...scenarios.map(({ length }) => length))
  const main = scenarios.findIndex(({ length }) => length === most)
  return runs.map(({ machine, revision, date, schedule }, index) => {
    const only = index === main ? '' : `: ${scenarios[index]!.join(', ')}`
    return `${machine.cpu}; Weir ${revision}, ${date.slice(0, 10)}; ${schedule.turns} turns of ${schedule.seconds} s${only}`
  })
}
