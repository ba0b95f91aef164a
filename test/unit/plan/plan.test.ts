import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { pino } from 'pino'
import { balancePolicies } from '../../../src/plan/balance-plan.ts'
import { logLevels } from '../../../src/plan/plan.ts'
import { makeBalancer } from '../../../src/proxy/balance/make-balancer.ts'
import { balancePlans } from '../../support/fakes/plans.ts'

for (const policy of balancePolicies) {
  test(`${policy}_has a file of its own and can be made`, () => {
    const file = new URL(`../../../src/proxy/balance/${policy}.ts`, import.meta.url)
    assert.ok(existsSync(file), file.pathname)
    assert.equal(makeBalancer(balancePlans[policy], Math.random).pick(null), null)
  })
}

test('log levels_those of pino, from most to least', () => {
  const { values } = pino({ level: 'silent' }).levels
  const rank = (level: string) => values[level] ?? Number.POSITIVE_INFINITY
  assert.deepEqual(
    [...logLevels],
    [...Object.keys(values), 'silent'].sort((a, b) => rank(a) - rank(b)),
  )
})
