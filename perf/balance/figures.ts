/** What the policies make of one slow and one failing endpoint of three: figures from the simulator, the same every time. */

import { defaultSlowFactor } from '../../src/config/schema-outliers.ts'
import { balancePlans } from '../../test/support/fakes/plans.ts'
import { type Phase, type Report, simulate } from '../../test/support/simulator.ts'

export const policies = ['round-robin', 'random', 'hash', 'least-connections', 'two-choices', 'ewma'] as const

/**
 * What stands beside a policy: what a configuration that says no more than the policy has; nothing; `hedging` behind the 90th percentile,
 * and no more than that; or slow endpoints ejected by `outliers.slowFactor`.
 */
export type Beside = 'defaults' | 'nothing' | 'hedging' | 'slowFactor'

/** What is in front of the endpoints: each policy as it is by default, `two-choices` without its help or with other, and help for one without. */
export const setups: readonly { readonly policy: (typeof policies)[number]; readonly beside: Beside }[] = [
  ...policies.map((policy) => ({ policy, beside: 'defaults' as const })),
  { policy: 'two-choices', beside: 'nothing' },
  { policy: 'two-choices', beside: 'hedging' },
  { policy: 'round-robin', beside: 'slowFactor' },
]

/** Of all runs. */
export const parameters = {
  seed: 1,
  endpoints: 3,
  serversPerEndpoint: 8,
  serviceMs: 10,
  arrivalsPerSecond: 1_000,
  seconds: 60,
  warmUpSeconds: 10,
  slowness: 10,
  /** Of the logarithm of service times: even ones, and such as are now and then ten times as long as most. */
  sigmas: [0.5, 1],
  hedging: { share: 0.9, budget: 0.2 },
  slowFactor: 5,
} as const

/** All times in milliseconds. */
export interface Figures {
  readonly policy: (typeof policies)[number]
  readonly beside: Beside
  readonly sigma: number
  readonly healthyP50: number
  readonly healthyP99: number
  /** With one endpoint that is ten times slower all the time. */
  readonly slowP50: number
  readonly slowP90: number
  readonly slowP99: number
  readonly slowP99Ratio: number
  /** What that endpoint gets, 0 to 1. */
  readonly slowShare: number
  /** What an endpoint gets that answers with an error at once, 0 to 1. */
  readonly failingShare: number
  /** Seconds from the recovery of the slow endpoint until it has a fifth of the requests of a second. */
  readonly backAfterSeconds: number
}

export function measure(): Figures[] {
  return parameters.sigmas.flatMap((sigma) =>
    setups.map(({ policy, beside }) => figuresOf(policy, beside, sigma)),
  )
}

const suffixes: Readonly<Record<Beside, string>> = {
  defaults: '',
  nothing: ' that counts only',
  hedging: ' that counts and hedges',
  slowFactor: ' with slowFactor',
}

/** For tables and charts. */
export function nameOf({ policy, beside }: Pick<Figures, 'policy' | 'beside'>): string {
  return policy + suffixes[beside]
}

function figuresOf(policy: Figures['policy'], beside: Beside, sigma: number): Figures {
  const run = (...phases: Phase[]): Report =>
    simulate({
      balance: balancePlans[policy],
      seed: parameters.seed,
      endpoints: Array.from({ length: parameters.endpoints }, () => ({
        servers: parameters.serversPerEndpoint,
        serviceMs: parameters.serviceMs,
      })),
      arrivals: parameters.arrivalsPerSecond,
      durationMs: parameters.seconds * 1_000,
      warmUpMs: parameters.warmUpSeconds * 1_000,
      sigma,
      phases,
      ...(beside === 'hedging' ? { hedging: parameters.hedging } : {}),
      slowFactor: slowFactorOf(policy, beside),
    })
  const { slowness } = parameters
  const healthy = run()
  const slow = run({ atMs: 0, endpoint: 2, slowness })
  const failing = run({ atMs: 0, endpoint: 2, failing: true })
  const recovering = run({ atMs: 0, endpoint: 2, slowness }, { atMs: recoversAtMs, endpoint: 2, slowness: 1 })
  return {
    policy,
    beside,
    sigma,
    healthyP50: rounded(healthy.p50),
    healthyP99: rounded(healthy.p99),
    slowP50: rounded(slow.p50),
    slowP90: rounded(slow.p90),
    slowP99: rounded(slow.p99),
    slowP99Ratio: rounded(slow.p99 / healthy.p99, 2),
    slowShare: rounded(slow.endpoints[2]?.share ?? 0, 4),
    failingShare: rounded(failing.endpoints[2]?.share ?? 0, 4),
    backAfterSeconds: backAfter(recovering),
  }
}

function slowFactorOf(policy: Figures['policy'], beside: Beside): number | false {
  if (beside === 'defaults') return defaultSlowFactor(policy)
  return beside === 'slowFactor' && parameters.slowFactor
}

const recoversAtMs = 30_000

function backAfter(report: Report): number {
  for (let second = 0; recoversAtMs + second * 1_000 < parameters.seconds * 1_000; second++) {
    const from = recoversAtMs + second * 1_000
    if ((report.sharesBetween(from, from + 1_000)[2] ?? 0) >= 0.2) return second
  }
  return Number.NaN
}

function rounded(value: number, digits = 1): number {
  return Number(value.toFixed(digits))
}

/** For perf/README.md. */
export function markdown(rows: readonly Figures[]): string {
  const head = [
    'policy',
    'sigma',
    'healthy p99 ms',
    'slow: p90 ms',
    'slow: p99 ms',
    'p99 ratio',
    'share of the slow one',
    'share of a failing one',
    'back after',
  ]
  const lines = rows.map((row) => [
    nameOf(row).replace(row.policy, `\`${row.policy}\``),
    `${row.sigma}`,
    `${row.healthyP99}`,
    row.slowP90.toLocaleString('en'),
    row.slowP99.toLocaleString('en'),
    row.slowP99Ratio.toLocaleString('en', { maximumFractionDigits: row.slowP99Ratio < 10 ? 2 : 0 }),
    `${(100 * row.slowShare).toFixed(1)} %`,
    `${(100 * row.failingShare).toFixed(1)} %`,
    `${row.backAfterSeconds} s`,
  ])
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'))
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
