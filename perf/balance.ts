/**
 * `node perf/balance.ts`: the policies in the simulator. Prints the table, and writes the data and the chart to
 * `perf/charts/balance.json` and `balance.svg`. Takes some ten seconds; the same seed gives the same figures on every machine.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { chart } from './balance/chart.ts'
import { markdown, measure, parameters } from './balance/figures.ts'
import { chartsMissing, render } from './harness/charts.ts'
import { takeNothing } from './harness/command-line.ts'

takeNothing(
  'perf/balance.ts',
  'the policies in the simulator; ten seconds, writes perf/charts/balance.json and .svg',
)
const folder = new URL('charts/', import.meta.url)
const rows = measure()
mkdirSync(folder, { recursive: true })
writeFileSync(
  new URL('balance.json', folder),
  `${JSON.stringify({ version: 1, parameters, rows }, null, 2)}\n`,
)
console.log(markdown(rows))
const missing = chartsMissing()
if (missing !== null) {
  console.error(`the chart is not drawn: ${missing}`)
  process.exit(1)
}
const even = rows.filter(({ sigma }) => sigma === parameters.sigmas[0])
writeFileSync(new URL('balance.svg', folder), `${render(chart(even))}\n`)
