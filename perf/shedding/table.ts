/** What a run of `node perf/shedding.ts` prints, and leaves in perf/README.md. */
import type { Markers } from '../harness/document.ts'
import { describeMachine } from '../harness/machine.ts'
import { spread } from '../harness/statistics.ts'
import { type Column, formatNumber, formatSpread, renderTable } from '../harness/table.ts'
import type { Answers } from './answers.ts'
import type { SheddingResults } from './results.ts'

export const markers: Markers = {
  begin: '<!-- shedding: begin, written by node perf/shedding.ts -->',
  end: '<!-- shedding: end -->',
}

const columns: readonly Column[] = [
  { title: 'what', align: 'left' },
  { title: 'takes', align: 'right' },
  { title: 'of', align: 'left' },
]

export function renderShedding({ queue, answers }: Pick<SheddingResults, 'queue' | 'answers'>): string {
  return renderTable(columns, [
    ...queue.map(({ what, nanoseconds }) => [what, `${formatNumber(nanoseconds)} ns`, 'the queue alone']),
    ...answers.map((one) => [one.what, `${cpuOf(one)} us`, 'CPU time of a worker, the whole answer']),
  ])
}

function cpuOf({ path, turns }: Answers): string {
  const times = turns.map(({ cpu }) => {
    if (cpu === null) throw new Error(`${path}: CPU time is not known: that needs Linux' /proc`)
    return cpu.userUs + cpu.systemUs
  })
  return formatSpread(spread(times), 1)
}

/** @param file of the results, as a link in perf/README.md has it @param others how much of the machine others had, as a line */
export function renderRecord(results: SheddingResults, file: string, others: string): string {
  const { date, revision, machine, schedule } = results
  return [
    `${date.slice(0, 10)}, ${revision}: ${describeMachine(machine)}. Of the queue the best of five rounds, of the answers ${schedule.turns} turns of ${schedule.seconds} s, median (lowest..highest); ${others}. [${file.split('/').at(-1)}](${file})`,
    renderShedding(results),
  ].join('\n\n')
}
