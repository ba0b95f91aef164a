/** A HealthChecker whose clock, chance and checks are in the hands of the test. */
import {
  type HealthChange,
  HealthChecker,
  type HealthCheckerOptions,
} from '../../../../src/control/health/checker.ts'
import type { ProbeTarget, Verdict } from '../../../../src/control/health/probe.ts'
import type { HealthPlan, UpstreamPlan } from '../../../../src/plan/upstream-plan.ts'
import { FakeTimers, settle } from './fake-timers.ts'

export const a = 'http://10.0.0.1:80'
export const b = 'http://10.0.0.2:80'
export const plan: HealthPlan = {
  path: null,
  intervalMs: 10_000,
  timeoutMs: 2_000,
  unhealthyAfter: 3,
  healthyAfter: 2,
}
/** Of `plan`, with chance in the middle of its range: when the first check begins, and the pause while changing. */
export const firstMs = 125
export const fastMs = 2_500

/** A check that the checker began, for the test to answer. */
export interface Check {
  readonly target: ProbeTarget
  readonly signal: AbortSignal
  /** Not answered yet. */
  open(): boolean
  pass(): Promise<void>
  fail(reason?: string): Promise<void>
  /** It learns nothing. */
  miss(): Promise<void>
  settle(passed: boolean): Promise<void>
}

export function make(options: Partial<HealthCheckerOptions> = {}) {
  const timers = new FakeTimers()
  const checks: Check[] = []
  const changes: HealthChange[] = []
  const probe = (target: ProbeTarget, signal: AbortSignal) =>
    new Promise<Verdict>((resolve) => {
      let open = true
      const answer = (verdict: Verdict) => {
        open = false
        resolve(verdict)
        return settle()
      }
      const pass = () => answer({ healthy: true })
      const fail = (reason = 'no') => answer({ healthy: false, reason })
      checks.push({
        target,
        signal,
        open: () => open,
        pass,
        fail,
        miss: () => answer({ healthy: null, reason: 'connect EMFILE' }),
        settle: (passed) => (passed ? pass() : fail()),
      })
    })
  const { setTimer, clearTimer } = timers
  const onChange = (change: HealthChange) => changes.push(change)
  const checker = new HealthChecker({ onChange, probe, random: () => 0.5, setTimer, clearTimer, ...options })
  return { checker, timers, checks, changes }
}

export function upstream(
  name: string,
  origins: readonly string[],
  health: HealthPlan | null = plan,
): UpstreamPlan {
  return {
    name,
    endpoints: origins.map((origin) => ({ id: `${name}/${origin}`, origin, weight: 1 })),
    balance: 'round-robin',
    slowStartMs: 10_000,
    outliers: { failures: 5, timeMs: 10_000, maxTimeMs: 60_000, maxOut: 0.5, slowFactor: null },
    connections: 64,
    pipelining: 1,
    timeouts: { connectMs: 5_000, headersMs: 30_000, bodyMs: 60_000, idleMs: 4_000 },
    retries: { attempts: 1, budget: 0.2, minPerSecond: 3, bodyBytes: 65_536, on: [] },
    queue: { limit: 1024, timeoutMs: 5_000, targetMs: 0, intervalMs: 100 },
    health,
  }
}
