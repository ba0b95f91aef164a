import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LeastConnections } from '../../../../src/proxy/balance/least-connections.ts'
import { candidates, picks, type TestCandidate, tally } from './candidates.ts'

function leastConnections(endpoints: readonly TestCandidate[]): LeastConnections<TestCandidate> {
  const balancer = new LeastConnections<TestCandidate>()
  balancer.rebuild(endpoints)
  return balancer
}

/** Picks that stay in flight. */
function fill(balancer: LeastConnections<TestCandidate>, count: number): string[] {
  return Array.from({ length: count }, () => {
    const picked = balancer.pick(null)
    if (picked !== null) picked.inFlight++
    return picked?.name ?? '-'
  })
}

test('fewest in flight_wins', () => {
  const endpoints = candidates(1, 1, 1)
  endpoints.forEach((endpoint, index) => {
    endpoint.inFlight = [2, 1, 3][index] as number
  })
  assert.equal(picks(leastConnections(endpoints), 2).join(''), 'bb')
})

test('weight_counts: two in flight at weight 3 are fewer than one at weight 1', () => {
  const [a, b] = candidates(3, 1) as [TestCandidate, TestCandidate]
  a.inFlight = 2
  b.inFlight = 1
  assert.equal(leastConnections([a, b]).pick(null), a)
})

test('requests that stay_are spread by weight', () => {
  const endpoints = candidates(5, 3, 2)
  assert.deepEqual(tally(fill(leastConnections(endpoints), 100)), { a: 50, b: 30, c: 20 })
})

test('tie_goes round: an idle group shares evenly', () => {
  assert.equal(picks(leastConnections(candidates(1, 1, 1)), 7).join(''), 'abcabca')
})

test('tie among some_goes round among them', () => {
  const endpoints = candidates(1, 1, 1)
  ;(endpoints[1] as TestCandidate).inFlight = 1
  assert.equal(picks(leastConnections(endpoints), 4).join(''), 'acac')
})

test('equal load per weight_is a tie', () => {
  const [a, b] = candidates(2, 1) as [TestCandidate, TestCandidate]
  a.inFlight = 4
  b.inFlight = 2
  assert.equal(picks(leastConnections([a, b]), 4).join(''), 'abab')
})

test('list that has become shorter_is searched from its beginning', () => {
  const balancer = leastConnections(candidates(1, 1, 1))
  picks(balancer, 2)
  balancer.rebuild(candidates(1))
  assert.equal(picks(balancer, 2).join(''), 'aa')
})

test('before any rebuild_nothing is picked', () => {
  assert.equal(new LeastConnections<TestCandidate>().pick(null), null)
})
