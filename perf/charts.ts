/** `node perf/charts.ts RESULTS.json [FOLDER]`: draws the charts of an earlier run or overload, into `perf/charts` by default. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseCommandLine, UsageError } from '../src/usage-error.ts'
import { chartsMissing, drawCharts, render } from './harness/charts.ts'
import { understand } from './harness/command-line.ts'
import type { Results } from './harness/results.ts'
import { overloadChart } from './overload/chart.ts'
import type { OverloadResults } from './overload/results.ts'

const usage = `usage: node perf/charts.ts RESULTS.json [FOLDER]

  draws the charts of an earlier run or overload (perf/results); FOLDER is perf/charts by default`

const { file, folder } = understand('charts', 'node perf/charts.ts --help', () => {
  const { values, positionals } = parseCommandLine({
    args: process.argv.slice(2),
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h', default: false } },
  })
  if (values.help) {
    console.log(usage)
    process.exit(0)
  }
  const [file, folder = fileURLToPath(new URL('charts', import.meta.url)), ...others] = positionals
  if (file === undefined || others.length > 0)
    throw new UsageError(`expected RESULTS.json [FOLDER], found ${positionals.join(' ') || 'nothing'}`)
  return { file, folder }
})
const missing = chartsMissing()
if (missing !== null) fail(missing, 1)
const read = JSON.parse(readFileSync(file, 'utf8')) as { readonly kind?: string; readonly version: number }
for (const path of read.kind === 'overload' ? drawOverload(read as OverloadResults) : draw(read as Results))
  console.log(path)

function drawOverload(results: OverloadResults): readonly string[] {
  const path = join(folder, 'overload.svg')
  writeFileSync(path, `${render(overloadChart(results))}\n`)
  return [path]
}

function draw(results: Results): readonly string[] {
  if (read.version !== 2)
    fail(`${file} is of version ${read.version}, which had no rows by subject; expected 2`, 1)
  return drawCharts(results, folder)
}

function fail(message: string, code: number): never {
  console.error(message)
  process.exit(code)
}
