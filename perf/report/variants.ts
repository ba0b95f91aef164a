/** What the experiments of the report have in common. */
import { fastApi } from '../harness/fastapi.ts'
import type { Load, Scenario, WeirShape } from '../harness/scenario.ts'
import { defaultWeir, small, smallLoad } from '../scenarios/routes.ts'
import type { Claim, Variant } from './experiment.ts'

/** The report's load: `wrk -t4 -c500`. */
export const load: Load = { ...smallLoad, threads: 4, connections: 500 }
export const isolatedLoad: Load = { ...load, path: '/isolated' }

/**
 * @param name that its files can have, unique in an experiment: variants of one scenario share its backends, but for subjects that
 * open a connection for most requests (`reconnects` of a peer), of which each has some of its own
 */
function scenario(name: string, differs: Partial<Scenario>): Scenario {
  return { ...small, name: `report ${name}`, what: '', ...differs }
}

/** The route that touches no backend. */
export function isolated(name: string, differs: Partial<Scenario> = {}): Scenario {
  return scenario(`isolated ${name}`, { load: isolatedLoad, ...differs })
}

export function proxied(name: string, differs: Partial<Scenario> = {}): Scenario {
  return scenario(`proxied ${name}`, { load, origin: fastApi, ...differs })
}

/** Weir with other settings than the default ones. */
export function set(settings: Partial<WeirShape>): Pick<Scenario, 'weir'> {
  return { weir: { ...defaultWeir, ...settings } }
}

export function variant(name: string, subject: string, scenario: Scenario, what: string): Variant {
  return { name, what, subject, scenario }
}

/** One subject in two or more scenarios, named by what differs. */
export function each(
  subjects: readonly string[],
  scenarios: readonly (readonly [name: string, scenario: Scenario, what: string])[],
): readonly Variant[] {
  return subjects.flatMap((subject) =>
    scenarios.map(([name, scenario, what]) => variant(`${subject} ${name}`, subject, scenario, what)),
  )
}

export function ratio(
  says: string,
  [of, to]: readonly [of: string, to: string],
  figure: 'rate' | 'cpu',
  expects: 'higher' | 'lower' | null,
): Claim {
  return { kind: 'ratio', says, figure, of, to, expects }
}
