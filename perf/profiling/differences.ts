/** `npm run profile -- --diff`: a run beside an earlier one. */
import { type Column, formatNumber, renderTable } from '../harness/table.ts'
import { amountOf, isComparable, lines } from './layers.ts'
import { divisionOf, type OverheadRun } from './overhead.ts'
import { orDash, titleOf } from './tables.ts'

/** A line of a comparison: a layer, or another figure. */
export interface Difference {
  readonly what: string
  readonly before: number | null
  readonly after: number | null
  readonly digits: number
  /** False: the two are not of the same time, and their difference says nothing. */
  readonly comparable: boolean
}

/** Behind the lines that do not compare. */
export const together = 'all that does not compare, us'

export function differences(before: OverheadRun, after: OverheadRun): readonly Difference[] {
  const names = [
    ...new Set([before, after].flatMap((run) => Object.keys(run.systemCalls?.byName ?? {}))),
  ].sort()
  const call = (run: OverheadRun, name: string) =>
    run.systemCalls === null ? null : (run.systemCalls.byName[name] ?? 0)
  const other = (what: string, digits: number, figure: (run: OverheadRun) => number | null): Difference => ({
    what,
    before: figure(before),
    after: figure(after),
    digits,
    comparable: true,
  })
  return [
    ...ofLayers(before, after),
    other('all layers, us', 2, (run) => run.totalUs),
    other('allocated bytes', 0, (run) => run.allocatedBytes),
    other('system calls', 2, (run) => run.systemCalls?.perRequest ?? null),
    ...names.map((name) => other(`  ${name}`, 2, (run) => call(run, name))),
  ]
}

function ofLayers(before: OverheadRun, after: OverheadRun): readonly Difference[] {
  const isSame = (name: Parameters<typeof isComparable>[0]) =>
    isComparable(name, divisionOf(before), divisionOf(after))
  const each = lines.map((line) => ({
    what: `${titleOf(line)}, us`,
    before: amountOf(before.layers, line.name),
    after: amountOf(after.layers, line.name),
    digits: 2,
    comparable: isSame(line.name),
  }))
  // Parts are in what they are parts of.
  const whole = lines.filter((line) => !line.isPart && !isSame(line.name))
  if (whole.length === 0) return each
  const sum = (run: OverheadRun) =>
    whole.reduce((all, line) => all + (amountOf(run.layers, line.name) ?? 0), 0)
  return [...each, { what: together, before: sum(before), after: sum(after), digits: 2, comparable: true }]
}

const columns: readonly Column[] = [
  { title: 'per request', align: 'left' },
  { title: 'before', align: 'right' },
  { title: 'after', align: 'right' },
  { title: 'change', align: 'right' },
]

/** A table for a terminal, with what the two runs were, and what of it does not compare. */
export function renderDifferences(before: OverheadRun, after: OverheadRun): string {
  const rows = differences(before, after).map((one) => [
    one.what,
    orDash(one.before, one.digits),
    orDash(one.after, one.digits),
    one.before === null || one.after === null || !one.comparable
      ? '-'
      : signed(one.after - one.before, one.digits),
  ])
  const name = (run: OverheadRun) => `${run.commit} of ${run.date.slice(0, 16)}Z (${run.source})`
  const text = [`${after.scenario}: ${name(before)} -> ${name(after)}`, renderTable(columns, rows)]
  const { cpu, node, kernel } = before.machine
  if (cpu !== after.machine.cpu || node !== after.machine.node || kernel !== after.machine.kernel)
    text.push('Another machine, Node or kernel: the microseconds do not compare.')
  if (before.source !== after.source)
    text.push(`By ${after.source} and not by ${before.source}: the layers do not compare.`)
  if (divisionOf(before) !== divisionOf(after))
    text.push(
      `Divided into layers otherwise (division ${divisionOf(before)}, now ${divisionOf(after)}): layers without a change above do not compare, together they do.`,
    )
  return text.join('\n')
}

function signed(value: number, digits: number): string {
  const text = formatNumber(value, digits)
  return value > 0 && Number(text.replaceAll(',', '')) > 0 ? `+${text}` : text
}
