/** What `npm run bench -- --full` and `-- --record` leave in perf/TABLES.md. */
import { peers as allPeers, canRun } from '../peers/peers.ts'
import type { Markers } from './document.ts'
import { legend, repetitions } from './doubt.ts'
import { describeMachine, type Machine } from './machine.ts'
import { renderAlone, renderFigures } from './record-tables.ts'
import { labels, type Recorded } from './recorded.ts'
import type { Results } from './results.ts'
import type { Schedule } from './run-settings.ts'
import type { Scenario } from './scenario.ts'
import { disturbance } from './session.ts'
import type { Summary } from './summary.ts'
import { capital, formatNumber } from './table.ts'

export const markers: Markers = {
  begin: '<!-- bench: begin, written by npm run bench -- --full and by npm run bench -- --record -->',
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

export interface RecordSettings {
  /** Every scenario that there is, in the order of the tables; those that peers run and no run has are named. */
  readonly all: readonly Scenario[]
  /** Files that were drawn of the same runs, as links, by what they show. */
  readonly charts: Readonly<Record<string, string>>
}

/**
 * The tables, with all that has to be known of them.
 *
 * @param runs no two of which have rows of the same scenario (recorded.ts), with their files as links
 */
export function renderRecord(runs: readonly Recorded[], { all, charts }: RecordSettings): string {
  const summaries = runs.flatMap(({ results }) => results.summaries)
  const measured = runs.flatMap(({ results }) => results.measured)
  const compared = new Set(
    summaries.map(({ scenario }) => scenario).filter((name, index, names) => names.indexOf(name) !== index),
  )
  const place = new Map(all.map(({ name }, index) => [name, index]))
  const placeOf = ({ scenario }: Summary) => place.get(scenario) ?? all.length
  const sorted = summaries.toSorted((one, other) => placeOf(one) - placeOf(other))
  const shown = sorted.filter(({ scenario }) => compared.has(scenario))
  const alone = sorted.filter(({ scenario }) => !compared.has(scenario))
  const names = labels(runs)
  const runOf = new Map(
    runs.flatMap(({ results }, index) => results.summaries.map(({ scenario }) => [scenario, names[index]!])),
  )
  const several = runs.length > 1
  const runOfRow = several ? runOf : null
  return [
    ...(several
      ? [
          `Of ${runs.length} runs; each scenario's rows are of one of them.`,
          runs.map((run, index) => `- **${names[index]}**: ${describe(run)}`).join('\n'),
        ]
      : runs.map(describe)),
    ...Object.entries(charts).map(([what, file]) => `![${what}](${file})`),
    ...renderFigures({
      summaries: shown,
      subjects: inOrder(new Set(shown.map(({ subject }) => subject))),
      scenarios: new Map(measured.map(({ row }) => [row.scenario.name, row.scenario])),
      runOf: runOfRow,
    }),
    ...renderAlone({ summaries: alone, runOf: runOfRow }),
    ...legend(sorted),
    `An empty cell: the subject does not run that scenario (\`npm run bench -- --list\`)${several ? ', or that run was without it' : ''}.`,
    ...[repetitions(measured)].filter((line) => line !== null),
    ...listed(
      'CPU time that still changed when the warm-up was over',
      measured.filter(({ settled }) => settled === false).map(({ row }) => row.name),
    ),
    ...listed(
      'Failed, and without a row',
      runs.flatMap(({ results }) => failedRows(results)),
    ),
    ...listed(
      'In no run beside a peer',
      all.filter((one) => one.peers && one.weir !== null && !compared.has(one.name)).map(({ name }) => name),
    ),
    failures(summaries),
  ].join('\n\n')
}

/** Weir, the peers as they are listed, and what else there is. */
function inOrder(subjects: ReadonlySet<string>): readonly string[] {
  const known = ['weir', 'before', ...allPeers.map(({ name }) => name)]
  return [...new Set([...known, ...subjects])].filter((name) => subjects.has(name))
}

function describe({ file, results }: Recorded): string {
  const others = disturbance(results.measured.flatMap(({ turns }) => turns.map(({ foreign }) => foreign)))
  const stopped = results.unfinished === true ? '. It was stopped before its end' : ''
  const { warmupSeconds } = results.schedule
  return describeRun(results, `, after ${warmupSeconds} s of warm-up or more${stopped}`, file, others)
}

/** Rows that a run must have begun with and has not: of what it says that it had, a peer that can run a scenario did. */
function failedRows({ peers, summaries, measured }: Results): readonly string[] {
  const there = allPeers.filter(({ name }) => Object.hasOwn(peers, name))
  const scenarios = new Map(measured.map(({ row }) => [row.scenario.name, row.scenario]))
  return [...scenarios.values()].flatMap((scenario) => {
    const subjects = new Set(
      summaries.filter((row) => row.scenario === scenario.name).map(({ subject }) => subject),
    )
    // What only others are divided by ran alone.
    if (subjects.size < 2) return []
    return there
      .filter((peer) => canRun(peer, scenario) && !subjects.has(peer.name))
      .map((peer) => `${scenario.name}@${peer.name}`)
  })
}

function listed(what: string, names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [`${what}: ${names.map((name) => `\`${name}\``).join(', ')}.`]
}

/** Of the turns, and of the load at half of their rate. */
function failures(summaries: readonly Summary[]): string {
  const inTurns = summaries.flatMap(({ name, failed }) => {
    const kinds = Object.entries(failed).map(([kind, count]) => `${kind} ${formatNumber(count)}`)
    return kinds.length === 0 ? [] : [`\`${name}\` ${kinds.join(', ')}`]
  })
  const atHalf = summaries.flatMap(({ name, halfRate }) =>
    halfRate === null || halfRate.failed === 0 ? [] : [`\`${name}\` ${formatNumber(halfRate.failed)}`],
  )
  return [
    inTurns.length === 0 ? 'No request failed in a turn.' : `Failed requests: ${inTurns.join('; ')}.`,
    ...(atHalf.length === 0 ? [] : [`At half of the rate: ${atHalf.join('; ')}.`]),
  ].join(' ')
}

function versionsOf(peers: Readonly<Record<string, string>>): string {
  return Object.entries(peers)
    .map(([name, version]) => (name === 'fastapi' ? version : `${name} ${version}`))
    .join(', ')
}
