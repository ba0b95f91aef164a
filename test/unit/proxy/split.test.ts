import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SplitPlan } from '../../../src/plan/route-plan.ts'
import { Router, upstreamOf } from '../../../src/proxy/router.ts'
import { Upstream } from '../../../src/proxy/upstream.ts'
import { seededRandom } from '../../support/fakes/clock.ts'
import { upstreamPlan, upstreamRoute } from '../../support/fakes/plans.ts'

const upstreams = new Map(
  ['one', 'two', 'three'].map((name) => [name, new Upstream(upstreamPlan({ name }), new Set(), () => 0)]),
)

/** Chooses for requests with these header fields. */
function chooser(split: SplitPlan | undefined, random: () => number) {
  const target = { kind: 'upstream', upstream: 'one', ...(split && { split }) } as const
  const router = new Router([{ ...upstreamRoute(null, null), target }], upstreams, [], random)
  const route = router.match('', '/')
  assert.ok(route)
  return (...headers: string[]) => upstreamOf(route, headers).name
}

function parts(...weights: number[]): SplitPlan['parts'] {
  return weights.map((weight, index) => ({ upstream: ['one', 'two', 'three'][index] as string, weight }))
}

test('no split_always the same', () => {
  const choose = chooser(undefined, () => assert.fail('no throw'))
  assert.equal(choose(), 'one')
})

test('weights_edges of the shares', () => {
  for (const [number, name] of [
    [0, 'one'],
    [0.7499, 'one'],
    [0.75, 'three'],
    [0.999999, 'three'],
  ] as const) {
    assert.equal(chooser({ parts: parts(3, 0, 1), header: null }, () => number)(), name)
  }
  assert.equal(chooser({ parts: parts(0, 1, 0), header: null }, () => 0)(), 'two')
  assert.equal(chooser({ parts: parts(0, 1, 0), header: null }, () => 0.999999)(), 'two')
})

test('weights_kept on average', () => {
  for (const seed of [1, 7, 42]) {
    const choose = chooser({ parts: parts(95, 5), header: null }, seededRandom(seed))
    let canary = 0
    for (let n = 0; n < 10_000; n++) if (choose() === 'two') canary++
    assert.ok(Math.abs(canary - 500) < 100, `seed ${seed}: ${canary}`)
  }
})

test('header_names one of the list, also of weight 0; anything else is left to the weights', () => {
  const choose = chooser({ parts: parts(1, 0), header: 'x-upstream' }, () => 0.5)
  assert.equal(choose('x-upstream', 'two'), 'two')
  assert.equal(choose('x-upstream', 'three'), 'one', 'not in the list')
  assert.equal(choose('x-upstream', ''), 'one')
  assert.equal(choose('x-other', 'two'), 'one')
})
