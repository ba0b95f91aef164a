import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Turn } from '../../../../perf/harness/turn.ts'
import type { Claim, RatioClaim } from '../../../../perf/report/experiment.ts'
import { direction, judge } from '../../../../perf/report/verdict.ts'
import { rates, turn } from './turns.ts'

function judged(claim: Claim, a: readonly Turn[] | undefined, b: readonly Turn[] | undefined) {
  return judge(claim, (name) => (name === 'a' ? a : b))
}

const lower: RatioClaim = { kind: 'ratio', says: '', figure: 'rate', of: 'a', to: 'b', expects: 'lower' }

for (const [ratios, expected, why] of [
  [[1.05, 1.2, 1.3], 'higher', 'all pairs agree and the median is beyond 5 %'],
  [[1.01, 1.05, 1.3], 'higher', 'the median is 5 %'],
  [[1.01, 1.04, 1.3], null, 'the median is below 5 %'],
  [[0.99, 1.5, 1.6], null, 'one pair disagrees'],
  [[1, 1.5, 1.6], null, 'one pair is even'],
  [[0.9, 0.95, 0.99], 'lower', 'all pairs agree and the median is beyond 5 %, downwards'],
  [[0.9, 0.96, 0.99], null, 'the median is above 1/1.05'],
  [[0.5], null, 'one turn is no evidence'],
  [[], null, 'there are no turns'],
] as const) {
  test(`ratios ${ratios.join(' ')} are_${expected ?? 'no difference'}: ${why}`, () => {
    assert.equal(direction(ratios), expected)
  })
}

test('a claim holds_if the difference is the one expected, with the figures behind it', () => {
  assert.deepEqual(judged(lower, rates(50, 60, 70), rates(100, 100, 100)), {
    answer: 'Holds here',
    because: '`a` had 0.60 (0.50..0.70) times the rate of `b`, lower in every turn.',
  })
})

test('pairs_count and not medians: a slow minute for both changes nothing', () => {
  const verdict = judged(lower, rates(90, 9, 900), rates(100, 10, 1000))
  assert.equal(verdict.answer, 'Holds here')
  assert.match(verdict.because, /had 0\.90 times/)
})

test('the other difference is_said_to_be_the_opposite', () => {
  assert.equal(judged(lower, rates(120, 130), rates(100, 100)).answer, 'The opposite holds here')
})

test('turns that disagree are_not_shown, and counted', () => {
  assert.deepEqual(judged(lower, rates(50, 60, 101), rates(100, 100, 100)), {
    answer: 'Not shown here',
    because: '`a` had 0.60 (0.50..1.01) times the rate of `b`, lower in 2 of 3 turns.',
  })
})

test('one turn is_no_evidence', () => {
  assert.equal(judged(lower, rates(50), rates(100)).answer, 'Not tested: one turn is no evidence')
})

test('without a supposition_the_difference_itself is said', () => {
  const neutral: RatioClaim = { ...lower, expects: null }
  const answer = (of: readonly Turn[]) => judged(neutral, of, rates(100, 100)).answer
  assert.equal(answer(rates(120, 130)), 'Higher')
  assert.equal(answer(rates(80, 70)), 'Lower')
  assert.equal(answer(rates(99, 101)), 'No difference shown')
})

test('not lower holds_only_if_no_turn is below the threshold: that nothing is shown is not enough', () => {
  const reaches: RatioClaim = { ...lower, expects: 'not-lower' }
  const answer = (of: readonly Turn[]) => judged(reaches, of, rates(100, 100)).answer
  assert.equal(answer(rates(96, 130)), 'Holds here')
  assert.equal(answer(rates(80, 130)), 'Not shown here')
  assert.equal(answer(rates(80, 70)), 'Does not hold here')
})

