/** What `npm run bench overload -- --full` leaves in perf/README.md. */
import type { Markers } from '../harness/document.ts'
import { describeRun } from '../harness/record.ts'
import { formatNumber } from '../harness/table.ts'
import type { Turn } from '../harness/turn.ts'
import { renderVerdicts } from './laws.ts'
import type { OverloadResults } from './results.ts'
import { renderClosedLoop, renderOverview } from './tables.ts'

export const markers: Markers = {
  begin: '<!-- overload: begin, written by npm run bench overload -- --full -->',
  end: '<!-- overload: end -->',
}

/**
 * @param file of the results, as a link in perf/README.md has it
 * @param others how much of the machine others had, as a line
 */
export function renderRecord(results: OverloadResults, file: string, others: string): string {
  const { seed, setups } = results
  const capacities = setups.map(({ name, capacity }) => `\`${name}\` ${formatNumber(capacity)}/s`).join(', ')
  const closedLoop = new Map(
    Object.entries(results.closedLoop).map(([name, turns]: [string, readonly Turn[]]) => [name, { turns }]),
  )
  return [
    describeRun(results, `, seed ${seed}; capacity: ${capacities}`, file, others),
    '![Goodput and p99 over the offered load](charts/overload.svg)',
    'Goodput in percent of the capacity, and p99 of the served:',
    renderOverview(setups),
    ...(closedLoop.size === 0
      ? []
      : ['FastAPI with 500 connections in a closed loop, nothing pinned:', renderClosedLoop(closedLoop)]),
    'What must hold:',
    renderVerdicts(results.verdicts),
  ].join('\n\n')
}
