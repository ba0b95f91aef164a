/** What a balancer that observes is told of attempts. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { FakeContext } from '../../support/fakes/data-plane-context.ts'
import type { FakeCall } from '../../support/fakes/undici-client.ts'

interface Rig {
  readonly context: FakeContext
  /** One word per observation. */
  readonly told: string[]
  readonly call: FakeCall
  leave(): void
}

function rig(t: TestContext, balance: 'ewma' | 'random' = 'ewma'): Rig {
  const context = new FakeContext(t, { balance, retries: noRetries })
  const told: string[] = []
  context.upstream.observe = (endpoint, ms, ending) => {
    assert.equal(endpoint, context.upstream.endpoints[0])
    assert.ok(ms >= 0 && ms < 60_000, `${ms} ms`)
    told.push(ending)
  }
  const { res } = context.start()
  return { context, told, call: context.call, leave: () => res.leave() }
}

const noRetries = { attempts: 0, budget: 0, minPerSecond: 0, bodyBytes: 0, on: [] } as const

test('answer_told with its head, once', async (t) => {
  const { context, told, call } = rig(t)
  call.connect()
  call.head(103)
  assert.deepEqual(told, [])
  call.head(404, [['content-length', '2']])
  assert.deepEqual(told, ['answered'])
  call.data('no')
  call.complete()
  assert.deepEqual(told, ['answered'])
  await context.assertAtRest()
})

test('answer from 500 on_a failure', (t) => {
  const { told, call } = rig(t)
  call.connect()
  call.head(503, [['content-length', '0']])
  assert.deepEqual(told, ['failed'])
})

test('truncated behind its head_the head has been told, and nothing more', (t) => {
  const { told, call } = rig(t)
  call.connect()
  call.head(200, [['content-length', '9']])
  call.fail(new Error('reset'))
  assert.deepEqual(told, ['answered'])
})

test('not connected, or broken before its head_failed', (t) => {
  const refused = rig(t)
  refused.call.fail(new Error('refused'))
  assert.deepEqual(refused.told, ['failed'])
  const reset = rig(t)
  reset.call.connect()
  reset.call.fail(new Error('reset'))
  assert.deepEqual(reset.told, ['failed'])
})

test('client leaves, or time is over_given up', (t) => {
  const left = rig(t)
  left.call.connect()
  left.leave()
  assert.deepEqual(left.told, ['given-up'])
  const late = rig(t)
  late.call.connect()
  late.context.elapse(2_000)
  assert.deepEqual(late.told, ['given-up'])
})

test('defect of ours before the head_nothing is told', async (t) => {
  const { context, told, call } = rig(t)
  context.upstream.limit.configure({ min: 1, max: 100, initial: 10, tolerance: 1.5 })
  context.upstream.learn = () => void told.push('learned')
  context.upstream.failed = () => void told.push('blamed')
  call.connect()
  call.fail(new TypeError('a defect'))
  assert.deepEqual(told, [])
  assert.deepEqual(context.recorder.counts(), { internal: 1 })
  await context.assertAtRest()
})

test('policy that does not observe_nothing is told', (t) => {
  const { told, call } = rig(t, 'random')
  call.connect()
  call.head(200, [['content-length', '0']])
  call.complete()
  assert.deepEqual(told, [])
})

test('attempt used again_under a policy that does not observe it is silent', async (t) => {
  const { context, told, call } = rig(t)
  call.connect()
  call.head(200, [['content-length', '0']])
  call.complete()
  context.upstream.observing = false
  context.start()
  context.call.connect()
  context.call.head(200, [['content-length', '0']])
  context.call.complete()
  assert.deepEqual(told, ['answered'])
  await context.assertAtRest()
})

for (const [what, end] of [
  ['refused', (call: FakeCall) => call.fail(new Error('refused'))],
  ['answered 503', answered(503)],
  ['answered', answered(200)],
] as const) {
  test(`probe of an endpoint that was ejected, ${what}_teaches the limit nothing`, async (t) => {
    const concurrency = { min: 1, max: 100, initial: 10, tolerance: 1.5 }
    const context = new FakeContext(t, { concurrency, retries: noRetries })
    const [endpoint] = context.upstream.endpoints
    const told: boolean[] = []
    let verdicts = 0
    context.upstream.learn = () => void verdicts++
    for (const limited of [false, true]) {
      endpoint!.limited = limited
      context.start()
      verdicts = 0
      end(context.call)
      told.push(verdicts > 0)
      await Promise.resolve()
    }
    assert.deepEqual(told, [true, false])
    endpoint!.limited = false
    await context.assertAtRest()
  })
}

function answered(status: number): (call: FakeCall) => void {
  return (call) => {
    call.connect()
    call.head(status, [['content-length', '0']])
    call.complete()
  }
}

test('attempt that ends_frees the probe’s place only if it was the probe', async (t) => {
  const context = new FakeContext(t, { retries: noRetries })
  const [endpoint] = context.upstream.endpoints
  const epochs: (number | undefined)[] = []
  const { end } = context.upstream
  context.upstream.end = (ending, connection, epoch) => {
    epochs.push(epoch)
    end.call(context.upstream, ending, connection, epoch)
  }
  endpoint!.outlier.epoch = 7
  // Sent in spite of its being out, and limited when it ends.
  for (const limited of [false, true]) {
    endpoint!.limited = limited
    context.start()
    endpoint!.limited = true
    answered(200)(context.call)
    await Promise.resolve()
  }
  assert.deepEqual(epochs, [-1, 7])
})