test('CPU time per request_is_divided for claims about it', () => {
  const cost: RatioClaim = { ...lower, figure: 'cpu', expects: 'higher' }
  const of = [20, 22].map((cpuUs) => turn({ rate: 100, cpuUs }))
  const verdict = judged(cost, of, rates(100, 100))
  assert.equal(verdict.answer, 'Holds here')
  assert.match(verdict.because, /2\.10 \(2\.00\.\.2\.20\) times the CPU time per request/)
  const untold = [turn({ rate: 100, cpuUs: null }), turn({ rate: 100 })]
  assert.equal(judged(cost, untold, rates(100, 100)).answer, 'Not measured')
})

test('more than one failure in a hundred_compares_with_nothing, late answers do not count', () => {
  const failing = (failed: Record<string, number>) => [turn({ rate: 50, failed }), turn({ rate: 50 })]
  const answer = (failed: Record<string, number>) => judged(lower, failing(failed), rates(100, 100))
  assert.deepEqual(answer({ status: 11 }), {
    answer: 'Not comparable',
    because: '1.1 % of the requests to `a` failed.',
  })
  assert.equal(answer({ read: 20 }).answer, 'Not comparable')
  assert.equal(answer({ status: 10 }).answer, 'Holds here')
  assert.equal(answer({ timeout: 500 }).answer, 'Holds here')
})

test('rates of a machine that was not quiet_say_nothing, CPU time does', () => {
  const noisy = rates(50, 60).map((one) => ({ ...one, foreign: 0.2 }))
  assert.deepEqual(judged(lower, noisy, rates(100, 100)), {
    answer: 'Not tested: the machine was not quiet',
    because:
      '`a` had 0.55 (0.50..0.60) times the rate of `b`, lower in every turn, while others had 10.6 % of the machine.',
  })
  const spare = judged({ kind: 'spare', says: '', of: 'a' }, noisy, undefined)
  assert.equal(spare.answer, 'Not tested: the machine was not quiet')
  const cost: RatioClaim = { ...lower, figure: 'cpu' }
  const dear = rates(100, 100).map((one) => ({ ...one, cpu: { userUs: 20, systemUs: 0 } }))
  assert.equal(judged(cost, noisy, dear).answer, 'Holds here')
  const untold = rates(50, 60).map((one) => ({ ...one, foreign: null }))
  assert.equal(judged(lower, untold, rates(100, 100)).answer, 'Holds here')
})

test('a variant that did not run_leaves_the_claim_unmeasured', () => {
  assert.deepEqual(judged(lower, rates(1, 1), undefined), {
    answer: 'Not measured',
    because: '`b` did not run.',
  })
})

test('a balancer has time to spare_if_every_turn says so', () => {
  const spare: Claim = { kind: 'spare', says: '', of: 'a' }
  const busy = (...cores: readonly number[]) =>
    judged(
      spare,
      cores.map((share) => turn({ rate: 1000, cpuUs: share * 1000 })),
      undefined,
    )
  assert.deepEqual(busy(0.3, 0.4, 0.5), {
    answer: 'Holds here',
    because: '`a` kept 0.40 (0.30..0.50) of a core busy.',
  })
  assert.equal(busy(0.3, 0.4, 0.95).answer, 'Not shown here')
  assert.equal(busy(0.3, 0.95, 0.95).answer, 'Does not hold here')
})

test('errors disappear_if_every_turn_had_them and no turn has them any more', () => {
  const claim: Claim = { kind: 'errors', says: '', error: 'write', of: 'a', without: 'b' }
  const errors = (...counts: readonly number[]) =>
    counts.map((write) => turn({ rate: 10, failed: { write } }))
  assert.deepEqual(judged(claim, errors(200, 43), errors(0, 0)), {
    answer: 'Holds here',
    because: 'write errors in all turns: 243 with `a`, 0 with `b`.',
  })
  assert.equal(judged(claim, errors(200, 43), errors(0, 1)).answer, 'Does not hold here')
  assert.equal(judged(claim, errors(200, 0), errors(0, 0)).answer, 'Not shown here')
  assert.match(judged(claim, errors(0, 0), errors(0, 0)).answer, /^Not tested: there were none/)
})
