/** What must hold in an overload, and whether it did. Said of this machine and this run: a law of timings is no test. */

import { failedRequests } from '../harness/load.ts'
import { median, ratios, type Spread, spread } from '../harness/statistics.ts'
import { formatNumber, formatSpread } from '../harness/table.ts'
import type { Turn } from '../harness/turn.ts'
import type { MeasuredSetup, MeasuredVariant, Step } from './run.ts'
import { loadsOf, stepsAt } from './summary.ts'

export interface Verdict {
  readonly says: string
  /** Null: the figures that it takes are not there. */
  readonly holds: boolean | null
  /** The figures. */
  readonly because: string
}

/** Goodput at the highest load, as a share of the highest goodput at any. */
export const keptShare = 0.95
/** p99 of the served at the highest load, in p99s without an overload, beside the queue's target. */
export const p99Times = 3
/** A load generator that is later than this, p99, is short of CPU time itself, and what it measures is the machine's. */
export const mostLateMs = 10
/** Rate of one backend behind Weir, by that of direct access; and of three, by that of one. */
export const oneTimes = 1
export const threeTimes = 1.25

/** Of each variant that controls its queue; of the other Weirs as far as they can be held to it. */
export function overloadLaws(setup: MeasuredSetup): readonly Verdict[] {
  return setup.variants
    .filter(({ name }) => name.startsWith('weir'))
    .flatMap((variant) => {
      const named = `${setup.name}, ${variant.name}`
      const late = Math.max(...variant.steps.map(({ figures }) => figures.lateUs)) / 1000
      const verdicts = [
        goodputKept(named, variant),
        ...(variant.targetMs === null ? [] : [p99Kept(named, variant, variant.targetMs)]),
        noTimeouts(named, variant),
      ]
      if (late <= mostLateMs) return verdicts
      const warning = `the load generator itself was up to ${formatNumber(late)} ms late: the machine was too busy to tell`
      return verdicts.map((verdict) => ({ ...verdict, because: `${verdict.because}; ${warning}` }))
    })
}

function goodputKept(named: string, variant: MeasuredVariant): Verdict {
  const loads = loadsOf(variant)
  const highest = loads.at(-1)
  const says = `${named}: goodput at ${highest ?? '-'} times the capacity is at least ${formatNumber(keptShare * 100)} % of its peak`
  if (highest === undefined || loads.length < 2) return notMeasured(says)
  const good = (steps: readonly Step[]) => steps.map(({ figures }) => figures.goodPerSecond)
  const peaks = loads.map((load) => median(good(stepsAt(variant, load))))
  const peak = Math.max(...peaks)
  const shares = spread(good(stepsAt(variant, highest)).map((rate) => rate / peak))
  return {
    says,
    holds: shares.median >= keptShare,
    because: `${percents(shares)} of ${formatNumber(peak)}/s, which it had at ${loads[peaks.indexOf(peak)]}`,
  }
}

function p99Kept(named: string, variant: MeasuredVariant, targetMs: number): Verdict {
  const loads = loadsOf(variant)
  const [lowest, highest] = [loads[0], loads.at(-1)]
  const says = `${named}: p99 of the served at ${highest ?? '-'} times the capacity is below ${p99Times} times that at ${lowest ?? '-'}, plus ${targetMs} ms`
  if (lowest === undefined || highest === undefined || lowest >= 1 || highest <= 1) return notMeasured(says)
  const unloaded = p99s(variant, lowest)
  const loaded = p99s(variant, highest)
  if (unloaded === null || loaded === null) return notMeasured(says)
  const bound = p99Times * unloaded.median + targetMs
  return {
    says,
    holds: loaded.median < bound,
    because: `${formatSpread(loaded, 1)} ms; ${formatSpread(unloaded, 1)} ms at ${lowest} make ${formatNumber(bound, 1)}`,
  }
}

function p99s(variant: MeasuredVariant, load: number): Spread | null {
  const all = stepsAt(variant, load).map(({ figures }) => figures.p99Us)
  const there = all.filter((us) => us !== null).map((us) => us / 1000)
  return there.length === all.length && there.length > 0 ? spread(there) : null
}

function noTimeouts(named: string, { steps }: MeasuredVariant): Verdict {
  const count = (value: (step: Step) => number) => steps.reduce((sum, step) => sum + value(step), 0)
  const timeouts = count(({ figures }) => figures.timeouts)
  return {
    says: `${named}: no time-out at any load`,
    holds: steps.length === 0 ? null : timeouts === 0,
    because: `${formatNumber(timeouts)} of ${formatNumber(count(({ figures }) => figures.offered))} requests`,
  }
}

/** Of the report's experiment, for each of the FastAPI applications: `alone`, `weir 1` and `weir 3`, with what is added to the name. */
export function closedLoopLaws(
  turnsOf: (variant: string) => readonly Turn[] | undefined,
  applications: readonly string[] = [''],
): readonly Verdict[] {
  const fastApi = 'FastAPI at 500 connections'
  return applications.flatMap((added) => {
    const [alone, one, three] = [`alone${added}`, `weir 1${added}`, `weir 3${added}`] as const
    return [
      rateLaw(`${fastApi}, one backend behind Weir`, one, alone, oneTimes, turnsOf),
      rateLaw(`${fastApi}, three backends behind Weir`, three, one, threeTimes, turnsOf),
      ...[one, three].map((name) => noFailures(name, turnsOf(name))),
    ]
  })
}

function rateLaw(
  what: string,
  of: string,
  to: string,
  times: number,
  turnsOf: (variant: string) => readonly Turn[] | undefined,
): Verdict {
  const says = `${what}: \`${of}\` has at least ${times.toFixed(2)} times the rate of \`${to}\``
  const [ours, theirs] = [turnsOf(of), turnsOf(to)]
  if (ours === undefined || theirs === undefined) return notMeasured(says)
  const rates = (turns: readonly Turn[]) => turns.map(({ load }) => load.requestsPerSecond)
  const found = spread(ratios(rates(ours), rates(theirs)))
  return {
    says,
    holds: found.median >= times,
    because: `${formatSpread(found, 2)}: ${formatSpread(spread(rates(ours)))} and ${formatSpread(spread(rates(theirs)))} req/s`,
  }
}

function noFailures(name: string, turns: readonly Turn[] | undefined): Verdict {
  const says = `FastAPI at 500 connections: no failed request of \`${name}\``
  if (turns === undefined) return notMeasured(says)
  const failed = turns.reduce((sum, { load }) => sum + failedRequests(load), 0)
  const requests = turns.reduce((sum, { load }) => sum + load.requests, 0)
  return {
    says,
    holds: failed === 0,
    because: `${formatNumber(failed)} of ${formatNumber(requests)} (answers later than 2 s included)`,
  }
}

function notMeasured(says: string): Verdict {
  return { says, holds: null, because: 'not measured' }
}

function percents(shares: Spread): string {
  const percent = { median: shares.median * 100, min: shares.min * 100, max: shares.max * 100 }
  return `${formatSpread(percent, 1)} %`
}

export function renderVerdicts(verdicts: readonly Verdict[]): string {
  return verdicts.map(({ says, holds, because }) => `- ${word(holds)}: ${says}. ${because}.`).join('\n')
}

function word(holds: boolean | null): string {
  return holds === null ? 'not measured' : holds ? 'holds' : '**does not hold**'
}
