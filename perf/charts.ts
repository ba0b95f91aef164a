/** `node perf/charts.ts RESULTS.json [FOLDER]`: draws the charts of an earlier run, into `perf/charts` by default. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chartsMissing, drawCharts } from './harness/charts.ts'
import type { Results } from './harness/results.ts'

const [file, folder = fileURLToPath(new URL('charts', import.meta.url))] = process.argv.slice(2)
if (file === undefined) fail('usage: node perf/charts.ts RESULTS.json [FOLDER]', 2)
const missing = chartsMissing()
if (missing !== null) fail(missing, 1)
const results = JSON.parse(readFileSync(file, 'utf8')) as Results
if (results.version !== 2)
  fail(`${file} is of version ${results.version}, which had no rows by subject; expected 2`, 1)
for (const path of drawCharts(results, folder)) console.log(path)

function fail(message: string, code: number): never {
  console.error(message)
  process.exit(code)
}
