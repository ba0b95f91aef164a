/** `perf/overhead.json`: what a request costs by layer, run after run. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { withText } from '../harness/document.ts'
import type { Machine } from '../harness/machine.ts'
import type { SystemCalls } from '../harness/system-calls.ts'
import { type Column, formatNumber, renderTable } from '../harness/table.ts'
import { type LayerCounts, layerNotes, layers } from './layers.ts'

export interface OverheadRun {
  /** ISO 8601, UTC. */
  readonly date: string
  readonly commit: string
  readonly machine: Machine
  readonly scenario: string
  /**
   * `perf`: everything. `perf, user only`: perf was not allowed to see the kernel, whose time is in one line. `cpu-prof`: no
   * perf, so that native code and the kernel are in whatever called them.
   */
  readonly source: 'perf' | 'perf, user only' | 'cpu-prof'
  readonly samples: number
  readonly requestsPerSecond: number
  /** Of the machine's time, to others: what makes a run worth less. Null: unknown. */
  readonly foreign: number | null
  /** CPU time per request in microseconds, without a profiler: user and system. */
  readonly totalUs: number
  readonly userUs: number
  readonly systemUs: number
  /** The total, divided by layer. */
  readonly layers: LayerCounts
  /** Null where strace is missing or not allowed. */
  readonly systemCalls: SystemCalls | null
  /** Bytes on the JavaScript heap per request. */
  readonly allocatedBytes: number | null
  /** Shares by layer as V8's own profilers see them, which is only what is JavaScript's. */
  readonly profilers: Readonly<Record<string, LayerCounts>>
}

export interface Overhead {
  readonly version: 1
  /** Newest last. */
  readonly runs: readonly OverheadRun[]
}

/** @throws {SyntaxError} if the file is of another form. */
export function readOverhead(path: string): Overhead {
  if (!existsSync(path)) return { version: 1, runs: [] }
  const overhead = JSON.parse(readFileSync(path, 'utf8')) as Overhead
  if (overhead.version !== 1 || !Array.isArray(overhead.runs))
    throw new SyntaxError(`${path}: expected version 1 with runs, found version ${overhead.version}`)
  return overhead
}

/** How many runs of a scenario are kept: a history, and not an archive. */
const keptPerScenario = 20

/** With a run at the end; of its scenario, the oldest go. */
export function append(overhead: Overhead, run: OverheadRun): Overhead {
  const runs = [...overhead.runs, run]
  const ofScenario = runs.filter((one) => one.scenario === run.scenario)
  const dropped = new Set(ofScenario.slice(0, -keptPerScenario))
  return { version: 1, runs: runs.filter((one) => !dropped.has(one)) }
}

