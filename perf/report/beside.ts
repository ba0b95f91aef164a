/** The report's own figures beside ours: its table 1, and the three rates that it gives besides. */
import { type Column, formatNumber, formatSpread, renderTable } from '../harness/table.ts'
import { backends, balancers, capacity, slowBackends, slowBalancers } from './capacity.ts'
import { type Figures, figuresOf } from './figures.ts'
import { original } from './original.ts'
import type { Outcome } from './run.ts'

const left = (title: string): Column => ({ title, align: 'left' })
const right = (title: string): Column => ({ title, align: 'right' })

/** Empty if none of the three experiments ran. */
export function besideTheReport(outcomes: readonly Outcome[]): string {
  const parts = [
    tableOne(figuresIn(outcomes, capacity.name)),
    rates('requests per second (section 3.1)', balancers, figuresIn(outcomes, backends.name)),
    rates('the same, slow backends (`fastapi-slow`)', slowBalancers, figuresIn(outcomes, slowBackends.name)),
  ]
  if (parts.every((part) => part === '')) return ''
  return ["## The report's figures beside these", ...parts.filter((part) => part !== '')].join('\n\n')
}

type Measured = ReadonlyMap<string, Figures>

function figuresIn(outcomes: readonly Outcome[], name: string): Measured {
  const outcome = outcomes.find(({ experiment }) => experiment.name === name)
  return new Map([...(outcome?.measured ?? [])].map(([variant, { turns }]) => [variant, figuresOf(turns)]))
}

function tableOne(measured: Measured): string {
  if (measured.size === 0) return ''
  const { errors, ...it } = original.isolated
  const line = (title: string, theirs: string, ours: (figures: Figures) => string) => [
    title,
    theirs,
    ...[...measured.values()].map(ours),
  ]
  return renderTable(
    [left('isolated test (table 1)'), right('the report'), ...[...measured.keys()].map(right)],
    [
      line('Total requests', formatNumber(it.requests), ({ requests }) => formatNumber(requests.median)),
      line('Duration, s', formatNumber(it.seconds, 2), ({ seconds }) => formatNumber(seconds.median, 2)),
      line('Requests per second', formatNumber(it.requestsPerSecond, 2), ({ requestsPerSecond }) =>
        formatSpread(requestsPerSecond),
      ),
      line('Average latency, ms', formatNumber(it.averageMs, 2), ({ averageMs }) =>
        formatSpread(averageMs, 2),
      ),
      line('Latency deviation, ms', formatNumber(it.deviationMs, 2), ({ deviationMs }) =>
        formatSpread(deviationMs, 2),
      ),
      line('Maximum latency, ms', formatNumber(it.maxMs, 2), ({ maxMs }) => formatSpread(maxMs, 2)),
      line(
        'Data transferred, MB (MB/s)',
        `${formatNumber(it.megabytes, 2)} (${formatNumber(it.megabytesPerSecond, 2)})`,
        ({ megabytes, megabytesPerSecond }) =>
          `${formatNumber(megabytes.median, 2)} (${formatNumber(megabytesPerSecond.median, 2)})`,
      ),
      ...(['connect', 'read', 'write', 'timeout'] as const).map((kind) =>
        line(`Socket errors: ${kind}`, formatNumber(errors[kind]), (figures) =>
          formatNumber(figures.errors[kind]),
        ),
      ),
    ],
  )
}

function rates(title: string, balancers: readonly string[], measured: Measured): string {
  if (measured.size === 0) return ''
  const alone = measured.get('alone')
  const cell = (figures: Figures | undefined) =>
    figures === undefined ? '-' : formatSpread(figures.requestsPerSecond)
  const share = (figures: Figures | undefined) =>
    figures === undefined || alone === undefined
      ? '-'
      : formatNumber(figures.requestsPerSecond.median / alone.requestsPerSecond.median, 2)
  const line = (title: string, theirs: string, of: (name: string) => string) => [
    title,
    theirs,
    ...balancers.map(of),
  ]
  const one = (name: string) => measured.get(`${name} 1`)
  const three = (name: string) => measured.get(`${name} 3`)
  return renderTable(
    [left(title), right('the report'), ...balancers.map(right)],
    [
      line('FastAPI alone', formatNumber(original.alone), () => cell(alone)),
      line('One backend', formatNumber(original.one), (name) => cell(one(name))),
      line('Three backends', formatNumber(original.three), (name) => cell(three(name))),
      line('One backend, of alone', formatNumber(original.one / original.alone, 2), (name) =>
        share(one(name)),
      ),
      line('Three, of alone', formatNumber(original.three / original.alone, 2), (name) => share(three(name))),
    ],
  )
}
