/** What holds for every policy. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { balancePolicies } from '../../../../src/plan/balance-plan.ts'
import { makeBalancer } from '../../../../src/proxy/balance/make-balancer.ts'
import { seededRandom } from '../../../support/fakes/clock.ts'
import { balancePlans } from '../../../support/fakes/plans.ts'
import { TestCandidate } from './candidates.ts'
import { request } from './requests.ts'

const endpoint = fc.record({
  weight: fc.integer({ min: 1, max: 10 }),
  inFlight: fc.integer({ min: 0, max: 4 }),
  capacity: fc.integer({ min: 0, max: 4 }),
})
/** An index into the list, or beyond it for none. */
const excepted = fc.integer({ min: 0, max: 8 })
const change = fc.record({ index: fc.nat(8), inFlight: fc.integer({ min: 0, max: 4 }), except: excepted })

for (const policy of balancePolicies) {
  test(`${policy} any state_never full, never excepted, null exactly if none is free`, () => {
    fc.assert(
      fc.property(
        fc.array(endpoint, { maxLength: 6 }),
        fc.array(change, { maxLength: 20, size: 'max' }),
        fc.integer(),
        (list, changes, seed) => {
          const endpoints = list.map(({ weight, inFlight, capacity }, index) => {
            const candidate = new TestCandidate(String(index), weight, capacity)
            candidate.inFlight = inFlight
            return candidate
          })
          const balancer = makeBalancer<TestCandidate>(balancePlans[policy], seededRandom(seed))
          balancer.rebuild(endpoints)
          for (const { index, inFlight, except: exceptIndex } of changes) {
            const changed = endpoints[index]
            if (changed !== undefined) changed.inFlight = inFlight
            const except = endpoints[exceptIndex] ?? null
            const free = endpoints.filter((each) => each.free && each !== except)
            const picked = balancer.pick(except, request({ address: `${index}` }))
            if (free.length === 0) assert.equal(picked, null)
            else assert.ok(picked !== null && free.includes(picked))
          }
        },
      ),
    )
  })

  test(`${policy} rebuilt with none_null`, () => {
    const balancer = makeBalancer<TestCandidate>(balancePlans[policy], () => 0.5)
    balancer.rebuild([new TestCandidate('a')])
    balancer.rebuild([])
    assert.equal(balancer.pick(null), null)
  })

  test(`${policy} only the excepted one free_null`, () => {
    const only = new TestCandidate('a')
    const balancer = makeBalancer<TestCandidate>(balancePlans[policy], () => 0.5)
    balancer.rebuild([only])
    assert.equal(balancer.pick(only), null)
    assert.equal(balancer.pick(null), only)
  })
}
