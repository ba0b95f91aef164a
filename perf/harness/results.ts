import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Machine } from './machine.ts'
import type { Measured } from './run.ts'
import type { Schedule } from './run-settings.ts'
import type { Summary } from './summary.ts'

/** The content of a file in `perf/results`: everything that was measured, and what it was measured with. */
export interface Results {
  /** Of this form: higher when a reader of older files would be misled. */
  readonly version: 2
  /** ISO 8601, UTC: when the run began. */
  readonly date: string
  /** The commit of the Weir that was measured. */
  readonly revision: string
  /** The commit of the harness that measured it: another one with `--weir`. */
  readonly harness: string
  /** Versions of the peers, by name. */
  readonly peers: Readonly<Record<string, string>>
  readonly machine: Machine
  readonly generator: string
  readonly placement: string
  readonly schedule: Schedule
  /** Of the order of rows in each turn; absent in older results, where each turn began one row further. */
  readonly seed?: number
  /** The run was not at its end when this was written, and may never have come there; absent: it was. */
  readonly unfinished?: true
  readonly summaries: readonly Summary[]
  readonly measured: readonly Measured[]
}

/** Writes `<date>-<revision>.json`, in the place of an earlier one of the same run, and returns its path. */
export function writeResults(folder: string, results: Results): string {
  return writeRun(folder, results, '')
}

/** Writes what a run of any kind has found. @param kind behind the revision in the file's name, as `-overload` @returns the path */
export function writeRun<R extends { readonly date: string; readonly revision: string }>(
  folder: string,
  results: R,
  kind: string,
): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${fileDate(results.date)}-${results.revision}${kind}.json`)
  // Whole or not there: it replaces what an hour has brought so far.
  const unfinished = `${path}.part`
  writeFileSync(unfinished, `${JSON.stringify(results, null, 1)}\n`)
  renameSync(unfinished, path)
  return path
}

/** `2026-01-31T12:34:56.789Z` as `2026-01-31T123456Z`: sortable, and allowed in file names everywhere. */
function fileDate(iso: string): string {
  return iso.replace(/\.\d+Z$/, 'Z').replaceAll(':', '')
}

/** What measuring itself writes. */
const written = [
  'perf/results',
  'perf/charts/*.svg',
  'perf/overhead.json',
  'perf/profiles',
  'perf/README.md',
  'perf/TABLES.md',
  'perf/report.md',
  'README.md',
]

/** The checkout that a command line of Weir belongs to: `src/cli.ts` and `dist/cli.js` lie one below it. */
export function checkoutOf(weir: string): string {
  return dirname(dirname(weir))
}

/** The commit of a checkout; `dirty` if anything but earlier measurements differs from it, or nobody can tell. */
export function revision(root: string): string {
  try {
    const others = written.map((path) => `:!${path}`)
    const changes = git(root, 'status', '--porcelain', '--', '.', ...others)
    return changes === '' ? git(root, 'rev-parse', '--short', 'HEAD') : 'dirty'
  } catch {
    return 'dirty'
  }
}

function git(root: string, ...args: readonly string[]): string {
  return execFileSync('git', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}
