/** The tables of a record: one for each figure, with a scenario in each row and a subject in each column. */
import { marksOf } from './doubt.ts'
import { yardstick } from './rows.ts'
import type { Scenario } from './scenario.ts'
import type { Spread } from './statistics.ts'
import type { CpuSummary, Summary } from './summary.ts'
import { type Column, formatNumber, formatSpread, left, renderTable, right } from './table.ts'

/** What the rows of a table are made of. */
export interface Shown {
  /** In the order of the tables' rows. */
  readonly summaries: readonly Summary[]
  /** All that there are, in the order of the columns. */
  readonly subjects: readonly string[]
  /** By name; without one that older results do not have nothing is known of why a figure is missing. */
  readonly scenarios: ReadonlyMap<string, Scenario>
  /** Which run a scenario's rows are of, where there are several. */
  readonly runOf: ReadonlyMap<string, string> | null
}

interface Figure {
  /** As it is called where it is missing altogether. */
  readonly name: string
  readonly title: string
  /** Null: it was not measured. Empty: the row has no such figure. */
  readonly cell: (row: Summary) => string | null
  /** Why it was not, by what a scenario asks for. */
  readonly cannot?: readonly { readonly holds: (scenario: Scenario) => boolean; readonly why: string }[]
  /** Why else. */
  readonly otherwise: string
}

const mebibyte = 1024 * 1024
const noProc = "it needs Linux' /proc"
const notAsked = 'or the run left out what follows the turns'

/** @param onNode subjects that have a JavaScript heap */
function figures(onNode: ReadonlySet<string>): readonly Figure[] {
  return [
    {
      name: 'CPU per request',
      title: 'CPU microseconds per request, median (lowest..highest):',
      cell: ({ cpu }) => (cpu === null ? null : formatSpread(cpu.totalUs, digits(cpu.totalUs.median))),
      otherwise: noProc,
    },
    {
      name: `the ratio to ${yardstick}`,
      title: `CPU per request, divided by that of ${yardstick} in the same turn: median (lowest..highest) of so many pairs, and no more than that; \`npm run bench goals\` says how sure it is:`,
      cell: ({ cpu, baseline, name }) =>
        baseline === name || !baseline.endsWith(`@${yardstick}`)
          ? ''
          : cpu === null
            ? null
            : formatSpread(cpu.ratio, 2),
      otherwise: noProc,
    },
    {
      name: 'user and system time',
      title: 'The same CPU microseconds as user + system, a median of each (only their sum is exact):',
      cell: ({ cpu }) => (cpu === null ? null : userAndSystem(cpu)),
      otherwise: noProc,
    },
    {
      name: 'requests per second',
      title: 'Requests per second at saturation, median:',
      cell: ({ requestsPerSecond }) => formatNumber(requestsPerSecond.median),
      otherwise: '',
    },
    {
      name: 'latency at half of the rate',
      title:
        'Latency at half of that rate in milliseconds, p50 / p99 / p99.9, a median of each over as many turns:',
      cell: ({ halfRate }) => (halfRate === null ? null : percentiles(halfRate)),
      cannot: [
        {
          holds: ({ load }) => load.protocol === 'websocket',
          why: 'h2load sends no WebSocket messages',
        },
        {
          holds: ({ load }) => load.varied !== undefined,
          why: 'h2load sends all requests with the same header fields',
        },
      ],
      otherwise: `h2load was missing or failed, ${notAsked}`,
    },
    {
      name: 'latency at saturation',
      title:
        'Latency at saturation in milliseconds, p50 / p99 / p99.9, a median of each; mostly the queue that the load itself makes:',
      cell: percentiles,
      otherwise: '',
    },
    {
      name: 'system calls',
      title: 'System calls per request, of slowed processes on 64 connections at most:',
      cell: ({ passes: { systemCalls } }) => (systemCalls === null ? null : short(systemCalls.perRequest)),
      otherwise: `strace was missing, may not attach or failed, ${notAsked}`,
    },
    {
      name: 'memory',
      title: 'Resident memory of the process tree under load, in MiB, median:',
      cell: ({ memory }) => (memory === null ? null : formatNumber(memory.residentBytes.median / mebibyte)),
      otherwise: noProc,
    },
    {
      name: 'allocations',
      title: 'Bytes allocated per request on the JavaScript heap, of what runs on Node:',
      cell: ({ subject, passes: { allocatedBytes } }) =>
        !onNode.has(subject) ? '' : allocatedBytes === null ? null : formatNumber(allocatedBytes),
      otherwise: `a process did not answer, ${notAsked}`,
    },
  ]
}

const digits = (value: number) => (value < 100 ? 1 : 0)
const short = (value: number) => formatNumber(value, digits(value))

function userAndSystem({ userUs, systemUs }: CpuSummary): string {
  return `${short(userUs.median)} + ${short(systemUs.median)}`
}

function percentiles(row: {
  readonly p50Us: Spread
  readonly p99Us: Spread
  readonly p999Us: Spread
}): string {
  return [row.p50Us, row.p99Us, row.p999Us]
    .map(({ median }) => median / 1000)
    .map((ms) => formatNumber(ms, ms < 100 ? 2 : 0))
    .join(' / ')
}

