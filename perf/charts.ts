/** `node perf/charts.ts RESULTS.json [FOLDER]`: draws the charts of an earlier run, into `perf/charts` by default. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chartsMissing, drawCharts, render } from './harness/charts.ts'
import type { Results } from './harness/results.ts'
import { overloadChart } from './overload/chart.ts'
import type { OverloadResults } from './overload/results.ts'

const [file, folder = fileURLToPath(new URL('charts', import.meta.url))] = process.argv.slice(2)
if (file === undefined) fail('usage: node perf/charts.ts RESULTS.json [FOLDER]', 2)
const missing = chartsMissing()
if (missing !== null) fail(missing, 1)
const results = JSON.parse(readFileSync(file, 'utf8')) as Results | OverloadResults
if ('kind' in results) {
  const path = join(folder, 'overload.svg')
  writeFileSync(path, `${render(overloadChart(results))}\n`)
  console.log(path)
  process.exit(0)
}
if (results.version !== 2)
  fail(`${file} is of version ${results.version}, which had no rows by subject; expected 2`, 1)
for (const path of drawCharts(results, folder)) console.log(path)

function fail(message: string, code: number): never {
  console.error(message)
  process.exit(code)
}
