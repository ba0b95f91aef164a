import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RetryBudget, windowMs } from '../../../src/proxy/retry-budget.ts'

test('quiet upstream_minPerSecond for ten seconds, and again when they have slid out', () => {
  const budget = new RetryBudget(0.2, 3)
  budget.request(0)
  for (let count = 0; count < 30; count++) assert.ok(budget.take(0))
  assert.ok(!budget.take(0))
  assert.ok(!budget.take(windowMs), 'the window before counts whole when the next begins')
  assert.ok(budget.take(windowMs * 1.5))
  assert.ok(budget.take(windowMs * 3.5))
})

test('busy upstream_a share of its requests', () => {
  const budget = new RetryBudget(0.2, 0)
  for (let count = 0; count < 1_000; count++) budget.request(0)
  let taken = 0
  while (budget.take(1)) taken++
  assert.equal(taken, 200)
  assert.ok(!budget.take(windowMs * 10), 'requests of long ago earn nothing')
})

test('no share and no minimum_none', () => {
  const budget = new RetryBudget(0, 0)
  budget.request(0)
  assert.ok(!budget.take(0))
})

test('whatever comes when_retries of two neighbouring windows stay within what they earned', () => {
  const step = fc.record({ afterMs: fc.nat(3_000), requests: fc.nat(50), retries: fc.nat(50) })
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (steps, share) => {
        const budget = new RetryBudget(share, 1)
        let now = 0
        let requests = 0
        let retries = 0
        for (const step of steps) {
          now += step.afterMs
          for (let count = 0; count < step.requests; count++) budget.request(now)
          requests += step.requests
          for (let count = 0; count < step.retries; count++) if (budget.take(now)) retries++
        }
        assert.ok(retries <= 10 * (1 + Math.ceil(now / windowMs)) + share * requests)
      },
    ),
  )
})

test('asked whether there is one_nothing is taken', () => {
  const budget = new RetryBudget(0, 0.1)
  for (let count = 0; count < 5; count++) assert.ok(budget.has(0))
  assert.ok(budget.take(0))
  assert.ok(!budget.has(0) && !budget.take(0))
  assert.ok(budget.has(2 * windowMs))
})