const notMeasured = '–'

/** The tables as paragraphs, each with what is missing in it and why; and last the figures that nobody has. */
export function renderFigures(shown: Shown): readonly string[] {
  const { summaries } = shown
  const onNode = new Set(
    summaries.filter(({ passes }) => passes.allocatedBytes !== null).map(({ subject }) => subject),
  )
  const absent: string[] = []
  const paragraphs = figures(onNode).flatMap((figure) => {
    const cells = summaries.map(figure.cell)
    // Of no row: there is nothing to be said, as of allocations where nothing runs on Node.
    if (cells.every((cell) => cell === '')) return []
    if (cells.every((cell) => cell === null || cell === '')) {
      absent.push(figure.name)
      return []
    }
    return [figure.title, table(figure, shown), ...missing(figure, shown)]
  })
  return absent.length === 0 ? paragraphs : [...paragraphs, `Not measured of any row: ${absent.join(', ')}.`]
}

/** Scenarios and subjects of which there is nothing to say have no place in it. */
function table({ cell }: Figure, { summaries, subjects: all, runOf }: Shown): string {
  const told = summaries.filter((row) => cell(row) !== '')
  const subjects = all.filter((name) => told.some(({ subject }) => subject === name))
  const scenarios = [...new Set(told.map(({ scenario }) => scenario))]
  const columns: readonly Column[] = [
    left('scenario'),
    ...(runOf === null ? [] : [left('run')]),
    ...subjects.map(right),
  ]
  const rows = scenarios.map((scenario) => [
    `\`${scenario}\``,
    ...(runOf === null ? [] : [runOf.get(scenario) ?? '']),
    ...subjects.map((subject) => {
      const row = told.find((one) => one.scenario === scenario && one.subject === subject)
      return row === undefined ? '' : marked(cell(row), row)
    }),
  ])
  return renderTable(columns, rows)
}

function marked(figure: string | null, row: Summary): string {
  // What is no figure bears no mark.
  if (figure === null) return notMeasured
  const marks = marksOf(row)
  return marks === '' ? figure : `${figure} ${marks}`
}

/**
 * Scenarios that one subject alone has run, a row for each with all of its figures: variants of Weir, which are divided by each other.
 *
 * @returns no paragraph if there are none
 */
export function renderAlone({ summaries, runOf }: Omit<Shown, 'subjects' | 'scenarios'>): readonly string[] {
  if (summaries.length === 0) return []
  const columns: readonly Column[] = [
    left('scenario'),
    ...(runOf === null ? [] : [left('run')]),
    right('CPU us/req'),
    right('user + system'),
    right('CPU ratio'),
    left('to'),
    right('req/s'),
    right('at half of it, ms'),
    right('at saturation, ms'),
    right('system calls'),
    right('allocated bytes'),
  ]
  const cells = (row: Summary): readonly (string | null)[] => {
    const { cpu, halfRate, passes } = row
    const isDivided = row.baseline !== row.name
    return [
      cpu && formatSpread(cpu.totalUs, digits(cpu.totalUs.median)),
      cpu && userAndSystem(cpu),
      isDivided ? cpu && formatSpread(cpu.ratio, 2) : '',
      isDivided ? `\`${row.baseline}\`` : '',
      formatNumber(row.requestsPerSecond.median),
      halfRate && percentiles(halfRate),
      percentiles(row),
      passes.systemCalls && short(passes.systemCalls.perRequest),
      passes.allocatedBytes === null ? null : formatNumber(passes.allocatedBytes),
    ]
  }
  return [
    `What runs without peers, each divided by another row of the same turns; latencies are p50 / p99 / p99.9, ${notMeasured} was not measured. So few turns show no difference of some percent: \`npm run bench logging\` and \`npm run bench features\` have more.`,
    renderTable(
      columns,
      summaries.map((row) => [
        // One subject: what is wrong with one of its figures is with all.
        marked(`\`${row.scenario}\``, row),
        ...(runOf === null ? [] : [runOf.get(row.scenario) ?? '']),
        ...cells(row).map((cell) => cell ?? notMeasured),
      ]),
    ),
  ]
}

/** A sentence for the cells that have no figure and could: a scenario's name where that holds for all its rows. */
function missing(
  { cell, cannot = [], otherwise }: Figure,
  { summaries, scenarios }: Shown,
): readonly string[] {
  const byReason = new Map<string, Set<string>>()
  for (const row of summaries.filter((one) => cell(one) === null)) {
    const scenario = scenarios.get(row.scenario)
    const reason = scenario && cannot.find(({ holds }) => holds(scenario))?.why
    const whole = summaries.every((one) => one.scenario !== row.scenario || cell(one) === null)
    const why = reason ?? otherwise
    byReason.set(why, (byReason.get(why) ?? new Set()).add(`\`${whole ? row.scenario : row.name}\``))
  }
  const reasons = [...byReason].map(([why, names]) => `${[...names].join(', ')}: ${why}`)
  return reasons.length === 0 ? [] : [`${notMeasured} was not measured. ${reasons.join('; ')}.`]
}
