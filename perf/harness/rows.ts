import type { Peer } from '../peers/peer.ts'
import { canRun } from '../peers/peers.ts'
import type { Row } from './row.ts'
import type { Scenario } from './scenario.ts'

/** The peer that everything is divided by where it runs: what most people have today. */
export const yardstick = 'nginx'

/**
 * The rows for some scenarios and the peers that are there, in the catalogue's order, Weir first, with the baselines
 * that they are divided by.
 *
 * @param all every scenario, to take baselines from
 * @param before another Weir runs them too, and all is divided by that
 */
export function rowsFor(
  wanted: readonly Scenario[],
  all: readonly Scenario[],
  peers: readonly Peer[],
  before = false,
): readonly Row[] {
  const asked = wanted.flatMap((scenario) => rowsOf(scenario, peers, before))
  const needed = new Set(asked.flatMap((row) => [row.name, row.baseline]))
  const names = new Set(wanted.map((scenario) => scenario.name))
  const possible = all.flatMap((scenario) => [
    ...rowsOf(scenario, names.has(scenario.name) ? peers : [], before),
    alone(scenario),
  ])
  return possible.filter((row) => needed.has(row.name))
}

function rowsOf(scenario: Scenario, peers: readonly Peer[], before: boolean): readonly Row[] {
  const able = peers.filter((peer) => canRun(peer, scenario)).map((peer) => peer.name)
  const earlier = before && scenario.weir !== null ? ['before'] : []
  const divisor = [...earlier, ...able.filter((name) => name === yardstick)][0]
  const baseline = divisor === undefined ? scenario.baseline : `${scenario.name}@${divisor}`
  const own = { name: scenario.name, baseline, subject: scenario.weir === null ? 'origin' : 'weir', scenario }
  const others = [...earlier, ...able].map((subject) => ({
    name: `${scenario.name}@${subject}`,
    baseline,
    subject,
    scenario,
  }))
  return [own, ...others]
}

/** The same load on an origin alone. */
function alone(scenario: Scenario): Row {
  const name = `${scenario.name}@origin`
  return { name, baseline: name, subject: 'origin', scenario }
}

/**
 * Rows that run together, turn by turn: those that are divided by the same row, unless they say otherwise. One group after the
 * other, since idle subjects take memory.
 */
export function groups(rows: readonly Row[]): readonly (readonly Row[])[] {
  const byKey = new Map<string, Row[]>()
  for (const row of rows) {
    const key = row.group ?? row.baseline
    const group = byKey.get(key)
    if (group === undefined) byKey.set(key, [row])
    else group.push(row)
  }
  return [...byKey.values()]
}
