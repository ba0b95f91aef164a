/** `perf/budgets.json`: what a request may take of the things that can be counted. */
import { readFileSync } from 'node:fs'
import type { Passes } from '../harness/passes.ts'
import type { SystemCalls } from '../harness/system-calls.ts'
import { type Column, formatNumber, left, renderTable, right } from '../harness/table.ts'
import type { QueueFigures } from './queues.ts'

export interface Budget {
  readonly name: string
  /** Not above this. */
  readonly limit: number
  /** What it was when the limit was set, by `node perf/budgets.ts`. */
  readonly measured: number
  readonly what: string
}

export interface Budgets {
  readonly how: string
  readonly machine: string
  readonly date: string
  readonly budgets: readonly Budget[]
}

/** Null: could not be measured here. */
export type Figures = Readonly<Record<string, number | null>>

export function readBudgets(): Budgets {
  return JSON.parse(readFileSync(new URL('../budgets.json', import.meta.url), 'utf8')) as Budgets
}

/**
 * Of connections and of the event loop: their number per request depends on how many requests a connection lives, and on
 * how much the loop finds to do in each of its turns. The others are a request's own.
 */
const notOfRequests = new Set(
  'accept4 bind close connect epoll_ctl epoll_pwait epoll_pwait2 epoll_wait fcntl futex getsockname getsockopt ioctl listen setsockopt shutdown socket'.split(
    ' ',
  ),
)

export function divideCalls({ perRequest, byName }: SystemCalls): {
  readonly ofRequests: number
  readonly others: number
} {
  const others = Object.entries(byName)
    .filter(([name]) => notOfRequests.has(name))
    .reduce((sum, [, rate]) => sum + rate, 0)
  return { ofRequests: perRequest - others, others }
}

/** Figures by the names that the budgets have. */
export function figuresOf(passes: Readonly<Record<string, Passes>>, queues: QueueFigures | null): Figures {
  const figures: Record<string, number | null> = {}
  for (const [scenario, { systemCalls, allocatedBytes, bufferBytes = null }] of Object.entries(passes)) {
    const calls = systemCalls === null ? null : divideCalls(systemCalls)
    figures[`${scenario}: system calls`] = calls?.ofRequests ?? null
    figures[`${scenario}: calls of connections and the loop`] = calls?.others ?? null
    figures[`${scenario}: allocated bytes`] = allocatedBytes
    figures[`${scenario}: bytes of Buffers`] = bufferBytes
  }
  figures['queue: turns'] = queues?.turns ?? null
  figures['queue: left to undici'] = queues?.queuedInUndici ?? null
  return figures
}

export interface Verdict extends Budget {
  readonly found: number | null
  readonly kept: boolean | null
}

export function judge({ budgets }: Budgets, figures: Figures): readonly Verdict[] {
  return budgets.map((budget) => {
    const found = figures[budget.name] ?? null
    return { ...budget, found, kept: found === null ? null : found <= budget.limit }
  })
}

const columns: readonly Column[] = [
  left('per request'),
  right('found'),
  right('limit'),
  right('when it was set'),
  left(''),
]

export function renderVerdicts(verdicts: readonly Verdict[]): string {
  return renderTable(
    columns,
    verdicts.map(({ name, found, limit, measured, kept }) => [
      name,
      found === null ? '-' : formatNumber(found, 2),
      formatNumber(limit, 2),
      formatNumber(measured, 2),
      kept === null ? 'not measured' : kept ? '' : 'OVER',
    ]),
  )
}
