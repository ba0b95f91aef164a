/** What `npm run bench -- --full` leaves in perf/README.md: a figure in each table, a scenario in each row, and a subject in each column. */
import type { Markers } from './document.ts'
import { legend, marksOf, repetitions } from './doubt.ts'
import { describeMachine, type Machine } from './machine.ts'
import type { Results } from './results.ts'
import { yardstick } from './rows.ts'
import type { Schedule } from './run-settings.ts'
import type { Summary } from './summary.ts'
import { formatNumber, formatSpread, renderTable } from './table.ts'

export const markers: Markers = {
  begin: '<!-- bench: begin, written by npm run bench -- --full -->',
  end: '<!-- bench: end -->',
}

/** Of a run of any kind. */
export interface Run {
  readonly date: string
  readonly revision: string
  readonly machine: Machine
  readonly schedule: Pick<Schedule, 'turns' | 'seconds'>
  /** Versions, by name. FastAPI's names what else it stands on. */
  readonly peers: Readonly<Record<string, string>>
}

/**
 * When, what, where, how long, and in which company.
 *
 * @param details of this kind of run, as clauses behind the turns
 * @param file of the results, as a link in perf/README.md has it
 * @param others how much of the machine others had, as a line
 */
export function describeRun(run: Run, details: string, file: string, others: string): string {
  const { machine, revision, date, schedule, peers } = run
  return `${date.slice(0, 10)}, ${revision}: ${describeMachine(machine)}; ${versionsOf(peers)}. ${schedule.turns} turns of ${schedule.seconds} s${details}. ${capital(others)}. [${file.split('/').at(-1)}](${file})`
}

const mebibyte = 1024 * 1024

interface Figure {
  readonly title: string
  /** Empty where the row has no such figure. */
  readonly cell: (row: Summary) => string
}

const figures: readonly Figure[] = [
  {
    title: 'CPU microseconds per request, median (lowest..highest):',
    cell: ({ cpu }) => (cpu === null ? '' : formatSpread(cpu.totalUs, cpu.totalUs.median < 100 ? 1 : 0)),
  },
  {
    title: `CPU per request, divided by that of ${yardstick} in the same turn: median (lowest..highest) of so many pairs, and no more than that; \`npm run bench goals\` says how sure it is:`,
    cell: ({ cpu, baseline, name }) =>
      cpu === null || baseline === name || !baseline.endsWith(`@${yardstick}`)
        ? ''
        : formatSpread(cpu.ratio, 2),
  },
  { title: 'Requests per second:', cell: ({ requestsPerSecond }) => formatNumber(requestsPerSecond.median) },
  {
    title: 'p99 at half of that rate, in milliseconds:',
    cell: ({ halfRate }) => (halfRate === null ? '' : formatNumber(halfRate.p99Us.median / 1000, 2)),
  },
  {
    title: 'Resident memory of the process tree under load, in MiB:',
    cell: ({ memory }) => (memory === null ? '' : formatNumber(memory.residentBytes.median / mebibyte)),
  },
]

/** @param file and @param others as for `describeRun` */
export function renderRecord(results: Results, file: string, others: string): string {
  const { summaries } = results
  const compared = [...new Set(summaries.map(({ scenario }) => scenario))].filter(
    (scenario) => summaries.filter((row) => row.scenario === scenario).length > 1,
  )
  const subjects = [...new Set(summaries.map(({ subject }) => subject))].filter((subject) =>
    summaries.some((row) => row.subject === subject && compared.includes(row.scenario)),
  )
  const shown = summaries.filter(({ scenario }) => compared.includes(scenario))
  const failing = summaries.filter(({ failed }) => Object.keys(failed).length > 0)
  return [
    describeRun(results, '', file, others),
    ...figures.flatMap(({ title, cell }) => {
      const rows = compared.map((scenario) => [
        `\`${scenario}\``,
        ...subjects.map((subject) => {
          const row = summaries.find((one) => one.scenario === scenario && one.subject === subject)
          return row === undefined ? '' : marked(cell(row), row)
        }),
      ])
      if (rows.every(([, ...cells]) => cells.every((text) => text === ''))) return []
      const columns = subjects.map((title) => ({ title, align: 'right' as const }))
      return [title, renderTable([{ title: 'scenario', align: 'left' }, ...columns], rows)]
    }),
    ...legend(shown),
    ...[repetitions(results.measured)].filter((line) => line !== null),
    failing.length === 0
      ? 'No request failed.'
      : `Failed requests: ${failing.map(({ name, failed }) => `\`${name}\` ${inWords(failed)}`).join('; ')}.`,
  ].join('\n\n')
}

function marked(figure: string, row: Summary): string {
  const marks = marksOf(row)
  return figure === '' || marks === '' ? figure : `${figure} ${marks}`
}

function inWords(failed: Readonly<Record<string, number>>): string {
  return Object.entries(failed)
    .map(([kind, count]) => `${kind} ${formatNumber(count)}`)
    .join(', ')
}

function versionsOf(peers: Readonly<Record<string, string>>): string {
  return Object.entries(peers)
    .map(([name, version]) => (name === 'fastapi' ? version : `${name} ${version}`))
    .join(', ')
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}
