import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answer, ratiosOf, renderGoals, renderRatios } from '../../../../perf/harness/ratios.ts'
import type { Row } from '../../../../perf/harness/row.ts'
import type { Measured } from '../../../../perf/harness/run.ts'
import type { Turn } from '../../../../perf/harness/turn.ts'
import { small } from '../../../../perf/scenarios/routes.ts'

function measured(name: string, cpu: readonly (number | null)[], of: Partial<Row> = {}): Measured {
  const turns = cpu.map(
    (us): Turn => ({
      load: { requestsPerSecond: 40_000 } as Turn['load'],
      cpu: us === null ? null : { userUs: us / 2, systemUs: us / 2 },
      memory: null,
      logBytes: 0,
      foreign: null,
    }),
  )
  const row = { name, baseline: 'plain', subject: 'weir', scenario: small, ...of }
  return { row, turns, rates: [], passes: { systemCalls: null, allocatedBytes: null } }
}

const times = (factor: number) => plain.map((us, index) => us * (factor + (index % 3) / 1000))
const plain = [20, 24, 20, 22, 20, 28, 20, 21, 20]
const all = [
  measured('plain', plain),
  measured('free', times(1.01)),
  measured('dear', times(1.05)),
  measured(
    'wide',
    plain.map((us, index) => us * (index % 2 === 0 ? 1 : 1.1)),
  ),
]

test('ratios are_of_pairs, and the interval says what can be said', () => {
  const answers = ratiosOf(all).map((ratio) => [ratio.name, answer(ratio, 1.03)])
  assert.deepEqual(answers, [
    ['free', 'holds'],
    ['dear', '**does not hold**'],
    ['wide', 'not shown: too wide'],
  ])
  const [free] = ratiosOf(all)
  assert.ok(Math.abs(free!.cpu.median - 1.011) < 1e-9 && free!.interval!.high < 1.0121)
})

test('of few turns nothing is_said', () => {
  const few = [measured('plain', [20, 20]), measured('free', [20, 20])]
  assert.equal(answer(ratiosOf(few)[0]!, 1.03), 'not shown: too few turns')
})

test('rows without CPU times have_no_ratio', () => {
  assert.deepEqual(
    ratiosOf([
      measured('plain', plain),
      measured(
        'blind',
        plain.map(() => null),
      ),
    ]),
    [],
  )
})

test('the table has_a_line_for_each', () => {
  const text = renderRatios(all, 1.03)
  assert.match(
    text,
    /\| free +\| 1\.011 \(1\.010\.\.1\.012\) \| 1\.010\.\.1\.012 \| .* \| 0\.81 \/ 0\.80 \| 1\.03: holds/,
  )
})

/** A scenario beside nginx, which takes `factor` times as much. */
function beside(name: string, factor: number, mostCpuRatio?: number): readonly Measured[] {
  const baseline = `${name}@nginx`
  const scenario = { ...small, name, ...(mostCpuRatio === undefined ? {} : { mostCpuRatio }) }
  return [
    measured(name, times(factor), { baseline, scenario }),
    measured(baseline, plain, { baseline, subject: 'nginx', scenario }),
    measured(`${name}@haproxy`, times(9), { baseline, subject: 'haproxy', scenario }),
  ]
}

test('beside nginx each scenario has_its own goal, or none, and peers have none', () => {
  const text = renderGoals([
    ...beside('quick', 0.99, 1),
    ...beside('slow', 1.01, 1),
    ...beside('other', 1.5),
    measured('alone', plain, { baseline: 'alone' }),
  ])
  const cells = text
    .split('\n')
    .filter((line) => /^\| (quick|slow|other|alone)/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  assert.deepEqual(
    cells.map((row) => [row[1], row[2], row[6]]),
    [
      ['quick', '0.991 (0.990..0.992)', '1.00: holds'],
      ['slow', '1.011 (1.010..1.012)', '1.00: **does not hold**'],
      ['other', '1.501 (1.500..1.502)', 'no goal of its own'],
    ],
  )
})

test('where nginx has not run there is_nothing to say', () => {
  assert.equal(renderGoals(all), '')
})
