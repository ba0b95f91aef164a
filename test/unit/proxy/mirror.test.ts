/** What the other upstream learns from copies. What becomes of them and of their originals: integration/mirror.test.ts. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { UpstreamPlan } from '../../../src/plan/upstream-plan.ts'
import { Mirror } from '../../../src/proxy/mirror.ts'
import { FakeContext } from '../../support/fakes/data-plane-context.ts'
import { timeouts } from '../../support/fakes/plans.ts'

const concurrency = { min: 1, max: 100, initial: 20, tolerance: 1.5 }
const head = {
  method: 'GET',
  target: '/',
  host: 'test',
  headers: [],
  contentLength: -1,
  listener: { scheme: 'http' },
} as const

function rig(t: TestContext, changes: Partial<UpstreamPlan> = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const context = new FakeContext(t, { concurrency, connections: 30, ...changes })
  const mirror = new Mirror(context.upstream, 1, () => 0)
  mirror.copy({ address: '', head: { ...head, headers: [] } }, context)
  const { upstream } = context
  return {
    context,
    failures: () => upstream.endpoints[0]?.outlier.failures,
    limit: () => upstream.limit.places,
    mirrored: upstream.mirrored,
  }
}

test('head that does not come in time_held against the endpoint, and the learned limit falls', async (t) => {
  const { context, failures, limit, mirrored } = rig(t)
  context.call.connect()
  t.mock.timers.tick(timeouts.headersMs)
  assert.deepEqual([failures(), limit(), mirrored.failed], [1, 16, 1])
  await context.assertAtRest()
})

test('connection that does not come in time_the same', async (t) => {
  const { context, failures, mirrored } = rig(t)
  t.mock.timers.tick(timeouts.connectMs + timeouts.headersMs)
  assert.deepEqual([failures(), mirrored.failed], [1, 1])
  context.call.connect()
  await context.assertAtRest()
})

test('body that stops_is nobody’s failure', async (t) => {
  const { context, failures, limit, mirrored } = rig(t)
  context.call.connect()
  context.call.head(200, [['content-length', '9']])
  t.mock.timers.tick(timeouts.bodyMs)
  assert.deepEqual([failures(), limit(), mirrored.failed], [0, 20, 1])
  await context.assertAtRest()
})
