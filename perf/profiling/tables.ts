/** What `npm run profile` leaves in the documents: the layers of the last runs, what other profilers made of them, and all of the history. */
import type { Markers } from '../harness/document.ts'
import { type Column, formatNumber, renderTable } from '../harness/table.ts'
import { amountOf, division, exchangeAndHeaders, type Line, layerNotes, lines } from './layers.ts'
import { divisionOf, latestOf, type Overhead, type OverheadRun, pictureOf } from './overhead.ts'

export const markers: Markers = {
  begin: '<!-- overhead: begin, written by npm run profile -->',
  end: '<!-- overhead: end -->',
}
export const profilersMarkers: Markers = {
  begin: '<!-- profilers: begin, written by npm run profile -->',
  end: '<!-- profilers: end -->',
}
export const picturesMarkers: Markers = {
  begin: '<!-- flame graphs: begin, written by npm run profile -->',
  end: '<!-- flame graphs: end -->',
}

const nothing = 'No run is recorded yet.'

/** As the first cell of a row. */
export function titleOf({ name, isPart }: Line): string {
  return isPart ? `· ${name}` : name
}

export function orDash(value: number | null, digits: number): string {
  return value === null ? '-' : formatNumber(value, digits)
}

export function percent(share: number | null): string {
  return share === null ? '-' : `${formatNumber(share * 100, 1)} %`
}

/** The last run of each scenario by layer, and the history of all in a line each. */
export function renderOverhead(overhead: Overhead): string {
  const latest = latestOf(overhead)
  if (latest.length === 0) return nothing
  const columns: readonly Column[] = [
    { title: 'layer, us per request', align: 'left' },
    ...latest.map((run): Column => ({ title: `\`${run.scenario}\``, align: 'right' })),
    { title: 'is', align: 'left' },
  ]
  const rows = [
    ...lines.map((line) => [
      titleOf(line),
      ...latest.map((run) => orDash(amountOf(run.layers, line.name), 2)),
      layerNotes[line.name],
    ]),
    ['all', ...latest.map((run) => formatNumber(run.totalUs, 2)), 'user and system time'],
    [
      'system calls',
      ...latest.map((run) => orDash(run.systemCalls?.perRequest ?? null, 2)),
      latest.map((run) => callsOf(run)).join('; '),
    ],
    ['allocated bytes', ...latest.map((run) => orDash(run.allocatedBytes, 0)), 'on the JavaScript heap'],
  ]
  return [renderTable(columns, rows), ...renderHistory(overhead)].join('\n\n')
}

function callsOf(run: OverheadRun): string {
  if (run.systemCalls === null) return `${run.scenario}: not counted`
  const most = Object.entries(run.systemCalls.byName).slice(0, 6)
  return `${run.scenario}: ${most.map(([name, rate]) => `${name} ${formatNumber(rate, 2)}`).join(', ')}`
}

/** Parts are left out: they would make it twice as wide, and older runs have none. */
const ofHistory = lines.filter((line) => !line.isPart)
const older = '†'
const olderNote = `${older} of the division before: \`${exchangeAndHeaders}\` has in it what is now the queue's (\`overload/\`), the balancer's (who is in turn), the router's (\`split.ts\`) and logging's (counts), and \`Node, V8 and libuv\` what is now logging's (lines on their way) and the control plane.`

function renderHistory(overhead: Overhead): readonly string[] {
  const columns: readonly Column[] = [
    { title: 'run', align: 'left' },
    { title: 'scenario', align: 'left' },
    { title: 'all', align: 'right' },
    ...ofHistory.map((line): Column => ({ title: line.name, align: 'right' })),
    { title: 'calls', align: 'right' },
    { title: 'bytes', align: 'right' },
    { title: 'others', align: 'right' },
  ]
  const isOlder = (run: OverheadRun) => divisionOf(run) < division
  const rows = overhead.runs
    .toReversed()
    .map((run) => [
      `${run.date.slice(0, 10)} ${run.commit}${isOlder(run) ? ` ${older}` : ''}`,
      `\`${run.scenario}\``,
      formatNumber(run.totalUs, 1),
      ...ofHistory.map((line) => orDash(amountOf(run.layers, line.name), 2)),
      orDash(run.systemCalls?.perRequest ?? null, 2),
      orDash(run.allocatedBytes, 0),
      othersOf(run),
    ])
  return [renderTable(columns, rows), ...(overhead.runs.some(isOlder) ? [olderNote] : [])]
}

function othersOf({ foreign }: OverheadRun): string {
  return foreign === null ? '-' : `${formatNumber(foreign * 100)} %`
}

/** Less is nobody's. */
const leastShare = 0.0005

/** The same load of each scenario's last run as every profiler divides it; layers that none of them saw are left out. */
export function renderProfilers(overhead: Overhead): string {
  const latest = latestOf(overhead).filter((run) => Object.keys(run.profilers).length > 0)
  if (latest.length === 0) return nothing
  const views = latest.flatMap((run) => [
    { title: `\`${run.scenario}\`: ${run.source}`, share: (line: Line) => shareOf(run, line) },
    ...Object.entries(run.profilers).map(([name, shares]) => ({
      title: name,
      share: (line: Line) => amountOf(shares, line.name),
    })),
  ])
  const columns: readonly Column[] = [
    { title: 'layer', align: 'left' },
    ...views.map(({ title }): Column => ({ title, align: 'right' })),
  ]
  const rows = lines
    .filter((line) => views.some(({ share }) => (share(line) ?? 0) >= leastShare))
    .map((line) => [titleOf(line), ...views.map(({ share }) => percent(share(line)))])
  return `${latest.map(describe).join('; ')}.\n\n${renderTable(columns, rows)}`
}

function shareOf(run: OverheadRun, line: Line): number | null {
  const us = amountOf(run.layers, line.name)
  return us === null ? null : us / run.totalUs
}

function describe({ scenario, commit, date, machine }: OverheadRun): string {
  return `\`${scenario}\` at ${commit} on ${date.slice(0, 10)}, Node ${machine.node}`
}

/**
 * Flame graphs, each with what it is of.
 *
 * @param folder of the pictures, as a document's links have it
 * @param names of the scenarios that are wanted; null: all
 */
export function renderPictures(overhead: Overhead, folder: string, names: readonly string[] | null): string {
  const runs = latestOf(overhead).filter(({ scenario }) => names?.includes(scenario) ?? true)
  if (runs.length === 0) return nothing
  return runs
    .map(
      (run) =>
        `![CPU of ${run.scenario} by layer](${folder}/${pictureOf(run.scenario)})\n\n${captionOf(run)}`,
    )
    .join('\n\n')
}

function captionOf(run: OverheadRun): string {
  const others = run.foreign === null ? '' : `; other processes had ${othersOf(run)} of the machine`
  const { cpu, node, kernel } = run.machine
  return `\`${run.scenario}\` at ${run.commit} on ${run.date.slice(0, 10)}: ${formatNumber(run.totalUs, 1)} us of CPU per request, divided by ${run.source}. ${cpu}, Node ${node}, ${kernel}${others}.`
}
