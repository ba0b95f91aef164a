import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { type HealthChange, HealthChecker } from '../../../../src/control/health/checker.ts'
import { seedOf } from '../../../support/seed.ts'
import { waitFor } from '../../../support/wait.ts'
import { a, b, type Check, fastMs, firstMs, make, plan, upstream } from './checker-rig.ts'

test('endpoint new_healthy, first check soon, the next an interval after the verdict', async () => {
  const { checker, timers, checks } = make()
  checker.update([upstream('app', [a])])
  assert.deepEqual(checker.unhealthy(), [])
  await timers.advance(firstMs - 1)
  assert.equal(checks.length, 0)
  await timers.advance(1)
  assert.deepEqual(checks[0]?.target, { origin: a, path: null, timeoutMs: 2_000 })
  await timers.advance(1_000)
  await checks[0]!.pass()
  await timers.advance(plan.intervalMs - 1)
  assert.equal(checks.length, 1)
  await timers.advance(1)
  assert.equal(checks.length, 2)
})

test('failures third_out with reason, told once; successes second_back', async () => {
  const { checker, timers, checks, changes } = make()
  checker.update([upstream('app', [a])])
  const verdicts = ['one', 'two', 'three', 'four', null, null, null]
  for (const [index, reason] of verdicts.entries()) {
    await timers.advance(plan.intervalMs)
    await (reason === null ? checks[index]!.pass() : checks[index]!.fail(reason))
    assert.deepEqual(checker.unhealthy(), index >= 2 && index < 5 ? [`app/${a}`] : [])
  }
  const common = { id: `app/${a}`, upstream: 'app', origin: a }
  assert.deepEqual(changes, [
    { ...common, healthy: false, reason: 'three', consecutive: 3 },
    { ...common, healthy: true, reason: null, consecutive: 2 },
  ])
})

test('checks that could not be made_nothing changes by them, and the row of failures goes on behind them', async () => {
  const { checker, timers, checks, changes } = make()
  checker.update([upstream('app', [a])])
  for (const index of [0, 1, 2, 3, 4, 5]) {
    await timers.advance(plan.intervalMs)
    await (index < 2 ? checks[index]!.fail() : checks[index]!.miss())
  }
  assert.deepEqual([checker.unhealthy(), timers.delays.at(-1)], [[], fastMs])
  await timers.advance(plan.intervalMs)
  await checks[6]!.fail('three')
  assert.deepEqual(
    changes.map(({ reason, consecutive }) => [reason, consecutive]),
    [['three', 3]],
  )
})

test('pause changing_a quarter of the interval, settled_the interval', async () => {
  const { checker, timers, checks } = make()
  checker.update([upstream('app', [a])])
  for (const [index, passed] of [true, false, false, false, false, true, true, true].entries()) {
    await timers.advance(plan.intervalMs)
    await (passed ? checks[index]!.pass() : checks[index]!.fail())
  }
  const { intervalMs } = plan
  assert.deepEqual(timers.delays, [
    firstMs,
    intervalMs, // +
    fastMs, // - a failure seen, not yet out
    fastMs, // -
    intervalMs, // - out
    intervalMs, // -
    fastMs, // + a success seen, not yet back
    intervalMs, // + back
    intervalMs, // +
  ])
})

for (const [intervalMs, expected] of [
  [60_000, 15_000],
  [1_000, 500],
  [500, 500],
  [100, 100],
] as const) {
  test(`pause changing_with an interval of ${intervalMs} ms is ${expected} ms`, async () => {
    const { checker, timers, checks } = make()
    checker.update([upstream('app', [a], { ...plan, intervalMs })])
    await timers.advance(firstMs)
    await checks[0]!.fail()
    assert.equal(timers.delays.at(-1), expected)
  })
}

test('jitter lowest_-20 %, highest_+20 %, and the first check between at once and 250 ms', async () => {
  for (const [random, first, pause] of [
    [0, 0, 8_000],
    [1, 250, 12_000],
  ] as const) {
    const { checker, timers, checks } = make({ random: () => random })
    checker.update([upstream('app', [a])])
    await timers.advance(first)
    await checks[0]!.pass()
    assert.deepEqual(timers.delays, [first, pause])
  }
})

test('first check is not later than an interval', async () => {
  const { checker, timers } = make({ random: () => 1 })
  checker.update([upstream('app', [a], { ...plan, intervalMs: 100 })])
  assert.deepEqual(timers.delays, [100])
})

test('interval longer_than_a_timer_can_wait is cut and not turned into none', async () => {
  const { checker, timers, checks } = make()
  checker.update([upstream('app', [a], { ...plan, intervalMs: 2 ** 40 })])
  await timers.advance(firstMs)
  await checks[0]!.pass()
  assert.equal(timers.delays.at(-1), 2 ** 31 - 1)
})

test('check under_way_no second one begins, and the others are not held up', async () => {
  const { checker, timers, checks } = make()
  checker.update([upstream('app', [a, b])])
  await timers.advance(firstMs)
  assert.deepEqual(origins(checks), [a, b])
  await checks[1]!.pass()
  await timers.advance(10 * plan.intervalMs)
  assert.deepEqual(origins(checks), [a, b, b])
  await checks[0]!.pass()
  await timers.advance(plan.intervalMs)
  assert.deepEqual(origins(checks), [a, b, b, a])
})

