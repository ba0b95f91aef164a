/** What a run of `node perf/memory.ts` prints, and leaves in perf/README.md. */
import type { Markers } from '../harness/document.ts'
import { failedRequests } from '../harness/load.ts'
import { describeMachine } from '../harness/machine.ts'
import { type Spread, spread } from '../harness/statistics.ts'
import { type Column, formatNumber, formatSpread, renderTable } from '../harness/table.ts'
import type { MeasuredState, MemoryResults } from './results.ts'

export const markers: Markers = {
  begin: '<!-- memory: begin, written by node perf/memory.ts -->',
  end: '<!-- memory: end -->',
}

const mebibyte = 1024 * 1024

/** Null: nothing is asked. Of each turn's worker, since a bound is for all of them. */
export function verdictOf({ state, turns }: MeasuredState): string | null {
  const { mostMiB } = state
  if (mostMiB === null) return null
  const below = turns.filter(({ memory }) => memory.residentBytes < mostMiB * mebibyte).length
  if (below === turns.length) return 'holds'
  return below === 0 ? '**does not hold**' : `**does not hold** in ${turns.length - below} of ${turns.length}`
}

const columns: readonly Column[] = [
  { title: 'worker', align: 'left' },
  { title: 'MiB', align: 'right' },
  { title: 'of these file', align: 'right' },
  { title: 'highest', align: 'right' },
  { title: 'goal', align: 'right' },
  { title: 'holds', align: 'left' },
]

export function renderMemory(states: readonly MeasuredState[]): string {
  return renderTable(
    columns,
    states.map((measured) => {
      const { state, turns } = measured
      const of = (bytes: (turn: MeasuredState['turns'][number]['memory']) => number) =>
        formatSpread(inMiB(turns.map(({ memory }) => bytes(memory))))
      return [
        state.what,
        of((memory) => memory.residentBytes),
        of((memory) => memory.fileBytes),
        of((memory) => memory.peakBytes),
        state.mostMiB === null ? '' : `below ${formatNumber(state.mostMiB)}`,
        verdictOf(measured) ?? '',
      ]
    }),
  )
}

/** Rounded, so that what is the same in print has no spread. */
function inMiB(bytes: readonly number[]): Spread {
  return spread(bytes.map((value) => Math.round(value / mebibyte)))
}

/** That the clients were served while memory was read: one line for each load. */
export function renderLoads(states: readonly MeasuredState[]): readonly string[] {
  return states.flatMap(({ state, turns }) =>
    state.loads.map(({ connections, method, bodyBytes }, index) => {
      const figures = turns.map(({ loads }) => loads[index]!)
      const rate = formatSpread(spread(figures.map((one) => one.requestsPerSecond)))
      const failed = figures.reduce((sum, one) => sum + failedRequests(one), 0)
      const all = figures.reduce((sum, one) => sum + one.requests, 0)
      const body = bodyBytes === 0 ? '' : ` of ${formatNumber(bodyBytes)} bytes`
      const ill = failed === 0 ? '' : `; ${formatNumber(failed)} of ${formatNumber(all)} failed`
      return `${state.name}: ${formatNumber(connections)} connections, ${method}${body}: ${rate} requests/s${ill}`
    }),
  )
}

/** @param file of the results, as a link in perf/README.md has it @param others how much of the machine others had, as a line */
export function renderRecord(results: MemoryResults, file: string, others: string): string {
  const { date, revision, machine, states } = results
  const turns = states[0]?.turns.length ?? 0
  return [
    `${date.slice(0, 10)}, ${revision}: ${describeMachine(machine)}. ${turns} ${turns === 1 ? 'worker' : 'workers'} for each line, median (lowest..highest); ${others}. [${file.split('/').at(-1)}](${file})`,
    renderMemory(states),
    `Answered meanwhile: ${renderLoads(states).join('; ')}.`,
  ].join('\n\n')
}
