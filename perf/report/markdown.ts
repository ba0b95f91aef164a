/** `perf/report.md`, from what was measured and nothing else. */
import { mostFailed, mostForeign, repetitions } from '../harness/doubt.ts'
import { describeMachine } from '../harness/machine.ts'
import type { Schedule } from '../harness/run-settings.ts'
import type { Load } from '../harness/scenario.ts'
import { disturbance } from '../harness/session.ts'
import { type Column, formatNumber, formatSpread, renderTable } from '../harness/table.ts'
import { mostTimes, sameWithin } from '../harness/warm-up.ts'
import { wrkArguments } from '../harness/wrk.ts'
import { besideTheReport } from './beside.ts'
import type { Experiment, Variant } from './experiment.ts'
import { type Figures, figuresOf } from './figures.ts'
import { original } from './original.ts'
import { outcomesOf, type ReportResults } from './results.ts'
import type { Outcome } from './run.ts'
import { foreignShare, spareBelow, threshold, verdictsOf } from './verdict.ts'

/** @param file of the results, as a link in the report has it */
export function renderReport(results: ReportResults, file: string): string {
  const outcomes = outcomesOf(results)
  const parts = [
    introduction(results),
    circumstancesPart(results, outcomes, file),
    rules(results.schedule),
    verdictTable(outcomes),
    besideTheReport(outcomes),
    ...outcomes.map((outcome) => experimentPart(outcome, results.schedule)),
    limits,
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function introduction({ command }: ReportResults): string {
  return `# The Go load balancer's report, run again

Written by

    ${command}

and overwritten by the next run. The report that Weir began with, *${original.title}* (${original.date}), measured a Go
balancer in front of FastAPI on an unspecified machine and supposed what made it slow. Here its experiments run on one machine
that is described, with the Go balancer rebuilt from the report's text (\`perf/peers/go\`) beside Weir, nginx and HAProxy, and
each of its suppositions is tried by itself.`
}

function circumstancesPart(it: ReportResults, outcomes: readonly Outcome[], file: string): string {
  const { turns, seconds, warmupSeconds } = it.schedule
  const foreign = outcomes.flatMap(({ measured }) =>
    [...measured.values()].flatMap((one) => one.turns.map((turn) => turn.foreign)),
  )
  const missing = outcomes.flatMap(({ skipped, failed }) => [...skipped, ...failed])
  return [
    '## Machine, versions, commands',
    [
      `- ${it.date}, commit ${it.revision}`,
      `- ${describeMachine(it.machine)}`,
      `- ${it.versions.join('; ')}`,
      `- ${turns === 1 ? 'One turn' : `${turns} turns`} of ${seconds} s for each variant, ${warmUp(warmupSeconds)}. The variants of an experiment take turns, in an order that chance decides each time (\`--seed ${it.seed}\` gives the same again); those whose turn it is not are idle.`,
      `- Experiments that are called pinned: ${it.placement}. The others share all cores.`,
      `- ${capital(disturbance(foreign))}.${warning(foreign)}`,
      ...repeated(outcomes).map((line) => `- ${line}`),
      `- Everything that was measured, turn by turn: [${file.split('/').at(-1)}](${file}). The figures and sentences below are computed from it.`,
      ...missing.map((line) => `- ${firstLine(line)}`),
    ].join('\n'),
    'The load of each experiment stands with it; `-s percentiles.lua` prints percentiles at the end and costs nothing before. A backend is `/usr/bin/python3 perf/report/fastapi_app.py`: FastAPI on one uvicorn worker, without an access log. Weir is `node src/cli.ts run` with one worker, its default settings but for what a variant names, and its log in a file. The others are configured as `perf/peers` has them.',
  ].join('\n\n')
}

function warmUp(least: number): string {
  if (least === 0) return 'without warm-up'
  const alike = `two seconds one after the other took the same CPU time per request within ${formatNumber(sameWithin * 100)} %`
  return `after a warm-up of at least ${least} s, which goes on until ${alike}, or for ${mostTimes * least} s`
}

/** Turns that were measured again, and of which variants. */
function repeated(outcomes: readonly Outcome[]): readonly string[] {
  const all = outcomes.flatMap(({ measured }) => [...measured.values()])
  const line = repetitions(all)
  if (line === null) return []
  const which = all.flatMap(({ row, repeated = 0 }) =>
    repeated === 0 ? [] : [`\`${row.name}\` ${repeated}`],
  )
  return [`${line} How often: ${which.join(', ')}.`]
}

function warning(foreign: readonly (number | null)[]): string {
  return (foreignShare(foreign) ?? 0) > mostForeign
    ? ' **Too much for the rates and latencies of this run to be trusted.**'
    : ''
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}

function rules({ turns }: Schedule): string {
  const percent = formatNumber((threshold - 1) * 100)
  return `## How to read the verdicts

- Figures are medians over the turns, with the lowest and highest in parentheses; errors are those of all turns together.
- Two variants differ only if the ratio of their figures points the same way in every turn, and the median of the ratios is
  at least ${threshold.toFixed(2)} or at most 1/${threshold.toFixed(2)}. Anything less is *not shown*, which does not mean that there is no difference.
- With ${turns === 1 ? '1 turn' : `${turns} turns`}, chance alone points the same way in ${turns === 1 ? 'every run' : `one run of ${formatNumber(2 ** (turns - 1))}`}: hence the threshold of ${percent} % too, and hence
  more turns are better evidence.
- A variant of which more than ${formatNumber(mostFailed * 100)} % of the requests failed (connect, read and write errors, and answers that wrk calls
  neither 2xx nor 3xx) is compared with nothing. Its time-outs are answers that took longer than 2 s.
- A balancer is not the limit itself if it keeps less than ${spareBelow} of a core busy in every turn, whatever it waits for then:
  backends, clients, or a core that others have.
- Rates say nothing where processes that are not part of the measurement had more than ${formatNumber(mostForeign * 100)} % of the machine on average;
  CPU time per request still does.
- All of it is said of this machine and this run.`
}

const text = (title: string): Column => ({ title, align: 'left' })
const number = (title: string): Column => ({ title, align: 'right' })

function verdictTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.flatMap((outcome) =>
    verdictsOf(outcome).map(({ says, answer }) => [outcome.experiment.name, says, answer]),
  )
  return `## Verdicts\n\n${renderTable([text('experiment'), text('claim'), text('here')], rows)}`
}

interface FigureColumn extends Column {
  readonly cell: (figures: Figures) => string
}

const columns: readonly FigureColumn[] = [
  { ...number('requests'), cell: ({ requests }) => formatNumber(requests.median) },
  { ...number('s'), cell: ({ seconds }) => formatNumber(seconds.median, 2) },
  { ...number('req/s'), cell: ({ requestsPerSecond }) => formatSpread(requestsPerSecond) },
  { ...number('average ms'), cell: ({ averageMs }) => formatSpread(averageMs, 2) },
  { ...number('deviation ms'), cell: ({ deviationMs }) => formatNumber(deviationMs.median, 2) },
  { ...number('maximum ms'), cell: ({ maxMs }) => formatSpread(maxMs, 2) },
  { ...number('MB'), cell: ({ megabytes }) => formatNumber(megabytes.median, 2) },
  { ...number('MB/s'), cell: ({ megabytesPerSecond }) => formatNumber(megabytesPerSecond.median, 2) },
  {
    ...number('connect, read, write, time-out'),
    cell: ({ errors }) =>
      [errors.connect, errors.read, errors.write, errors.timeout]
        .map((count) => formatNumber(count))
        .join(', '),
  },
  { ...number('non-2xx'), cell: ({ errors }) => formatNumber(errors.status) },
  { ...number('CPU us/req'), cell: ({ cpuUs }) => (cpuUs === null ? '-' : formatSpread(cpuUs, 1)) },
  {
    ...number('cores busy'),
    cell: ({ coresBusy }) => (coresBusy === null ? '-' : formatNumber(coresBusy.median, 2)),
  },
]

function experimentPart(outcome: Outcome, schedule: Schedule): string {
  const { experiment, measured } = outcome
  const { name, title, report, here, pinned } = experiment
  const rows = experiment.variants.flatMap((variant) => {
    const one = measured.get(variant.name)
    if (one === undefined) return []
    const figures = figuresOf(one.turns)
    return [[variant.name, ...columns.map((column) => column.cell(figures))]]
  })
  return [
    `## ${title}`,
    `*The report:* ${report}`,
    `*Here* (\`--only ${name}\`, ${pinned ? 'pinned' : 'not pinned'}): ${here}`,
    loads(experiment, schedule),
    rows.length === 0 ? 'Nothing was measured.' : renderTable([text('variant'), ...columns], rows),
    descriptions(experiment.variants.filter((variant) => measured.has(variant.name))),
    verdictsOf(outcome)
      .map(({ says, answer, because }) => `- ${says}: **${answer}.** ${because}`)
      .join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

function descriptions(variants: readonly Variant[]): string {
  return variants
    .filter(({ what }) => what !== '')
    .map(({ name, what }) => `- \`${name}\`: ${what}`)
    .join('\n')
}

/** One line for each load that occurs. */
function loads({ variants }: Experiment, { seconds }: Schedule): string {
  const lines = new Set(variants.map(({ scenario }) => loadLine(scenario.load, seconds)))
  return [...lines].map((line) => `    ${line}`).join('\n')
}

function loadLine(load: Load, seconds: number): string {
  const args = wrkArguments(load, seconds, `http://127.0.0.1:PORT${load.path}`, () => 'percentiles.lua')
  return ['wrk', ...args].map((word) => (word.includes(' ') ? `'${word}'` : word)).join(' ')
}

/** What several lines say of a failure is in the output of the run. */
function firstLine(line: string): string {
  return line.split('\n', 1)[0]!.trim()
}

const limits = `## What this cannot tell

- What the report's own machine was: it gives a name and no hardware. Its figures and these are of two machines.
- What its balancer was: its text quotes some lines. Ours does what these lines and the text say, and logs to a file.
- What its FastAPI application did: it does not say. Ours does as little as one can, and in \`fastapi-slow\` so much
  that it is about as slow as the report's.
- What backends on machines of their own would give (section 4.3): here everything is on 127.0.0.1.
- What a log does that nobody reads or a disk that is full (section 3.2.1).
- How soon a dead backend is noticed (section 3.2.2).`