test('origin in two upstreams_checked and judged for each', async () => {
  const { checker, timers, checks } = make()
  const eager = { ...plan, unhealthyAfter: 1, path: '/eager' }
  checker.update([upstream('app', [a]), upstream('api', [a], eager)])
  await timers.advance(firstMs)
  assert.deepEqual(
    checks.map(({ target }) => target.path),
    [null, '/eager'],
  )
  for (const check of checks) await check.fail()
  assert.deepEqual(checker.unhealthy(), [`api/${a}`])
})

test('health null_from_the_beginning is never checked', async () => {
  const { checker, timers, checks } = make()
  checker.update([upstream('app', [a], null)])
  await timers.advance(100_000)
  assert.deepEqual([checks, checker.unhealthy()], [[], []])
})

test('stop clears timers, ends checks and drops their verdicts', async () => {
  const { checker, timers, checks, changes } = make()
  checker.update([upstream('app', [a, b], { ...plan, unhealthyAfter: 1 })])
  await timers.advance(firstMs)
  await checks[0]!.pass()
  checker.stop()
  assert.deepEqual([timers.pending, checks[1]!.signal.aborted], [0, true])
  await checks[1]!.fail()
  assert.deepEqual([timers.pending, changes], [0, []])
})

test('onChange may stop the checker', async () => {
  const { checker, timers, checks } = make({ onChange: () => checker.stop() })
  checker.update([upstream('app', [a], { ...plan, unhealthyAfter: 1 })])
  await timers.advance(firstMs)
  await checks[0]!.fail()
  assert.equal(timers.pending, 0)
})

test('any history keeps one timer or check per endpoint, and changes add up', async (t) => {
  const seed = seedOf(t)
  const ids = [a, b, 'http://10.0.0.3:80']
  const health = fc.constantFrom(
    null,
    plan,
    { ...plan, unhealthyAfter: 1 },
    { ...plan, path: '/health', healthyAfter: 1 },
  )
  const step = fc.oneof(
    fc.record({ kind: fc.constant('update' as const), endpoints: fc.subarray(ids), health }),
    fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 20_000 }) }),
    fc.record({ kind: fc.constant('verdict' as const), which: fc.nat({ max: 5 }), passed: fc.boolean() }),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60, size: 'max' }),
      fc.double({ min: 0, max: 0.999 }),
      async (steps, random) => {
        const out = new Set<string>()
        const onChange = ({ id, healthy }: HealthChange) => {
          assert.equal(out.has(id), healthy, `${id} is told to be ${healthy} twice in a row`)
          if (healthy) out.delete(id)
          else out.add(id)
        }
        const { checker, timers, checks } = make({ onChange, random: () => random })
        let watched = 0
        for (const one of steps) {
          if (one.kind === 'update') {
            checker.update([upstream('app', one.endpoints, one.health)])
            watched = one.health === null ? 0 : one.endpoints.length
            for (const id of out) if (!one.endpoints.some((origin) => id === `app/${origin}`)) out.delete(id)
          } else if (one.kind === 'advance') await timers.advance(one.ms)
          else await checks.filter(({ open }) => open())[one.which]?.settle(one.passed)
          const running = checks.filter(({ open, signal }) => open() && !signal.aborted)
          assert.equal(
            new Set(running.map(({ target }) => target.origin)).size,
            running.length,
            'checks overlap',
          )
          assert.equal(running.length + timers.pending, watched)
          assert.deepEqual(new Set(checker.unhealthy()), out)
        }
        checker.stop()
        assert.equal(timers.pending, 0)
        assert.ok(checks.every(({ open, signal }) => !open() || signal.aborted))
      },
    ),
    { seed, numRuns: 300 },
  )
})

test('real checks of a real origin see it go and come back', async (t) => {
  let status = 200
  const server = createServer((_request, response) => response.writeHead(status).end())
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => server.close())
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const changes: HealthChange[] = []
  const checker = new HealthChecker({ onChange: (change) => changes.push(change) })
  t.after(() => checker.stop())
  checker.update([upstream('app', [origin], { ...plan, path: '/health', intervalMs: 10 })])
  status = 503
  await waitFor(() => changes.length === 1, { what: 'the origin to go out' })
  assert.deepEqual(checker.unhealthy(), [`app/${origin}`])
  status = 200
  await waitFor(() => changes.length === 2, { what: 'the origin to come back' })
  assert.deepEqual(checker.unhealthy(), [])
  const common = { id: `app/${origin}`, upstream: 'app', origin }
  assert.deepEqual(changes, [
    { ...common, healthy: false, reason: 'answered 503, expected 2xx or 3xx', consecutive: 3 },
    { ...common, healthy: true, reason: null, consecutive: 2 },
  ])
})

function origins(checks: readonly Check[]): string[] {
  return checks.map(({ target }) => target.origin)
}
