/**
 * Every phase of an exchange and everything that can end it there: one outcome, recorded once, with the right answer or
 * none, and everything given back.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Outcome, outcomes } from '../../../src/plan/outcome.ts'
import { type ResponseClass, responseClasses } from '../../../src/plan/request-stats.ts'
import { tickMs } from '../../../src/proxy/deadlines.ts'
import { unsentRetries } from '../../../src/proxy/retry.ts'
import { FakeContext, type Started } from '../../support/fakes/data-plane-context.ts'
import { timeouts } from '../../support/fakes/plans.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const chunked = [['transfer-encoding', 'chunked']] as const
const length = (count: number) => [['content-length', String(count)]] as const

interface Scene extends Started {
  readonly context: FakeContext
  /** Takes away what else is in flight, so that only the exchange in question is left to be at rest. */
  readonly clear?: () => void
}

interface Phase {
  readonly enter: (t: TestContext) => Scene | Promise<Scene>
  /** What ends it when the time is up. */
  readonly expired: Outcome
  /** What ends it when the endpoint breaks; null where there is no endpoint yet, or none any more. */
  readonly broken: Outcome | null
  /** The response's head is out: no other answer can follow. */
  readonly headOut: boolean
}

function streaming(t: TestContext, kernelBytes?: number): Scene {
  const context = new FakeContext(t)
  const started = context.start({}, kernelBytes === undefined ? {} : { kernelBytes })
  context.call.connect()
  context.call.head(200, length(100_000))
  context.call.data(Buffer.alloc(50_000))
  return { context, ...started }
}

function uploading(t: TestContext, full: boolean): Scene {
  const context = new FakeContext(t)
  const started = context.start({ method: 'PUT', headers: chunked })
  started.res.sendBody('hello', false)
  context.call.full = full
  context.call.connect()
  return { context, ...started }
}

const phases: Record<string, Phase> = {
  'reading: the body is awaited': {
    enter: (t) => {
      const context = new FakeContext(t)
      return { context, ...context.start({ method: 'POST', headers: length(5) }) }
    },
    expired: outcomes.clientStalled,
    broken: null,
    headOut: false,
  },
  queued: {
    enter: (t) => {
      const context = new FakeContext(t, { connections: 1 })
      const first = context.start()
      return { context, ...context.start(), clear: () => first.res.leave() }
    },
    expired: outcomes.queueTimeout,
    broken: null,
    headOut: false,
  },
  'queued, with a body that goes on': {
    enter: (t) => {
      const context = new FakeContext(t, { connections: 1 })
      const first = context.start()
      const started = context.start({ method: 'POST', headers: chunked })
      started.res.sendBody('hello', false)
      return { context, ...started, clear: () => first.res.leave() }
    },
    expired: outcomes.queueTimeout,
    broken: null,
    headOut: false,
  },
  'attempting: connecting': {
    enter: async (t) => {
      // The last attempt that there may be.
      const context = new FakeContext(t)
      const started = context.start({ method: 'POST', headers: length(2) })
      started.res.sendBody('hi', true)
      for (let tries = 0; tries < unsentRetries; tries++) context.call.fail(new Error('connect ECONNREFUSED'))
      return { context, ...started }
    },
    expired: outcomes.connectTimeout,
    broken: outcomes.connectFailed,
    headOut: false,
  },
  'attempting: the answer is awaited': {
    enter: (t) => {
      const context = new FakeContext(t)
      const started = context.start({ method: 'POST', headers: length(2) })
      started.res.sendBody('hi', true)
      context.call.connect()
      return { context, ...started }
    },
    expired: outcomes.headersTimeout,
    broken: outcomes.endpointReset,
    headOut: false,
  },
  'attempting: the body goes on': {
    enter: (t) => uploading(t, false),
    expired: outcomes.clientStalled,
    broken: outcomes.endpointReset,
    headOut: false,
  },
  'attempting: the endpoint does not take the body': {
    enter: (t) => uploading(t, true),
    expired: outcomes.headersTimeout,
    broken: outcomes.endpointReset,
    headOut: false,
  },
  'streaming: head, but no byte yet': {
    enter: (t) => {
      const context = new FakeContext(t)
      const started = context.start()
      context.call.connect()
      context.call.head(200, length(5))
      return { context, ...started }
    },
    expired: outcomes.bodyTimeout,
    broken: outcomes.endpointReset,
    headOut: false,
  },
  'streaming: the first piece held back for this turn': {
    enter: (t) => {
      const context = new FakeContext(t)
      const started = context.start()
      context.call.connect()
      context.call.head(200, chunked)
      context.call.data('hello')
      return { context, ...started }
    },
    expired: outcomes.bodyTimeout,
    broken: outcomes.endpointReset,
    headOut: false,
  },
  'streaming: the body': {
    enter: (t) => streaming(t),
    expired: outcomes.bodyTimeout,
    broken: outcomes.responseTruncated,
    headOut: true,
  },
  'streaming: the client does not read': {
    enter: (t) => streaming(t, 10_000),
    expired: outcomes.clientStalled,
    broken: outcomes.responseTruncated,
    headOut: true,
  },
  'streaming: both ways': {
    enter: (t) => {
      const scene = uploading(t, true)
      scene.context.call.head(200, length(100_000))
      scene.context.call.data(Buffer.alloc(50_000))
      return scene
    },
    expired: outcomes.bodyTimeout,
    broken: outcomes.responseTruncated,
    headOut: true,
  },
}

