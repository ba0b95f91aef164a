import type { Scenario, Suite } from '../harness/scenario.ts'
import { logging } from './logging.ts'
import { routes } from './routes.ts'

export const suites: readonly Suite[] = [routes, logging]

/** What runs when the command line names nothing. */
export const defaultSuite: Suite = routes

const all: readonly Scenario[] = suites.flatMap((suite) => suite.scenarios)

/**
 * Scenarios by the names of scenarios or suites, in the catalogue's order and each once, with the baselines that
 * they are divided by. Without names: the default suite.
 *
 * @throws {RangeError} for a name that is neither, with those that are.
 */
export function select(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return defaultSuite.scenarios
  const wanted = new Set<string>()
  for (const name of names) {
    const found =
      suites.find((suite) => suite.name === name)?.scenarios ?? all.filter((one) => one.name === name)
    if (found.length === 0) throw new RangeError(unknown(name))
    for (const scenario of found) {
      wanted.add(scenario.name)
      wanted.add(scenario.baseline)
    }
  }
  return all.filter((scenario) => wanted.has(scenario.name))
}

/** One line per suite and scenario, for `--list`. */
export function describe(): string {
  const width = Math.max(...all.map((scenario) => scenario.name.length))
  return suites
    .map((suite) =>
      [
        `${suite.name}: ${suite.what}${suite === defaultSuite ? ' (the default)' : ''}`,
        ...suite.scenarios.map((scenario) => `  ${scenario.name.padEnd(width)}  ${scenario.what}`),
      ].join('\n'),
    )
    .join('\n')
}

function unknown(name: string): string {
  const known = `suites ${suites.map((suite) => suite.name).join(', ')}; scenarios ${all.map((one) => one.name).join(', ')}`
  return `no scenario or suite is called "${name}"; there are: ${known}`
}
