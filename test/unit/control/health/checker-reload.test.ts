import assert from 'node:assert/strict'
import { test } from 'node:test'
import { a, b, fastMs, firstMs, make, plan, upstream } from './checker-rig.ts'

test('reload same_plan keeps state, counters and rhythm', async () => {
  const { checker, timers, checks, changes } = make()
  checker.update([upstream('app', [a])])
  for (let index = 0; index < 2; index++) {
    await timers.advance(plan.intervalMs)
    await checks[index]!.fail()
  }
  await timers.advance(fastMs - 1)
  checker.update([upstream('app', [a], { ...plan })])
  assert.equal(timers.pending, 1)
  await timers.advance(1)
  assert.equal(checks.length, 3)
  checker.update([upstream('app', [a], { ...plan })])
  assert.equal(checks[2]!.signal.aborted, false)
  await checks[2]!.fail()
  assert.deepEqual(
    changes.map(({ consecutive }) => consecutive),
    [3],
  )
  checker.update([upstream('app', [b, a])])
  assert.deepEqual(checker.unhealthy(), [`app/${a}`])
})

test('reload changed_plan checks soon by the new one, keeping state and counters', async () => {
  const { checker, timers, checks, changes } = make()
  checker.update([upstream('app', [a])])
  await timers.advance(firstMs)
  await checks[0]!.fail()
  const changed = { ...plan, path: '/health', timeoutMs: 500, unhealthyAfter: 2 }
  checker.update([upstream('app', [a], changed)])
  assert.equal(timers.pending, 1)
  await timers.advance(firstMs)
  assert.deepEqual(checks[1]!.target, { origin: a, path: '/health', timeoutMs: 500 })
  await checks[1]!.fail()
  assert.deepEqual(
    changes.map(({ healthy, consecutive }) => [healthy, consecutive]),
    [[false, 2]],
  )
})

test('reload changed_plan_while_checking drops the verdict of the old one', async () => {
  const { checker, timers, checks, changes } = make()
  const eager = { ...plan, unhealthyAfter: 1 }
  checker.update([upstream('app', [a], eager)])
  await timers.advance(firstMs)
  checker.update([upstream('app', [a], { ...eager, path: '/health' })])
  assert.equal(checks[0]!.signal.aborted, true)
  await checks[0]!.fail()
  assert.deepEqual(changes, [])
  await timers.advance(firstMs)
  assert.equal(checks[1]!.target.path, '/health')
})

for (const [key, value] of Object.entries({
  path: '/other',
  intervalMs: 9_000,
  timeoutMs: 1_000,
  unhealthyAfter: 4,
  healthyAfter: 4,
})) {
  test(`reload changed_${key} takes effect`, async () => {
    const { checker, timers, checks } = make()
    checker.update([upstream('app', [a])])
    await timers.advance(firstMs)
    await checks[0]!.pass()
    checker.update([upstream('app', [a], { ...plan, [key]: value })])
    await timers.advance(firstMs)
    assert.equal(checks.length, 2)
  })
}

test('reload removed_while_out is forgotten without a change; added again_healthy', async () => {
  const { checker, timers, checks, changes } = make()
  const eager = { ...plan, unhealthyAfter: 1 }
  checker.update([upstream('app', [a, b], eager)])
  await timers.advance(firstMs)
  for (const check of checks) await check.fail()
  assert.deepEqual(checker.unhealthy(), [`app/${a}`, `app/${b}`])
  checker.update([upstream('app', [b], eager)])
  assert.deepEqual(checker.unhealthy(), [`app/${b}`])
  assert.equal(timers.pending, 1)
  checker.update([upstream('app', [a, b], eager)])
  assert.deepEqual(checker.unhealthy(), [`app/${b}`])
  assert.equal(changes.length, 2)
})

test('reload removed_while_checking ends the check and drops its verdict', async () => {
  const { checker, timers, checks, changes } = make()
  checker.update([upstream('app', [a], { ...plan, unhealthyAfter: 1 })])
  await timers.advance(firstMs)
  checker.update([])
  assert.equal(checks[0]!.signal.aborted, true)
  await checks[0]!.fail()
  assert.deepEqual([changes, checker.unhealthy(), timers.pending], [[], [], 0])
})

test('reload checks_turned_off_while_out counts as healthy from now on, told once', async () => {
  const { checker, timers, checks, changes } = make()
  checker.update([upstream('app', [a, b], { ...plan, unhealthyAfter: 1 })])
  await timers.advance(firstMs)
  await checks[0]!.fail()
  await checks[1]!.pass()
  changes.length = 0
  for (let reload = 0; reload < 2; reload++) checker.update([upstream('app', [a, b], null)])
  assert.deepEqual(changes, [
    {
      id: `app/${a}`,
      upstream: 'app',
      origin: a,
      healthy: true,
      reason: 'its health checks were turned off',
      consecutive: 0,
    },
  ])
  assert.deepEqual([checker.unhealthy(), timers.pending], [[], 0])
})
