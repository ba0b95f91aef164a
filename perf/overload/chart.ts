/** Goodput and p99 over the offered load as a Vega-Lite specification: a row for each setup. */
import { config, ink } from '../harness/chart-specs.ts'
import { formatNumber } from '../harness/table.ts'
import type { OverloadResults } from './results.ts'
import { type Point, pointsOf } from './summary.ts'

/** Told apart by those who see no red or green (Okabe and Ito), and on white and near black. */
const colours: Readonly<Record<string, string>> = {
  'weir controlled': '#0b84d8',
  weir: '#56b4e9',
  haproxy: '#e69f00',
  nginx: '#d55e00',
  direct: '#8c96a3',
}

const panel = { width: 260, height: 150 }

export function overloadChart(results: OverloadResults): object {
  const { machine, revision, date, schedule, setups } = results
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: {
      text: 'Offered load in multiples of the capacity, in open loop: goodput, and p99 of the served',
      subtitle: `${machine.cpu}; Weir ${revision}, ${date.slice(0, 10)}; medians of ${schedule.turns}, lowest to highest; a client waits 2 s`,
      anchor: 'start',
      offset: 12,
    },
    vconcat: setups.map((setup) => {
      const values = pointsOf(setup)
      const says = `${setup.name}: capacity ${formatNumber(setup.capacity)}/s`
      return { hconcat: [goodput(values, says, setup.capacity), latency(values)] }
    }),
    config,
  }
}

const load = {
  field: 'load',
  type: 'quantitative',
  title: 'offered load',
  axis: { values: [0.5, 1, 1.5, 2, 4], format: '~g', labelOverlap: false },
}

const color = {
  field: 'variant',
  type: 'nominal',
  scale: { domain: Object.keys(colours), range: Object.values(colours) },
  legend: { title: null, orient: 'right' },
}

function goodput(points: readonly Point[], title: string, capacity: number): object {
  const values = points.map(({ variant, load, goodPerSecond }) => ({ variant, load, ...goodPerSecond }))
  return {
    ...panel,
    title: { text: title, color: ink, fontSize: 12, anchor: 'start' },
    data: { values },
    encoding: { x: load },
    layer: [
      {
        mark: { type: 'rule', color: ink, strokeDash: [4, 4] },
        encoding: { x: null, y: { datum: capacity } },
      },
      ...lines('served in time, per second', { zero: true }),
    ],
  }
}

function latency(points: readonly Point[]): object {
  const values = points.flatMap(({ variant, load, p99Ms }) =>
    p99Ms === null ? [] : [{ variant, load, ...p99Ms }],
  )
  return {
    ...panel,
    data: { values },
    encoding: { x: load },
    layer: lines('p99 of the served, ms', { type: 'log' }, { values: [1, 10, 100, 1000] }),
  }
}

function lines(title: string, scale: object, axis: object = {}): readonly object[] {
  return [
    {
      mark: { type: 'line', point: { size: 40 }, strokeWidth: 2 },
      encoding: { y: { field: 'median', type: 'quantitative', title, scale, axis }, color },
    },
    {
      mark: { type: 'rule', strokeWidth: 1.5 },
      encoding: { y: { field: 'min', type: 'quantitative' }, y2: { field: 'max' }, color },
    },
  ]
}
