import { noSuch, type UsageError } from '../../src/usage-error.ts'
import type { Scenario, Suite } from '../harness/scenario.ts'
import { features } from './features.ts'
import { goals } from './goals.ts'
import { logging } from './logging.ts'
import { routes } from './routes.ts'
import { traffic } from './traffic.ts'

export const suites: readonly Suite[] = [routes, traffic, logging, features]

/** Suites of scenarios that stand in others already. */
export const selections: readonly Suite[] = [goals]

/** What runs when the command line names nothing: two to three minutes with two peers. */
const shortForm = ['isolated', 'small']

/** Earlier names that stand in reports. */
const aliases: Readonly<Record<string, string>> = { one: 'small' }

export const all: readonly Scenario[] = suites.flatMap((suite) => suite.scenarios)

/**
 * Scenarios by the names of scenarios or suites, in the catalogue's order and each once. Without names: the short form, or all.
 *
 * @throws {UsageError} for a name that is neither, with those that are.
 */
export function select(names: readonly string[], full = false): readonly Scenario[] {
  if (full) return all
  const wanted = new Set((names.length === 0 ? shortForm : names).flatMap(named))
  return all.filter((scenario) => wanted.has(scenario))
}

/** The suite that is all that was asked for; null: there is none, or something else too. */
export function onlySuite(names: readonly string[]): Suite | null {
  return names.length === 1 ? (suiteCalled(names[0]!) ?? null) : null
}

function suiteCalled(name: string): Suite | undefined {
  return [...suites, ...selections].find((suite) => suite.name === name)
}

function named(name: string): readonly Scenario[] {
  const suite = suiteCalled(name)
  if (suite !== undefined) return suite.scenarios
  const scenario = all.find((one) => one.name === (aliases[name] ?? name))
  if (scenario === undefined) throw unknown(name)
  return [scenario]
}

/** One line per suite and scenario, for `--list`. */
export function describe(): string {
  const width = Math.max(...all.map((scenario) => scenario.name.length))
  return [
    ...suites.flatMap((suite) => [
      `${suite.name}: ${suite.what}`,
      ...suite.scenarios.map((scenario) => `  ${scenario.name.padEnd(width)}  ${describeOne(scenario)}`),
    ]),
    ...selections.flatMap(({ name, what, scenarios }) => [
      `${name}: ${what}`,
      `  ${scenarios.map((scenario) => scenario.name).join(', ')}`,
    ]),
  ].join('\n')
}

function describeOne({ name, what }: Scenario): string {
  const alias = Object.keys(aliases).find((key) => aliases[key] === name)
  return [what, alias && `also "${alias}"`, shortForm.includes(name) && 'by default']
    .filter(Boolean)
    .join('; ')
}

function unknown(name: string): UsageError {
  const ofSuites = [...suites, ...selections].map((suite) => suite.name)
  const ofScenarios = all.map((scenario) => scenario.name)
  const listed = `suites ${ofSuites.join(', ')}; scenarios ${ofScenarios.join(', ')}`
  return noSuch('scenario or suite', name, [...ofSuites, ...ofScenarios], listed)
}
