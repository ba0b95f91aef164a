/**
 * `npm run bench -- --record FILE ...`: the tables and charts of perf/TABLES.md from runs that were measured before, whole or stopped;
 * and what `--full` does with its results at its end.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chartsMissing, drawCharts } from './harness/charts.ts'
import { withText } from './harness/document.ts'
import { markers, renderRecord } from './harness/record.ts'
import { merge, type Recorded, readResults } from './harness/recorded.ts'
import { all } from './scenarios/catalogue.ts'

const perf = fileURLToPath(new URL('.', import.meta.url))

/** What the charts are called in the document. */
const titles: Readonly<Record<string, string>> = {
  'cpu.svg': 'CPU per request',
  'latency.svg': 'Latency at half of the highest rate',
}

/**
 * Reads runs, and says what of each is shown.
 *
 * @param files of a later one a scenario replaces that of an earlier one
 * @param out as for `writeRecord`
 * @throws {Error} for a file that is not of a run, or that the document could not link to.
 */
export function record(files: readonly string[], out: string | null): void {
  const folder = join(perf, 'results')
  const runs = files.map((file) => ({ file: resolve(file), results: readResults(file) }))
  const elsewhere = out === null ? runs.find(({ file }) => dirname(file) !== folder) : undefined
  if (elsewhere !== undefined)
    throw new Error(
      `${elsewhere.file}: expected a file in ${folder}, which perf/TABLES.md can link to; copy it there, or name another place for the tables with --out FOLDER`,
    )
  const merged = merge(runs)
  for (const { file } of runs) {
    const shown = merged.find((one) => one.file === file)?.results.summaries ?? []
    const names = [...new Set(shown.map(({ scenario }) => scenario))]
    console.log(`${shortPath(file)}: ${names.join(', ') || 'nothing, all of it is in later files'}`)
  }
  writeRecord(merged, out)
}

/**
 * Draws the charts and writes the tables.
 *
 * @param runs no two of which have rows of the same scenario
 * @param out null: into perf/charts and perf/TABLES.md; else a folder, which gets the charts and a `record.md`
 */
export function writeRecord(runs: readonly Recorded[], out: string | null): void {
  const document = out === null ? join(perf, 'TABLES.md') : join(resolve(out), 'record.md')
  const base = dirname(document)
  mkdirSync(base, { recursive: true })
  const undrawn = chartsMissing()
  if (undrawn !== null) console.log(`skipped: charts, ${undrawn}`)
  const drawn =
    undrawn === null
      ? drawCharts(
          runs.map(({ results }) => results),
          out === null ? join(perf, 'charts') : base,
        )
      : []
  for (const chart of drawn) console.log(`drawn: ${shortPath(chart)}`)
  const text = renderRecord(
    runs.map(({ file, results }) => ({ file: relative(base, file), results })),
    {
      all,
      // A chart that was not drawn now is of another run.
      charts: Object.fromEntries(drawn.map((chart) => [titles[basename(chart)]!, relative(base, chart)])),
    },
  )
  writeFileSync(
    document,
    out === null ? withText(readFileSync(document, 'utf8'), markers, text) : `${text}\n`,
  )
  console.log(`written: ${shortPath(document)}`)
}

function shortPath(path: string): string {
  return relative(process.cwd(), path)
}
