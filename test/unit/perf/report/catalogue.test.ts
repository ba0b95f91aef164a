import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { shuffled } from '../../../../perf/harness/order.ts'
import { randomFrom } from '../../../../perf/harness/random.ts'
import { configuration } from '../../../../perf/harness/weir.ts'
import { canRun, peers } from '../../../../perf/peers/peers.ts'
import { defaultSchedule, parseArguments as parse, usage } from '../../../../perf/report/arguments.ts'
import { backends, balancers, slowBackends, slowBalancers } from '../../../../perf/report/capacity.ts'
import { experiments, seedOf, select } from '../../../../perf/report/catalogue.ts'
import { reckonMinutes } from '../../../../perf/report/duration.ts'
import type { Claim } from '../../../../perf/report/experiment.ts'
import { readConfig } from '../../../../src/config/load.ts'

const now = 1_700_000_000_000
const parseArguments = (argv: readonly string[]) => parse(argv, now)

function variantsOf(claim: Claim): readonly string[] {
  if (claim.kind === 'ratio') return [claim.of, claim.to]
  return claim.kind === 'errors' ? [claim.of, claim.without] : [claim.of]
}

test('experiments_have_names_of_their_own', () => {
  const names = experiments.map((experiment) => experiment.name)
  assert.equal(new Set(names).size, names.length)
  for (const name of names) assert.ok(usage.includes(name), `${name} is not in the usage`)
})

for (const { name, variants, claims } of experiments) {
  test(`${name}: claims_are_about_its_variants, and each scenario is one`, () => {
    const known = variants.map((variant) => variant.name)
    assert.equal(new Set(known).size, known.length)
    for (const variant of claims.flatMap(variantsOf)) assert.ok(known.includes(variant), variant)
    // Origins and files go by the scenario's name.
    const scenarios = new Map(variants.map(({ scenario }) => [scenario.name, scenario]))
    for (const { scenario } of variants) assert.equal(scenarios.get(scenario.name), scenario)
  })

  test(`${name}: subjects_can_do_what_is_asked, and Weir takes its configuration`, () => {
    for (const { name: variant, subject, scenario } of variants) {
      if (subject === 'origin') continue
      const peer = peers.find((one) => one.name === subject)
      if (peer !== undefined) {
        assert.ok(canRun(peer, scenario), variant)
        continue
      }
      assert.equal(subject, 'weir')
      const origins = Array.from(
        { length: scenario.endpoints },
        (_, index) => `http://127.0.0.1:${9001 + index}`,
      )
      const row = { name: variant, baseline: variant, subject, scenario }
      const content = configuration(scenario.weir!, { row, origins, port: 8080, certificate: null })
      const result = readConfig(JSON.stringify(content))
      assert.ok(result.ok, JSON.stringify(result))
    }
  })
}

test('the report’s load is_that_of_its_isolated_test', () => {
  const { threads, connections, path } = select(['isolated'])[0]!.variants[0]!.scenario.load
  assert.deepEqual({ threads, connections, path }, { threads: 4, connections: 500, path: '/isolated' })
  assert.equal(parseArguments([]).schedule.seconds, 10)
})

test('the backends are_asked_alone and through each balancer, the slow ones too', () => {
  for (const [{ variants }, subjects] of [
    [backends, balancers],
    [slowBackends, slowBalancers],
  ] as const) {
    const expected = ['alone', ...subjects.flatMap((name) => [`${name} 1`, `${name} 3`])]
    assert.deepEqual(
      variants.map(({ name }) => name),
      expected,
    )
    for (const { name, scenario } of variants) assert.equal(scenario.endpoints, name.endsWith('3') ? 3 : 1)
  }
  for (const [{ variants }, workMs] of [
    [backends, undefined],
    [slowBackends, 1],
  ] as const)
    for (const { scenario } of variants) assert.equal(scenario.origin.fastApi?.workMs, workMs)
})

test('why the Go balancer is slow_is_asked_of_the_same_program with its connections kept', () => {
  const pairs = backends.claims.flatMap((claim) =>
    claim.kind === 'ratio' && claim.of.startsWith('go-kept') && claim.expects === 'higher'
      ? [[claim.of, claim.to]]
      : [],
  )
  assert.deepEqual(pairs, [
    ['go-kept 1', 'go-tuned 1'],
    ['go-kept 3', 'go-tuned 3'],
  ])
})

test('every experiment has_orders_of_its_own from one seed, whichever others run', () => {
  for (const seed of [0, 7, 2 ** 32 - 1]) {
    const seeds = experiments.map((experiment) => seedOf(experiment, seed))
    assert.equal(new Set(seeds).size, experiments.length)
    for (const one of seeds) assert.ok(Number.isInteger(one) && one >= 0 && one < 2 ** 32, String(one))
  }
  // Those with four variants, three turns each: not all the same, as they were with one seed.
  const alike = experiments.filter(({ variants }) => variants.length === 4)
  const orders = alike.map((experiment) => {
    const random = randomFrom(seedOf(experiment, 7))
    return Array.from({ length: 3 }, () => shuffled([0, 1, 2, 3], random).join('')).join()
  })
  assert.ok(alike.length > 3)
  assert.equal(new Set(orders).size, orders.length)
})

test('a whole run_is_reckoned_to_take_40_minutes at most, and said to take as long', () => {
  const minutes = reckonMinutes(experiments, defaultSchedule)
  assert.ok(minutes <= 40, String(minutes))
  for (const file of ['README.md', 'perf/README.md']) {
    const text = readFileSync(new URL(`../../../../${file}`, import.meta.url), 'utf8')
    const line = text.split('\n').find((one) => /npm run report`? /.test(one) && /minutes/.test(one))
    assert.equal(/(\d+) minutes/.exec(line ?? '')?.[1], String(minutes), file)
  }
  assert.ok(usage.includes(`${minutes} minutes`))
  // Load alone: 10 variants would be 5 minutes of it.
  const ten = { ...backends, variants: backends.variants.slice(0, 10) }
  const reckoned = reckonMinutes([ten], defaultSchedule)
  assert.ok(reckoned > 5 && reckoned < 10, String(reckoned))
})

test('a name_takes_along_what_begins_with_it, each once and in order', () => {
  const named = (...names: readonly string[]) => select(names).map((experiment) => experiment.name)
  assert.deepEqual(named('keep-alive', 'isolated', 'keep-alive-light'), [
    'isolated',
    'keep-alive',
    'keep-alive-light',
    'keep-alive-clients',
  ])
  assert.equal(select([]).length, experiments.length)
})

test('arguments_are_read, and refused with what was expected', () => {
  const given = parseArguments([
    '--only',
    'threads,health',
    '--turns',
    '2',
    '--seconds',
    '1',
    '--out',
    '/tmp/x.md',
  ])
  assert.deepEqual(given.experiments, select(['health', 'threads']))
  assert.deepEqual(given.schedule, { turns: 2, seconds: 1, warmupSeconds: 2 })
  assert.equal(given.out, '/tmp/x.md')
  assert.equal(given.seed, now % 2 ** 32)
  assert.equal(parseArguments(['--seed', '7']).seed, 7)
  assert.throws(() => parseArguments(['--seed', '4294967296']), /--seed: expected a whole number/)
  assert.throws(() => parseArguments(['--only', 'weather']), /"weather"; there are: isolated, fastapi,/)
  assert.throws(() => parseArguments(['--seconds', '0']), /--seconds: expected a whole number from 1 to 60/)
  assert.throws(() => parseArguments(['isolated']), /unexpected argument 'isolated'/)
})
