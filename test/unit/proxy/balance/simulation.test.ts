/**
 * What the policies are for, in the simulator: how the load is spread, what one slow or failing endpoint of three does to the
 * others' clients, and that nobody starves. The same figures are in perf/README.md, made by perf/balance.ts.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultSlowFactor } from '../../../../src/config/schema-outliers.ts'
import { type BalancePolicy, balancePolicies } from '../../../../src/plan/balance-plan.ts'
import { balancePlans } from '../../../support/fakes/plans.ts'
import { type Report, type Simulation, simulate } from '../../../support/simulator.ts'

const seeds = [1, 7, 42]

/**
 * Three endpoints of eight servers and 10 ms each: 2,400 requests per second at the most. Two of them take 1,600. Slow ones are ejected
 * where the policy brings that by default.
 */
function run(policy: BalancePolicy, seed: number, changes: Partial<Simulation> = {}): Report {
  return simulate({
    balance: balancePlans[policy],
    seed,
    endpoints: [1, 2, 3].map(() => ({ servers: 8, serviceMs: 10 })),
    arrivals: 1_000,
    durationMs: 40_000,
    warmUpMs: 5_000,
    slowFactor: defaultSlowFactor(policy),
    ...changes,
  })
}

const shares = (report: Report): number[] => report.endpoints.map(({ share }) => share)
const inWords = (report: Report): string =>
  `p90 ${report.p90.toFixed(1)} p99 ${report.p99.toFixed(1)}, shares ${shares(report).map((share) => share.toFixed(3))}`
const slow = [{ atMs: 0, endpoint: 2, slowness: 10 }]

/** How far a share may be from what the weight says, as a part of it. `sticky` falls back to round-robin here. */
const spread: Record<BalancePolicy, number> = {
  'round-robin': 0.001,
  sticky: 0.001,
  'least-connections': 0.15,
  random: 0.05,
  'two-choices': 0.05,
  ewma: 0.1,
  // A thousand clients on a ring.
  hash: 0.25,
}

for (const policy of balancePolicies) {
  test(`${policy}: healthy endpoints share by weight, and nobody waits long for a request`, (t) => {
    for (const seed of seeds) {
      const endpoints = [5, 3, 2].map((weight) => ({ weight, servers: 2 * weight, serviceMs: 10 }))
      const report = run(policy, seed, { endpoints })
      t.diagnostic(`seed ${seed}: ${inWords(report)}`)
      for (const [index, fair] of [0.5, 0.3, 0.2].entries()) {
        const share = shares(report)[index] as number
        assert.ok(Math.abs(share - fair) <= fair * spread[policy], `seed ${seed}: ${shares(report)}`)
      }
      for (const { silenceMs } of report.endpoints)
        assert.ok(silenceMs < 1_000, `${silenceMs} ms without a request`)
    }
  })
}

test('one of three ten times slower: round-robin shows the damage, ewma keeps p99 within 1.5 times of the healthy case', (t) => {
  for (const seed of seeds) {
    for (const sigma of [0.5, 1]) {
      const damaged =
        run('round-robin', seed, { sigma, phases: slow }).p99 / run('round-robin', seed, { sigma }).p99
      const healthy = run('ewma', seed, { sigma })
      const report = run('ewma', seed, { sigma, phases: slow })
      t.diagnostic(
        `seed ${seed}, sigma ${sigma}: round-robin x ${damaged.toFixed(0)}; ewma ${inWords(report)}`,
      )
      assert.ok(damaged > 50, `round-robin: ${damaged} times`)
      assert.ok(report.p99 <= 1.5 * healthy.p99, `${inWords(report)}, healthy ${inWords(healthy)}`)
    }
  }
})

/**
 * Numbers in flight cannot tell more: kept equal, they give whoever takes ten times as long a tenth of what another gets
 * (Little's law), one request in 21, and each of these takes its time. So p99 is the slow endpoint's, and what must not happen is
 * that anybody waits for it besides.
 */
for (const policy of ['two-choices', 'least-connections'] as const) {
  test(`one of three ten times slower, nobody ejected: ${policy} gives it a small share, and no queue before it`, (t) => {
    for (const seed of seeds) {
      const healthy = run(policy, seed, { slowFactor: false })
      const report = run(policy, seed, { phases: slow, slowFactor: false })
      t.diagnostic(`seed ${seed}: ${inWords(report)}; healthy ${inWords(healthy)}`)
      assert.ok((shares(report)[2] as number) < 0.1, inWords(report))
      assert.ok(report.p90 <= 1.5 * healthy.p90, inWords(report))
      assert.ok(report.p99 <= 10 * healthy.p99, inWords(report))
      assert.ok(
        (report.endpoints[2]?.inFlightMax as number) <= 20,
        `${report.endpoints[2]?.inFlightMax} in flight`,
      )
    }
  })
}

test('one of three ten times slower: hedging behind the 90th percentile halves the p99 of two-choices that ejects nobody, within its budget', (t) => {
  for (const seed of seeds) {
    for (const sigma of [0.5, 1]) {
      const counting = { sigma, phases: slow, slowFactor: false } as const
      const alone = run('two-choices', seed, counting)
      const hedged = run('two-choices', seed, { ...counting, hedging: { share: 0.9, budget: 0.2 } })
      t.diagnostic(
        `seed ${seed}, sigma ${sigma}: ${inWords(hedged)}, ${(100 * hedged.hedged).toFixed(1)} % hedged; alone ${inWords(alone)}`,
      )
      assert.ok(hedged.p99 <= 0.6 * alone.p99, `${inWords(hedged)}, alone ${inWords(alone)}`)
      assert.ok(hedged.hedged > 0.05 && hedged.hedged <= 0.2, `${hedged.hedged} hedged`)
    }
  }
})

