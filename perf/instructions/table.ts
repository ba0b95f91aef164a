import { type Column, formatNumber, formatSpread, left, renderTable, right } from '../harness/table.ts'
import type { InstructionsSummary } from './summary.ts'

const columns: readonly Column[] = [
  left('scenario'),
  right('instructions'),
  right('ratio'),
  right('clock'),
  right('per turn'),
  right('system calls'),
  right('and others'),
  right('CPU ratio below'),
]

export function renderCounts(summaries: readonly InstructionsSummary[]): string {
  return renderTable(
    columns,
    summaries.map((one) => [
      `\`${one.name}\``,
      formatSpread(one.instructions),
      one.ratio === null ? '' : formatSpread(one.ratio, 3),
      formatNumber(one.clockReadings, 2),
      formatNumber(one.requestsPerTurn, 1),
      one.ownCalls === null ? '-' : formatNumber(one.ownCalls, 2),
      one.otherCalls === null ? '-' : formatNumber(one.otherCalls, 2),
      one.cpuRatio === null ? '' : formatNumber(one.cpuRatio, 3),
    ]),
  )
}

export const legend =
  'per request, in user space, by one thread: the median over the turns (lowest..highest); ratios to the baseline of the same turn; readings ' +
  'of the clock; requests in each turn of the event loop; system calls of requests, and of connections and the loop'
