/** Results that were measured before, of one run or of several whose rows stand in one table. */
import { readFileSync } from 'node:fs'
import type { Results } from './results.ts'
import { summarise } from './summary.ts'

/** A run, and of its rows those that are shown. */
export interface Recorded {
  readonly file: string
  /** In a merger its summaries and rows are only those whose scenarios no later run has. */
  readonly results: Results
}

/**
 * Reads a file of `npm run bench`, whole or of a run that was stopped. What is kept of a row besides its turns is worked out again: older
 * files do not have all of it.
 *
 * @throws {Error} that names the file, for anything else.
 */
export function readResults(file: string): Results {
  const read = parse(file)
  if (read.kind !== undefined || read.version !== 2) {
    const found = read.kind ?? (read.version === undefined ? 'something else' : `version ${read.version}`)
    throw new Error(`${file}: expected the results of npm run bench, version 2, found ${found}`)
  }
  const results = read as unknown as Results
  if (!Array.isArray(results.measured) || results.measured.length === 0)
    throw new Error(`${file}: nothing was measured in this run`)
  return { ...results, summaries: summarise(results.measured) }
}

function parse(file: string): { readonly kind?: string; readonly version?: number } {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as object
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`)
  }
}

/**
 * Each scenario's rows from the last of the runs that has it, and from no other: what a row is divided by and compared with is then of
 * the same minutes. A run of which nothing is left is left out.
 *
 * @param runs in their order on the command line: a later one corrects those before it
 */
export function merge(runs: readonly Recorded[]): readonly Recorded[] {
  const last = new Map(runs.flatMap((run) => run.results.summaries.map(({ scenario }) => [scenario, run])))
  return runs
    .map((run): Recorded => {
      const isShown = (scenario: string) => last.get(scenario) === run
      const { file, results } = run
      return {
        file,
        results: {
          ...results,
          summaries: results.summaries.filter(({ scenario }) => isShown(scenario)),
          measured: results.measured.filter(({ row }) => isShown(row.scenario.name)),
        },
      }
    })
    .filter(({ results }) => results.summaries.length > 0)
}

/**
 * What a run is called in a table beside others: its day and the commit of its Weir, and a number where that is not enough.
 *
 * @returns one for each, in their order
 */
export function labels(runs: readonly Recorded[]): readonly string[] {
  const plain = runs.map(({ results: { date, revision } }) => `${date.slice(0, 10)} ${revision}`)
  return plain.map((label, index) => {
    const same = plain.flatMap((other, at) => (other === label ? [at] : []))
    return same.length === 1 ? label : `${label} (${same.indexOf(index) + 1})`
  })
}
