/** What the turns say together, for tables and charts. */
import type { OpenLoopFigures } from '../harness/open-loop-client.ts'
import { type Spread, spread } from '../harness/statistics.ts'
import type { MeasuredSetup, MeasuredVariant, Step } from './run.ts'

/** A variant at one load, all turns together. */
export interface Point {
  readonly setup: string
  readonly variant: string
  readonly load: number
  readonly offeredPerSecond: number
  readonly goodPerSecond: Spread
  /** Milliseconds, of the good ones; null where a turn had none. */
  readonly p50Ms: Spread | null
  readonly p99Ms: Spread | null
  /** Of all requests offered, 0 to 1. */
  readonly shedShare: number
  readonly timeoutShare: number
  /** In all turns together: answers of another status, and requests without one. */
  readonly failed: number
  readonly errors: Readonly<Record<string, number>>
  readonly cpuUs: Spread | null
  /** The highest of the turns. */
  readonly lateMs: number
}

export function pointsOf({ name, variants }: MeasuredSetup): readonly Point[] {
  return variants.flatMap((variant) => loadsOf(variant).map((load) => pointOf(name, variant, load)))
}

/** Ascending, each once. */
export function loadsOf({ steps }: MeasuredVariant): readonly number[] {
  return [...new Set(steps.map(({ load }) => load))].sort((a, b) => a - b)
}

/** In the order of the turns. */
export function stepsAt({ steps }: MeasuredVariant, load: number): readonly Step[] {
  return steps.filter((step) => step.load === load).sort((a, b) => a.turn - b.turn)
}

function pointOf(setup: string, variant: MeasuredVariant, load: number): Point {
  const steps = stepsAt(variant, load)
  const offered = sum(steps, ({ offered }) => offered)
  const errors: Record<string, number> = {}
  for (const { figures } of steps)
    for (const [kind, count] of Object.entries(figures.errors)) errors[kind] = (errors[kind] ?? 0) + count
  return {
    setup,
    variant: variant.name,
    load,
    offeredPerSecond: spread(steps.map(({ figures }) => figures.offeredPerSecond)).median,
    goodPerSecond: spread(steps.map(({ figures }) => figures.goodPerSecond)),
    p50Ms: milliseconds(steps.map(({ figures }) => figures.p50Us)),
    p99Ms: milliseconds(steps.map(({ figures }) => figures.p99Us)),
    shedShare: sum(steps, ({ shed }) => shed) / offered,
    timeoutShare: sum(steps, ({ timeouts }) => timeouts) / offered,
    failed: sum(steps, failedOf),
    errors,
    cpuUs: known(steps.map(({ cpuUs }) => cpuUs)),
    lateMs: Math.max(...steps.map(({ figures }) => figures.lateUs)) / 1000,
  }
}

/** Neither served, nor shed, nor too late. */
export function failedOf({ status, errors }: OpenLoopFigures): number {
  return Object.values(errors).reduce((total, count) => total + count, status)
}

function sum(steps: readonly Step[], value: (figures: OpenLoopFigures) => number): number {
  return steps.reduce((total, { figures }) => total + value(figures), 0)
}

function milliseconds(us: readonly (number | null)[]): Spread | null {
  return known(us.map((value) => (value === null ? null : value / 1000)))
}

function known(values: readonly (number | null)[]): Spread | null {
  const there = values.filter((value) => value !== null)
  return there.length < values.length || there.length === 0 ? null : spread(there)
}