export function writeOverhead(path: string, overhead: Overhead): void {
  const rounded = (_key: string, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value
  writeFileSync(path, `${JSON.stringify(overhead, rounded, 1)}\n`)
}

/** The last run of a scenario, or null. */
export function lastOf(overhead: Overhead, scenario: string): OverheadRun | null {
  return overhead.runs.findLast((run) => run.scenario === scenario) ?? null
}

/** A line of a comparison: a layer, or another figure. */
export interface Difference {
  readonly what: string
  readonly before: number | null
  readonly after: number | null
  readonly digits: number
}

export function differences(before: OverheadRun, after: OverheadRun): readonly Difference[] {
  const names = [
    ...new Set([before, after].flatMap((run) => Object.keys(run.systemCalls?.byName ?? {}))),
  ].sort()
  const call = (run: OverheadRun, name: string) =>
    run.systemCalls === null ? null : (run.systemCalls.byName[name] ?? 0)
  return [
    ...layers.map((layer) => ({
      what: `${layer}, us`,
      before: before.layers[layer] ?? null,
      after: after.layers[layer],
      digits: 2,
    })),
    { what: 'all layers, us', before: before.totalUs, after: after.totalUs, digits: 2 },
    { what: 'allocated bytes', before: before.allocatedBytes, after: after.allocatedBytes, digits: 0 },
    {
      what: 'system calls',
      before: before.systemCalls?.perRequest ?? null,
      after: after.systemCalls?.perRequest ?? null,
      digits: 2,
    },
    ...names.map((name) => ({
      what: `  ${name}`,
      before: call(before, name),
      after: call(after, name),
      digits: 2,
    })),
  ]
}

const differenceColumns: readonly Column[] = [
  { title: 'per request', align: 'left' },
  { title: 'before', align: 'right' },
  { title: 'after', align: 'right' },
  { title: 'change', align: 'right' },
]

/** A table for a terminal, with what the two runs were. */
export function renderDifferences(before: OverheadRun, after: OverheadRun): string {
  const rows = differences(before, after).map((one) => [
    one.what,
    orDash(one.before, one.digits),
    orDash(one.after, one.digits),
    one.before === null || one.after === null ? '-' : signed(one.after - one.before, one.digits),
  ])
  const name = (run: OverheadRun) => `${run.commit} of ${run.date.slice(0, 16)}Z (${run.source})`
  const lines = [`${after.scenario}: ${name(before)} -> ${name(after)}`, renderTable(differenceColumns, rows)]
  const { cpu, node, kernel } = before.machine
  if (cpu !== after.machine.cpu || node !== after.machine.node || kernel !== after.machine.kernel)
    lines.push('Another machine, Node or kernel: the microseconds do not compare.')
  if (before.source !== after.source)
    lines.push(`By ${after.source} and not by ${before.source}: the layers do not compare.`)
  return lines.join('\n')
}

function signed(value: number, digits: number): string {
  const text = formatNumber(value, digits)
  return value > 0 && Number(text.replaceAll(',', '')) > 0 ? `+${text}` : text
}

function orDash(value: number | null, digits: number): string {
  return value === null ? '-' : formatNumber(value, digits)
}

/** What stands in perf/README.md: the last run of each scenario by layer, and the history of all in a line each. */
export function renderOverhead(overhead: Overhead): string {
  const names = [...new Set(overhead.runs.map((run) => run.scenario))]
  const latest = names.map((name) => lastOf(overhead, name)!)
  if (latest.length === 0) return 'No run is recorded yet.'
  const columns: readonly Column[] = [
    { title: 'layer, us per request', align: 'left' },
    ...latest.map((run): Column => ({ title: `\`${run.scenario}\``, align: 'right' })),
    { title: 'is', align: 'left' },
  ]
  const rows = [
    ...layers.map((layer) => [
      layer,
      ...latest.map((run) => formatNumber(run.layers[layer] ?? 0, 2)),
      layerNotes[layer],
    ]),
    ['all', ...latest.map((run) => formatNumber(run.totalUs, 2)), 'user and system time'],
    [
      'system calls',
      ...latest.map((run) => orDash(run.systemCalls?.perRequest ?? null, 2)),
      latest.map((run) => callsOf(run)).join('; '),
    ],
    ['allocated bytes', ...latest.map((run) => orDash(run.allocatedBytes, 0)), 'on the JavaScript heap'],
  ]
  return `${renderTable(columns, rows)}\n\n${renderHistory(overhead)}`
}

function callsOf(run: OverheadRun): string {
  if (run.systemCalls === null) return `${run.scenario}: not counted`
  const most = Object.entries(run.systemCalls.byName).slice(0, 6)
  return `${run.scenario}: ${most.map(([name, rate]) => `${name} ${formatNumber(rate, 2)}`).join(', ')}`
}

function renderHistory(overhead: Overhead): string {
  const columns: readonly Column[] = [
    { title: 'run', align: 'left' },
    { title: 'scenario', align: 'left' },
    { title: 'all', align: 'right' },
    ...layers.map((layer): Column => ({ title: layer, align: 'right' })),
    { title: 'calls', align: 'right' },
    { title: 'bytes', align: 'right' },
    { title: 'others', align: 'right' },
  ]
  const rows = overhead.runs
    .toReversed()
    .map((run) => [
      `${run.date.slice(0, 10)} ${run.commit}`,
      `\`${run.scenario}\``,
      formatNumber(run.totalUs, 1),
      ...layers.map((layer) => formatNumber(run.layers[layer] ?? 0, 2)),
      orDash(run.systemCalls?.perRequest ?? null, 2),
      orDash(run.allocatedBytes, 0),
      run.foreign === null ? '-' : `${formatNumber(run.foreign * 100)} %`,
    ])
  return renderTable(columns, rows)
}

const markers = {
  begin: '<!-- overhead: begin, written by npm run profile -->',
  end: '<!-- overhead: end -->',
}

/**
 * A document with the table between its markers.
 *
 * @throws {SyntaxError} if they are not there, in this order.
 */
export function withOverhead(document: string, table: string): string {
  return withText(document, markers, table)
}
