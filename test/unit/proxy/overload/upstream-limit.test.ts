/** A limit in its place: what attempts tell it, and what becomes of it in the queue. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ConcurrencyPlan } from '../../../../src/plan/upstream-plan.ts'
import type { Heard } from '../../../../src/proxy/overload/gradient-limit.ts'
import { UpstreamLimit } from '../../../../src/proxy/overload/upstream-limit.ts'
import { Upstream } from '../../../../src/proxy/upstream.ts'
import { nobody } from '../../../../src/proxy/upstream-listener.ts'
import { FakeContext } from '../../../support/fakes/data-plane-context.ts'
import { upstreamPlan } from '../../../support/fakes/plans.ts'

const adaptive = { min: 1, max: 100, initial: 10, tolerance: 1.5 }

function upstream(concurrency: ConcurrencyPlan, connections = 50, moved: number[] = []): Upstream {
  const onLimitMoved = ({ limit }: Upstream) => moved.push(limit.places)
  return new Upstream(upstreamPlan({ connections, concurrency }), new Set(), () => 0, undefined, {
    ...nobody,
    onLimitMoved,
  })
}

test('fixed_the lesser of it and what the connections take', () => {
  assert.equal(upstream(7).admission.concurrency, 7)
  assert.equal(upstream(70).admission.concurrency, 50)
  assert.equal(upstream(7).observing, false)
})

test('adaptive_begins where it is told, and moves the queue once the turn is over', async () => {
  const moved: number[] = []
  const subject = upstream(adaptive, 50, moved)
  assert.equal(subject.admission.concurrency, 10)
  assert.equal(subject.observing, true)
  subject.learn('drop', 1, 0, 1)
  assert.deepEqual(moved, [8])
  assert.equal(subject.admission.concurrency, 10)
  await Promise.resolve()
  assert.equal(subject.admission.concurrency, 8)
})

test('reload_keeps what has been learned, unless it is adaptive no more', async () => {
  const subject = upstream(adaptive)
  subject.learn('drop', 1, 0, 1)
  subject.update(upstreamPlan({ connections: 50, concurrency: { ...adaptive, max: 90 } }), new Set())
  assert.equal(subject.admission.concurrency, 8)
  subject.update(upstreamPlan({ connections: 50 }), new Set())
  assert.equal(subject.admission.concurrency, 50)
  assert.equal(subject.observing, false)
  subject.update(upstreamPlan({ connections: 50, concurrency: adaptive }), new Set())
  assert.equal(subject.admission.concurrency, 10)
})

test('log_hears of a limit that has halved or doubled, not of every step, and not all the time', () => {
  const limit = new UpstreamLimit()
  limit.configure(adaptive)
  assert.equal(limit.worthTelling(0), false)
  limit.ended('drop', 1, 0, 1, 10)
  assert.equal(limit.worthTelling(1), false)
  for (let at = 2; at < 5; at++) limit.ended('drop', at, 0, at, 10)
  assert.ok(limit.places <= 5)
  assert.equal(limit.worthTelling(5), true)
  for (let at = 6; at < 20; at++) limit.ended('drop', at, 0, at, 10)
  assert.equal(limit.worthTelling(20), false, 'too soon')
  assert.equal(limit.worthTelling(10_005), true)
})

interface Rig {
  readonly context: FakeContext
  readonly verdicts: Heard[]
}

function rig(t: TestContext): Rig {
  const retries = { attempts: 0, budget: 0, minPerSecond: 0, bodyBytes: 0, on: [] }
  const context = new FakeContext(t, { concurrency: adaptive, retries })
  const verdicts: Heard[] = []
  const { learn } = context.upstream
  context.upstream.learn = (verdict, leftAt, ms, now) => {
    assert.ok(ms >= 0 && ms < 60_000 && leftAt <= now, `${ms} ms since ${leftAt}, at ${now}`)
    verdicts.push(verdict)
    learn.call(context.upstream, verdict, leftAt, ms, now)
  }
  return { context, verdicts }
}

for (const [status, verdict] of [
  [200, 'success'],
  [404, 'success'],
  [500, 'success'],
  [502, 'drop'],
  [503, 'drop'],
  [504, 'drop'],
] as const) {
  test(`status ${status}_${verdict}, once`, async (t) => {
    const { context, verdicts } = rig(t)
    context.start()
    context.call.connect()
    context.call.head(status, [['content-length', '0']])
    context.call.complete()
    assert.deepEqual(verdicts, [verdict])
    await context.assertAtRest()
  })
}

test('refused, or reset on a new connection_drop', async (t) => {
  const { context, verdicts } = rig(t)
  context.start()
  context.call.fail(new Error('refused'))
  await Promise.resolve()
  context.start()
  context.call.connect()
  context.call.fail(new Error('reset'))
  assert.deepEqual(verdicts, ['drop', 'drop'])
  await context.assertAtRest()
})

test('no head in time_drop', async (t) => {
  const { context, verdicts } = rig(t)
  context.start()
  context.call.connect()
  context.elapse(2_000)
  assert.deepEqual(verdicts, ['drop'])
  await context.assertAtRest()
})

test('client gone_not told, and the next attempt begins without a mark', async (t) => {
  const { context, verdicts } = rig(t)
  const { res } = context.start()
  context.call.connect()
  res.leave()
  assert.deepEqual(verdicts, [])
  await Promise.resolve()
  context.start()
  context.call.connect()
  context.call.head(200, [['content-length', '0']])
  assert.deepEqual(verdicts, ['success'])
})
