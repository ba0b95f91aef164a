import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ewma } from '../../../../src/proxy/balance/ewma.ts'
import type { Ending } from '../../../../src/proxy/balance/policy.ts'
import { FakeClock, seededRandom } from '../../../support/fakes/clock.ts'
import { candidates, type TestCandidate, tally } from './candidates.ts'

class Rig {
  readonly clock = new FakeClock()
  readonly endpoints: TestCandidate[]
  readonly balancer: Ewma<TestCandidate>

  constructor(weights: number[] = [1, 1, 1], seed = 21) {
    this.endpoints = candidates(...weights)
    this.balancer = new Ewma<TestCandidate>(seededRandom(seed), this.clock.read)
    this.balancer.rebuild(this.endpoints)
  }

  named(name: string): TestCandidate {
    return this.endpoints.find((endpoint) => endpoint.name === name) as TestCandidate
  }

  /** One attempt after the other at an endpoint, whoever would be picked. */
  observe(name: string, ms: number, count = 1, ending: Ending = 'answered'): void {
    for (let time = 0; time < count; time++) {
      this.clock.advance(10)
      this.balancer.observe(this.named(name), ms, ending)
    }
  }

  /** Who gets so many picks, `gapMs` apart, with nothing in flight. */
  share(count = 1_000, gapMs = 1): Record<string, number> {
    return tally(
      Array.from({ length: count }, () => {
        this.clock.advance(gapMs)
        return this.balancer.pick(null)?.name ?? '-'
      }),
    )
  }
}

test('nothing known_shares by weight', () => {
  const counts = new Rig([6, 3, 1]).share(10_000, 0)
  assert.ok(
    Math.abs((counts.a ?? 0) - 6_000) < 250 && Math.abs((counts.c ?? 0) - 1_000) < 160,
    JSON.stringify(counts),
  )
})

test('slow one_not picked while others cost less', () => {
  const rig = new Rig()
  rig.observe('a', 100, 5)
  rig.observe('b', 10, 5)
  rig.observe('c', 10, 5)
  assert.equal(rig.share().a, undefined)
})

test('slow one_picked when the others have so much in flight that it is cheaper', () => {
  const rig = new Rig()
  rig.observe('a', 100, 5)
  for (const name of ['b', 'c']) {
    rig.observe(name, 10, 5)
    rig.named(name).inFlight = 12
  }
  assert.ok((rig.share().a ?? 0) > 500)
})

test('slower samples_are followed in three, faster ones in some fifty', () => {
  const rig = new Rig([1, 1])
  rig.observe('a', 10)
  rig.observe('b', 40)
  assert.equal(rig.share(100).b, undefined)
  rig.observe('a', 100, 3)
  assert.equal(rig.share(100).a, undefined)
  rig.observe('a', 10, 5)
  assert.equal(rig.share(100).a, undefined)
  rig.observe('a', 10, 50)
  assert.equal(rig.share(100).b, undefined)
})

test('fast errors_attract nobody', () => {
  const rig = new Rig()
  for (const name of ['a', 'b', 'c']) rig.observe(name, 20, 10)
  rig.observe('a', 1, 3, 'failed')
  assert.equal(rig.share().a, undefined)
})

test('errors from the first request on_attract nobody either', () => {
  const rig = new Rig()
  rig.observe('a', 1, 1, 'failed')
  rig.observe('b', 20)
  rig.observe('c', 20)
  assert.equal(rig.share().a, undefined)
})

test('fails, then answers before it has ever answered_its latency is known', () => {
  const rig = new Rig([1, 1])
  rig.observe('a', 1, 1, 'failed')
  rig.observe('a', 5, 200)
  rig.observe('b', 50)
  assert.equal(rig.share(100).b, undefined)
})

test('all fail alike_shares stay even', () => {
  const rig = new Rig()
  for (const name of ['a', 'b', 'c']) {
    rig.observe(name, 20, 10)
    rig.observe(name, 1, 2, 'failed')
  }
  const counts = rig.share()
  // Each failure counts a little more than the one before it: not exactly a third each, but nobody is out.
  assert.equal(Object.keys(counts).length >= 2, true, JSON.stringify(counts))
})

test('given up early_teaches nothing; given up late_it would have taken longer', () => {
  const rig = new Rig([1, 1])
  rig.observe('a', 50, 5)
  rig.observe('b', 80, 5)
  rig.observe('b', 1, 5, 'given-up')
  assert.equal(rig.share(100).b, undefined)
  rig.observe('a', 5_000, 1, 'given-up')
  assert.equal(rig.share(100).a, undefined)
})

test('nobody starves_a silent one gets a request after ten seconds, and one more each ten seconds', () => {
  const rig = new Rig()
  rig.observe('a', 1_000, 5)
  rig.observe('b', 1, 5)
  rig.observe('c', 1, 5)
  assert.equal(rig.share(900, 10).a, undefined)
  const later = rig.share(3_000, 10)
  assert.ok((later.a ?? 0) >= 2 && (later.a ?? 0) <= 4, JSON.stringify(later))
})

test('recovered_back after the one request that tries it', () => {
  const rig = new Rig([1, 1])
  rig.observe('a', 1_000, 5)
  rig.observe('b', 10, 5)
  rig.clock.advance(10_000)
  const tried = [rig.balancer.pick(null), rig.balancer.pick(null)].map((endpoint) => endpoint?.name)
  assert.ok(tried.includes('a'), tried.join())
  rig.observe('b', 10)
  rig.observe('a', 10)
  const counts = rig.share()
  assert.ok((counts.a ?? 0) > 400 && (counts.b ?? 0) > 400, JSON.stringify(counts))
})

test('unknown one_costs what the others do, so that it is not flooded', () => {
  const rig = new Rig([1, 1])
  rig.observe('b', 500, 3)
  rig.named('a').inFlight = 2
  rig.named('b').inFlight = 1
  assert.equal(rig.share(100).a, undefined)
})

test('list changes_who stays keeps what is known, who comes back begins anew', () => {
  const rig = new Rig()
  const [a, b, c] = rig.endpoints as [TestCandidate, TestCandidate, TestCandidate]
  rig.observe('a', 100, 5)
  rig.observe('b', 10, 5)
  rig.balancer.rebuild([a, b])
  assert.equal(rig.share(100).a, undefined)
  rig.balancer.rebuild([b, c])
  rig.balancer.observe(a, 1, 'answered')
  rig.balancer.rebuild([a, b])
  assert.ok((rig.share(1_000).a ?? 0) > 100, 'a is as good as anybody')
})
