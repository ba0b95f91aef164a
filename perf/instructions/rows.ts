import type { Row } from '../harness/row.ts'
import type { Scenario } from '../harness/scenario.ts'
import type { Peer } from '../peers/peer.ts'
import { canRun } from '../peers/peers.ts'

/**
 * What is counted: each scenario by Weir and by the peers that can, divided by the first peer, or else by the scenario's own baseline,
 * which is counted too. Where that is no Weir, by itself: an origin alone compares with nothing here.
 *
 * @param all every scenario, to take baselines from
 * @throws {RangeError} for a scenario in which Weir has no part, or that h2load cannot ask.
 */
export function countedRows(
  wanted: readonly Scenario[],
  all: readonly Scenario[],
  peers: readonly Peer[],
): readonly Row[] {
  const names = new Set<string>()
  for (const { name, weir, tls, load, baseline } of wanted) {
    if (weir === null || tls || load.protocol !== 'http')
      throw new RangeError(`"${name}" cannot be counted: expected Weir, asked over plain HTTP`)
    names.add(name)
    if (all.some((one) => one.name === baseline && one.weir !== null)) names.add(baseline)
  }
  return all
    .filter(({ name }) => names.has(name))
    .flatMap((scenario) => {
      const subjects = peers.filter((peer) => canRun(peer, scenario)).map(({ name }) => name)
      const first = subjects[0]
      const own = names.has(scenario.baseline) ? scenario.baseline : scenario.name
      const baseline = first === undefined ? own : `${scenario.name}@${first}`
      return [
        { name: scenario.name, baseline, subject: 'weir', scenario },
        ...subjects.map((subject) => ({ name: `${scenario.name}@${subject}`, baseline, subject, scenario })),
      ]
    })
}
