import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Turn } from '../../../../perf/harness/turn.ts'
import { closedLoopLaws, overloadLaws, renderVerdicts } from '../../../../perf/overload/laws.ts'
import { setup, variant } from './figures.ts'

type At = readonly (readonly [load: number, good: number, p99Ms: number])[]

const holdsOf = (at: At, differs = {}) =>
  overloadLaws(setup('slots', [variant('weir controlled', 5, at, differs)])).map(({ holds }) => holds)

test('a variant that keeps_goodput_and_p99_without_a_time-out_holds', () => {
  assert.deepEqual(
    holdsOf([
      [0.5, 500, 12],
      [1, 990, 20],
      [4, 950, 40],
    ]),
    [true, true, true],
  )
})

test('goodput is_held_against_its_peak, wherever that was', () => {
  assert.deepEqual(
    holdsOf([
      [0.5, 500, 12],
      [1.5, 1_000, 20],
      [4, 949, 20],
    ])[0],
    false,
  )
  assert.deepEqual(
    holdsOf([
      [0.5, 500, 12],
      [1.5, 960, 20],
      [4, 990, 20],
    ])[0],
    true,
  )
})

test('p99 is_held_against_three_times_that_without_an_overload, and the target', () => {
  assert.equal(
    holdsOf([
      [0.5, 500, 12],
      [4, 500, 40.9],
    ])[1],
    true,
  )
  assert.equal(
    holdsOf([
      [0.5, 500, 12],
      [4, 500, 41],
    ])[1],
    false,
  )
})

test('one time-out is_one_too_many', () => {
  assert.equal(
    holdsOf(
      [
        [0.5, 500, 12],
        [4, 990, 40],
      ],
      { timeouts: 1 },
    )[2],
    false,
  )
})

test('a variant without a target is_not_held_to_p99, and other proxies to nothing', () => {
  const at: At = [
    [0.5, 500, 12],
    [4, 990, 900],
  ]
  const verdicts = overloadLaws(setup('slots', [variant('weir', null, at), variant('nginx', null, at)]))
  assert.deepEqual(
    verdicts.map(({ says }) => /^slots, (\w+): (goodput|p99|no time-out)/.exec(says)?.slice(1)),
    [
      ['weir', 'goodput'],
      ['weir', 'no time-out'],
    ],
  )
})

test('a load generator that was late itself is_said', () => {
  const late = variant(
    'weir',
    null,
    [
      [0.5, 500, 12],
      [4, 990, 40],
    ],
    { lateUs: 10_001 },
  )
  for (const { because } of overloadLaws(setup('slots', [late])))
    assert.match(because, /itself was up to 10 ms late/)
})

test('without a step below the capacity p99 is_not_judged', () => {
  assert.deepEqual(
    holdsOf([
      [1, 990, 12],
      [4, 990, 40],
    ]),
    [true, null, true],
  )
})

function turns(rates: readonly number[], failed: Turn['load']['failed'] = {}): readonly Turn[] {
  const latency = { averageUs: 1, deviationUs: 1, maxUs: 1, p50Us: 1, p99Us: 1, p999Us: 1 }
  return rates.map((rate) => ({
    load: { requests: rate, seconds: 1, requestsPerSecond: rate, bytesRead: 1, latency, failed },
    cpu: null,
    memory: null,
    logBytes: 0,
    foreign: null,
  }))
}

function closed(alone: number, one: number, three: number, failed = {}): readonly (boolean | null)[] {
  const measured = new Map([
    ['alone', turns([alone, alone])],
    ['weir 1', turns([one, one], failed)],
    ['weir 3', turns([three, three])],
  ])
  return closedLoopLaws((name) => measured.get(name)).map(({ holds }) => holds)
}

test('in the closed loop rates_and_failures_are_looked_at', () => {
  assert.deepEqual(closed(1_000, 1_000, 1_250), [true, true, true, true])
  assert.deepEqual(closed(1_000, 999, 1_248), [false, false, true, true])
  assert.deepEqual(closed(1_000, 1_100, 1_500, { timeout: 1 }), [true, true, false, true])
  assert.deepEqual(
    closedLoopLaws(() => undefined).map(({ holds }) => holds),
    [null, null, null, null],
  )
})

test('in the closed loop each application_is judged by its own rates', () => {
  const rates = new Map([
    ['weir 1', 1_000],
    ['weir 3', 1_000],
    ['weir 1, slow', 100],
    ['weir 3, slow', 200],
  ])
  const laws = closedLoopLaws((name) => turns([rates.get(name) ?? 1]), ['', ', slow'])
  const three = laws.filter(({ says }) => says.includes('three backends'))
  assert.deepEqual(
    three.map(({ holds }) => holds),
    [false, true],
  )
  assert.ok(three[1]?.says.includes('`weir 3, slow` has at least 1.25 times the rate of `weir 1, slow`'))
})

test('what does not hold is_said_with_its_figures', () => {
  const verdicts = overloadLaws(
    setup('slots', [
      variant('weir', null, [
        [0.5, 500, 12],
        [4, 250, 40],
      ]),
    ]),
  )
  assert.match(
    renderVerdicts(verdicts),
    /^- \*\*does not hold\*\*: slots, weir: goodput at 4 times .* 50\.0 % of 500\/s, which it had at 0\.5\.\n- holds: .*\. 0 of 9,000 requests\.$/,
  )
})
