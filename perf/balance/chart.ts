/** The p99 of each policy, healthy and with one of three endpoints ten times slower, as a Vega-Lite specification. */
import { colours, config, ink } from '../harness/chart-specs.ts'
import { type Figures, nameOf } from './figures.ts'

const healthy = 'all healthy'
const slow = 'one ten times slower'

export function chart(rows: readonly Figures[]): object {
  const values = rows.flatMap(({ healthyP99, slowP99, ...row }) => [
    { policy: nameOf(row), endpoints: healthy, ms: healthyP99, label: label(healthyP99) },
    { policy: nameOf(row), endpoints: slow, ms: slowP99, label: label(slowP99) },
  ])
  const policies = rows.map(nameOf)
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: {
      text: 'p99 of 1,000 requests per second to three endpoints',
      subtitle: 'simulated; logarithmic scale',
      anchor: 'start',
      offset: 12,
    },
    data: { values },
    width: 480,
    height: { step: 13 },
    encoding: {
      y: { field: 'policy', type: 'nominal', sort: policies, title: null },
      yOffset: { field: 'endpoints', type: 'nominal', sort: [healthy, slow] },
      // A bar on a logarithmic scale has no zero to begin at.
      x: {
        field: 'ms',
        type: 'quantitative',
        scale: { type: 'log', domain: [1, 1_000_000] },
        title: 'milliseconds',
        axis: { values: [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000] },
      },
    },
    layer: [
      {
        mark: 'bar',
        encoding: {
          x2: { datum: 1 },
          color: {
            field: 'endpoints',
            type: 'nominal',
            scale: { domain: [healthy, slow], range: [colours.weir, colours.p999] },
            legend: { orient: 'top', title: null, labelLimit: 300 },
          },
        },
      },
      {
        mark: { type: 'text', align: 'left', dx: 4, color: ink, fontSize: 10 },
        encoding: { text: { field: 'label' } },
      },
    ],
    config,
  }
}

function label(ms: number): string {
  return ms >= 1_000 ? `${Number((ms / 1_000).toFixed(1))} s` : `${Number(ms.toFixed(0))} ms`
}
