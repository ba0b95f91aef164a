/**
 * `node perf/charts.ts RESULTS.json [FOLDER]`: draws the charts of an earlier run, into `perf/results/charts` by default, or of an earlier
 * overload, into `perf/charts`. The charts of perf/TABLES.md stand with its tables: `npm run bench -- --record` draws and writes both.
 */
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

  draws the charts of an earlier run or overload (perf/results); FOLDER is perf/results/charts by default, and
  perf/charts for an overload; "npm run bench -- --record" draws those that perf/TABLES.md shows, with its tables`

const { file, named } = understand('charts', 'node perf/charts.ts --help', () => {
  const { values, positionals } = parseCommandLine({
    args: process.argv.slice(2),
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h', default: false } },
  })
  if (values.help) {
    console.log(usage)
    process.exit(0)
  }
  const [file, named, ...others] = positionals
  if (file === undefined || others.length > 0)
    throw new UsageError(`expected RESULTS.json [FOLDER], found ${positionals.join(' ') || 'nothing'}`)
  return { file, named }
})
const missing = chartsMissing()
if (missing !== null) fail(missing, 1)
const read = JSON.parse(readFileSync(file, 'utf8')) as { readonly kind?: string; readonly version: number }
for (const path of read.kind === 'overload' ? drawOverload(read as OverloadResults) : draw(read as Results))
  console.log(path)

function drawOverload(results: OverloadResults): readonly string[] {
  const path = join(named ?? own('charts'), 'overload.svg')
  writeFileSync(path, `${render(overloadChart(results))}\n`)
  return [path]
}

function draw(results: Results): readonly string[] {
  if (read.version !== 2)
    fail(`${file} is of version ${read.version}, which had no rows by subject; expected 2`, 1)
  return drawCharts([results], named ?? own('results/charts'))
}

function own(folder: string): string {
  return fileURLToPath(new URL(folder, import.meta.url))
}

function fail(message: string, code: number): never {
  console.error(message)
  process.exit(code)
}