/** What metrics tell that clients got. */
function classes({ requests }: FakeContext): Record<string, number> {
  const { responses } = requests.stats()
  return Object.fromEntries(
    responseClasses
      .map((name, index) => [name, responses[index] as number] as const)
      .filter(([, count]) => count > 0),
  )
}

/** Of heads there are none here but 200. */
function classOf(outcome: Outcome, headOut: boolean): ResponseClass {
  if (headOut) return outcome.fault === 'client' ? '2xx' : 'truncated'
  return outcome === outcomes.clientAborted
    ? 'none'
    : (`${Math.floor(outcome.status / 100)}xx` as ResponseClass)
}

/** Checks what came of it, and that a next request on the same objects has its own answer. */
async function check(scene: Scene, outcome: Outcome, headOut: boolean): Promise<void> {
  const { context, res } = scene
  assert.deepEqual(context.recorder.counts(), { [outcome.code]: 1 })
  const [line] = context.memory.named('request')
  assert.equal(line?.status, headOut ? 200 : outcome.status || 499)
  assert.deepEqual(classes(context), { [classOf(outcome, headOut)]: 1 })
  assert.deepEqual(res.misuse, [])
  if (headOut || outcome === outcomes.clientAborted) {
    assert.notEqual(res.closedBy, null, 'the connection is closed')
    if (headOut) assert.equal(res.parse().complete, false, 'the client can tell')
  } else {
    const parsed = res.parse()
    assert.equal(parsed.status, outcome.status)
    assert.ok(parsed.complete && parsed.rest.length === 0)
  }
  scene.clear?.()
  await turn()
  // Connections that were being established: what was cancelled is taken back.
  for (const call of context.side.calls) if (!call.ended) call.connect()
  await context.assertAtRest()
  const next = context.start({ target: '/next' })
  context.call.connect()
  context.call.head(200, length(4))
  // Whatever the old client still sends, it is not for the next one.
  if (res.closedBy === null) res.sendBody('late', true)
  context.call.data('next')
  context.call.complete()
  await turn()
  assert.equal(next.res.parse().body.toString(), 'next')
  assert.deepEqual([...next.res.misuse, ...res.misuse], [])
  await context.assertAtRest()
}

for (const [name, phase] of Object.entries(phases)) {
  test(`${name}, the client leaves_client_aborted`, async (t) => {
    const entered = phase.enter(t)
    // Not awaited where that is not needed: some phases last no longer than this turn.
    const scene = entered instanceof Promise ? await entered : entered
    scene.res.leave()
    await check(scene, outcomes.clientAborted, phase.headOut)
  })

  test(`${name}, time is up_${phase.expired.code}`, async (t) => {
    const entered = phase.enter(t)
    // Not awaited where that is not needed: some phases last no longer than this turn.
    const scene = entered instanceof Promise ? await entered : entered
    // Only this one, since others in flight have deadlines of their own.
    scene.exchange.expire()
    await check(scene, phase.expired, phase.headOut)
  })

  test(`${name}, the worker has no more time_drain_timeout`, async (t) => {
    const entered = phase.enter(t)
    // Not awaited where that is not needed: some phases last no longer than this turn.
    const scene = entered instanceof Promise ? await entered : entered
    scene.exchange.cutOff(outcomes.drainTimeout)
    await check(scene, outcomes.drainTimeout, phase.headOut)
  })

  const { broken } = phase
  if (broken === null) continue
  test(`${name}, the endpoint breaks_${broken.code}`, async (t) => {
    const entered = phase.enter(t)
    // Not awaited where that is not needed: some phases last no longer than this turn.
    const scene = entered instanceof Promise ? await entered : entered
    scene.context.call.fail(new Error('other side closed'))
    await check(scene, broken, phase.headOut)
  })
}

test('deadlines_each phase has its own, from the plan', async (t) => {
  const expected: [phase: string, ms: number][] = [
    ['reading: the body is awaited', timeouts.bodyMs],
    ['queued', 5_000],
    ['attempting: connecting', timeouts.connectMs],
    ['attempting: the answer is awaited', timeouts.headersMs],
    ['attempting: the body goes on', timeouts.bodyMs],
    ['streaming: the body', timeouts.bodyMs],
  ]
  for (const [name, ms] of expected) {
    const { context, exchange } = await (phases[name] as Phase).enter(t)
    const left = exchange.deadline - context.deadlines.now
    assert.ok(left >= ms && left <= ms + 3 * tickMs, `${name}: ${left} ms`)
  }
})
