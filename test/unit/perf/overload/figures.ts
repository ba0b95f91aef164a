/** Made-up figures of the overload bench. */
import type { OpenLoopFigures } from '../../../../perf/harness/open-loop-client.ts'
import type { OverloadResults } from '../../../../perf/overload/results.ts'
import type { MeasuredSetup, MeasuredVariant, Step } from '../../../../perf/overload/run.ts'

export const capacity = 1_000

/** Of a second: what is not good is shed, but for `timeouts` and `reset`. */
export function figures(
  load: number,
  good: number,
  p99Ms: number,
  differs: Partial<OpenLoopFigures> = {},
): OpenLoopFigures {
  const offered = load * capacity
  const { timeouts = 0, errors = {} } = differs
  const failed = Object.values(errors).reduce((sum, count) => sum + count, 0)
  return {
    offered,
    offeredPerSecond: offered,
    good,
    goodPerSecond: good,
    shed: offered - good - timeouts - failed,
    status: 0,
    timeouts,
    unsent: 0,
    errors,
    p50Us: 500 * p99Ms,
    p99Us: 1_000 * p99Ms,
    p999Us: 1_100 * p99Ms,
    shedP99Us: null,
    lateUs: 900,
    connections: 10,
    ...differs,
  }
}

export function step(turn: number, load: number, one: OpenLoopFigures): Step {
  return { load, turn, figures: one, cpuUs: 20 + turn, foreign: 0 }
}

/** Two turns alike. @param at load, good answers in a second and p99 in milliseconds */
export function variant(
  name: string,
  targetMs: number | null,
  at: readonly (readonly [load: number, good: number, p99Ms: number])[],
  differs: Partial<OpenLoopFigures> = {},
): MeasuredVariant {
  const steps = [0, 1].flatMap((turn) =>
    at.map(([load, good, p99Ms]) => step(turn, load, figures(load, good, p99Ms, differs))),
  )
  return { name, what: '', targetMs, steps }
}

export function setup(name: string, variants: readonly MeasuredVariant[]): MeasuredSetup {
  return { name, what: 'an origin', capacities: [capacity], capacity, variants, failed: [] }
}

export function results(setups: readonly MeasuredSetup[]): OverloadResults {
  return {
    kind: 'overload',
    version: 1,
    date: '2026-01-31T12:34:56.789Z',
    revision: 'abcdef0',
    harness: 'abcdef0',
    peers: { nginx: '1.2.3' },
    machine: { cpu: 'A CPU', cores: 2, node: 'v22', binding: '20', kernel: 'linux 6' },
    placement: 'none',
    schedule: { turns: 2, seconds: 1, warmupSeconds: 0, settleSeconds: 0 },
    seed: 7,
    timeoutMs: 2_000,
    mostConnections: 100,
    setups,
    closedLoop: {},
    verdicts: [],
  }
}