for (const [policy, changes, words] of [
  ['two-choices', {}, 'as it is by default'],
  ['round-robin', { slowFactor: 5 }, 'with slowFactor'],
] as const) {
  test(`one of three ten times slower: ${policy} ${words} keeps p99 within 1.5 times of the healthy case`, (t) => {
    for (const seed of seeds) {
      for (const sigma of [0.5, 1]) {
        const healthy = run(policy, seed, { sigma, ...changes })
        const report = run(policy, seed, { sigma, phases: slow, ...changes })
        t.diagnostic(`seed ${seed}, sigma ${sigma}: ${inWords(report)}; healthy ${inWords(healthy)}`)
        assert.ok(report.p99 <= 1.5 * healthy.p99, `${inWords(report)}, healthy ${inWords(healthy)}`)
        assert.ok((shares(report)[2] as number) < 0.01, inWords(report))
        for (const share of shares(healthy)) assert.ok(share > 0.25, `healthy: ${inWords(healthy)}`)
      }
    }
  })
}

test('slowFactor: who recovers is back with its second probe; where all are slow, nobody is ejected', (t) => {
  const all = [0, 1, 2].map((endpoint) => ({ atMs: 10_000, endpoint, slowness: 10 }))
  for (const seed of seeds) {
    const phases = [
      { atMs: 10_000, endpoint: 2, slowness: 10 },
      { atMs: 25_000, endpoint: 2, slowness: 1 },
    ]
    const report = run('two-choices', seed, { phases, durationMs: 60_000 })
    // Ejected within the first seconds for 10 s, then for 20 s: until 45 s at the latest.
    t.diagnostic(
      `seed ${seed}: ${report.sharesBetween(15_000, 20_000)}; ${report.sharesBetween(45_000, 60_000)}`,
    )
    assert.equal(report.sharesBetween(15_000, 20_000)[2], 0)
    assert.ok((report.sharesBetween(45_000, 60_000)[2] as number) > 0.25)
    const slowly = run('two-choices', seed, { phases: all, arrivals: 100 })
    for (const share of slowly.sharesBetween(12_000, 40_000)) assert.ok(share > 0.25, inWords(slowly))
  }
})

test('ewma: the slow endpoint is tried again and again, and has its share back soon after it recovers', (t) => {
  for (const seed of seeds) {
    const phases = [
      { atMs: 10_000, endpoint: 2, slowness: 10 },
      { atMs: 40_000, endpoint: 2, slowness: 1 },
    ]
    const report = run('ewma', seed, { phases, durationMs: 70_000 })
    const meanwhile = report.sharesBetween(11_000, 40_000)[2] as number
    const afterwards = report.sharesBetween(52_000, 70_000)[2] as number
    t.diagnostic(
      `seed ${seed}: share while slow ${meanwhile.toFixed(4)}, afterwards ${afterwards.toFixed(3)}`,
    )
    assert.ok(meanwhile > 0 && meanwhile < 0.02, `${meanwhile} while it was slow`)
    assert.ok(afterwards > 0.28, `${afterwards} afterwards`)
    for (const { silenceMs } of report.endpoints) assert.ok(silenceMs < 11_000, `${silenceMs} ms of silence`)
  }
})

test('an endpoint that fails fast attracts traffic under two-choices, but not under ewma, where it is back when it works again', (t) => {
  for (const seed of seeds) {
    const phases = [
      { atMs: 10_000, endpoint: 2, failing: true },
      { atMs: 40_000, endpoint: 2, failing: false },
    ]
    const attracted = run('two-choices', seed, { phases, durationMs: 45_000 }).sharesBetween(
      10_000,
      40_000,
    )[2] as number
    const report = run('ewma', seed, { phases, durationMs: 70_000 })
    const [share, afterwards] = [report.sharesBetween(10_000, 40_000), report.sharesBetween(52_000, 70_000)]
    t.diagnostic(`seed ${seed}: two-choices ${attracted.toFixed(3)}, ewma ${share[2]?.toFixed(4)}`)
    assert.ok(attracted > 0.45, `two-choices: ${attracted}`)
    assert.ok((share[2] as number) < 0.02, `${share}`)
    assert.ok((afterwards[2] as number) > 0.28, `${afterwards}`)
  }
})

test('ewma with few requests: the slow endpoint is not forgotten, a fast one is not starved', () => {
  for (const seed of seeds) {
    const report = run('ewma', seed, { arrivals: 3, durationMs: 600_000, phases: slow })
    for (const { silenceMs } of report.endpoints) assert.ok(silenceMs < 15_000, `${silenceMs} ms of silence`)
    const [a, b] = shares(report) as [number, number]
    assert.ok(a > 0.2 && b > 0.2, `${shares(report)}`)
  }
})

test('hash under load: clients stay where they are, and nobody has more than 1.25 times the mean in flight for long', () => {
  for (const seed of seeds) {
    const report = run('hash', seed, { clients: 5, arrivals: 1_800 })
    // Five clients on three endpoints, unbounded, leave two fifths or three to one of them; 0.6 is what it cannot take.
    for (const share of shares(report)) assert.ok(share > 0.2 && share < 0.45, `${shares(report)}`)
    assert.ok(report.p99 < 100, `p99 ${report.p99}`)
  }
})

test('same seed_same run', () => {
  assert.equal(inWords(run('ewma', 5)), inWords(run('ewma', 5)))
})
