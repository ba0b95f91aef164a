/** What `npm run profile` prints. */
import { type Column, formatNumber, renderTable } from '../harness/table.ts'
import { amountOf, lines } from './layers.ts'
import type { OverheadRun } from './overhead.ts'
import { orDash, percent, titleOf } from './tables.ts'

/** A run by layer, beside what V8's own profilers make of it. */
export function renderRun(run: OverheadRun): string {
  const names = Object.keys(run.profilers)
  const columns: readonly Column[] = [
    { title: `\`${run.scenario}\``, align: 'left' },
    { title: 'us/req', align: 'right' },
    { title: run.source, align: 'right' },
    ...names.map((name): Column => ({ title: name, align: 'right' })),
  ]
  const rows = lines.map((line) => {
    const us = amountOf(run.layers, line.name)
    return [
      titleOf(line),
      orDash(us, 2),
      percent(us === null ? null : us / run.totalUs),
      ...names.map((name) => percent(amountOf(run.profilers[name]!, line.name))),
    ]
  })
  const calls = Object.entries(run.systemCalls?.byName ?? {}).map(
    ([name, rate]) => `${name} ${formatNumber(rate, 2)}`,
  )
  return [
    renderTable(columns, [
      ...rows,
      ['all', formatNumber(run.totalUs, 2), ...[run.source, ...names].map(() => '')],
    ]),
    `user ${formatNumber(run.userUs, 2)} us, system ${formatNumber(run.systemUs, 2)} us; ${formatNumber(run.samples)} samples of perf`,
    run.systemCalls === null
      ? null
      : `system calls: ${formatNumber(run.systemCalls.perRequest, 2)} (${calls.join(', ')})`,
    run.allocatedBytes === null ? null : `allocated: ${formatNumber(run.allocatedBytes)} bytes`,
    run.foreign !== null && run.foreign > 0.05
      ? `others had ${percent(run.foreign)} of the machine: shares are worth more than microseconds here`
      : null,
  ]
    .filter((line) => line !== null)
    .join('\n')
}
