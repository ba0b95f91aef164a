/** Two attempts under way: who answers, what becomes of the other one, and what each of the things that can end an exchange does then. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { outcomes } from '../../../../src/plan/outcome.ts'
import type { HedgingPlan, RetriesPlan, UpstreamPlan } from '../../../../src/plan/upstream-plan.ts'
import { tickMs } from '../../../../src/proxy/deadlines.ts'
import { FakeContext, type Started } from '../../../support/fakes/data-plane-context.ts'
import { balancePlans, endpointPlan, queuePlan, timeouts } from '../../../support/fakes/plans.ts'
import { teach } from '../../../support/fakes/teach.ts'
import type { FakeCall } from '../../../support/fakes/undici-client.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const length = (count: number) => [['content-length', String(count)]] as const
const broken = new Error('other side closed')
const refused = new Error('connect ECONNREFUSED')

const hedging: HedgingPlan = { share: 0.5, minMs: 10, maxMs: 0, methods: 'idempotent' }
const retries: RetriesPlan = { attempts: 1, budget: 0.2, minPerSecond: 3, bodyBytes: 65_536, on: [] }

/** Two endpoints, which answer in 20 ms: so much is known. Hedges are sent when a test says so. */
function learned(t: TestContext, changes: Partial<UpstreamPlan> = {}): FakeContext {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const endpoints = [endpointPlan('a', 1), endpointPlan('b', 2)]
  const context = new FakeContext(t, { endpoints, hedging, ...changes })
  teach(context.upstream.hedging, context.clock, 20, 20)
  return context
}

/** Its first attempt has been under way for too long. */
function late(context: FakeContext, ms = 25): void {
  context.clock.advance(ms)
  context.upstream.hedging?.look()
}

interface Scene extends Started {
  readonly context: FakeContext
  readonly first: FakeCall
  readonly hedge: FakeCall
}

/** Both are under way, their connections stand. */
function both(t: TestContext, changes: Partial<UpstreamPlan> = {}): Scene {
  const context = learned(t, changes)
  const started = context.start()
  const first = context.call
  first.connect()
  late(context)
  const hedge = context.call
  assert.notEqual(hedge, first)
  hedge.connect()
  return { context, ...started, first, hedge }
}

function counts({ upstream }: FakeContext) {
  const { sent = 0, won = 0, withheld = 0 } = upstream.hedging?.counts ?? {}
  return { sent, won, withheld }
}

function answer(call: FakeCall, body = 'ok', status = 200): void {
  call.head(status, length(body.length))
  call.data(body)
  call.complete()
}

function line(context: FakeContext) {
  const [line, ...others] = context.memory.named('request')
  assert.equal(others.length, 0, 'one line')
  return { endpoint: line?.endpoint, attempts: line?.attempts, hedged: line?.hedged }
}

/** One outcome, nothing left. */
async function over({ context, res }: Started & { context: FakeContext }, outcome: string): Promise<void> {
  await turn()
  assert.deepEqual(context.recorder.counts(), { [outcome]: 1 })
  assert.deepEqual(res.misuse, [])
  await context.assertAtRest()
  assert.equal(context.upstream.hedging?.waiting, 0, 'watched')
}

test('hedge answers first_its answer is the answer, the first attempt is cancelled', async (t) => {
  const scene = both(t)
  const { context, res, first, hedge } = scene
  assert.notEqual(hedge.endpoint, first.endpoint)
  assert.deepEqual([hedge.method, hedge.path, hedge.headers], [first.method, first.path, first.headers])
  assert.equal(context.upstream.admission.running, 2, 'each has its place')
  answer(hedge, 'from the hedge')
  assert.equal(res.parse().body.toString(), 'from the hedge')
  assert.ok(first.aborted !== null)
  await over(scene, 'completed')
  assert.deepEqual(line(context), { endpoint: hedge.endpoint, attempts: 2, hedged: true })
  assert.deepEqual(counts(context), { sent: 1, won: 1, withheld: 0 })
})

test('first attempt answers first_its answer is the answer, the hedge is cancelled', async (t) => {
  const scene = both(t)
  const { context, res, first, hedge } = scene
  first.head(200, length(4))
  assert.ok(hedge.aborted !== null, 'at the head')
  first.data('slow')
  first.complete()
  assert.equal(res.parse().body.toString(), 'slow')
  await over(scene, 'completed')
  assert.deepEqual(line(context), { endpoint: first.endpoint, attempts: 2, hedged: true })
  assert.deepEqual(counts(context), { sent: 1, won: 0, withheld: 0 })
})

test('either ends before the other has its connection_that one is taken back, and holds its place until then', async (t) => {
  for (const winner of ['first', 'hedge'] as const) {
    const context = learned(t)
    const started = context.start()
    const first = context.call
    late(context)
    const hedge = context.call
    const [call, other] = winner === 'first' ? [first, hedge] : [hedge, first]
    call.connect()
    answer(call, winner)
    await turn()
    assert.equal(started.res.parse().body.toString(), winner)
    assert.equal(context.recorder.inFlight, 0)
    assert.equal(context.upstream.admission.running, 1)
    // Used again for another request meanwhile, whose head is not to be sent on the old connection.
    const next = context.start({ target: '/next' })
    other.connect()
    assert.ok(other.ended)
    context.call.connect()
    answer(context.call, 'next')
    assert.equal(next.res.parse().body.toString(), 'next')
    await turn()
    await context.assertAtRest()
    t.mock.timers.reset()
  }
})

test('answered in time_no hedge, and one attempt in the log', async (t) => {
  const context = learned(t)
  const started = context.start()
  context.call.connect()
  late(context, 15)
  context.call.head(200, length(2))
  late(context, 50)
  assert.equal(context.side.calls.length, 1, 'a slow body is not hedged')
  context.call.data('ok')
  context.call.complete()
  await over({ context, ...started }, 'completed')
  assert.deepEqual(line(context), { endpoint: context.call.endpoint, attempts: 1, hedged: undefined })
  assert.deepEqual(counts(context), { sent: 0, won: 0, withheld: 0 })
})

test('hedging off_nothing is watched', (t) => {
  const context = new FakeContext(t, { endpoints: [endpointPlan('a', 1), endpointPlan('b', 2)] })
  const { exchange } = context.start()
  assert.equal(context.upstream.hedging, null)
  context.clock.advance(10_000)
  assert.equal(context.side.calls.length, 1)
  exchange.cutOff(outcomes.drainTimeout)
})

const requests: [
  what: string,
  method: string,
  pieces: readonly string[],
  changes: Partial<UpstreamPlan>,
  hedged: boolean,
][] = [
  ['HEAD', 'HEAD', [], {}, true],
  ['DELETE without a body', 'DELETE', [], {}, true],
  ['PUT with a whole body', 'PUT', ['hello', 'world'], {}, true],
  [
    'PUT with a body above retries.bodyBytes',
    'PUT',
    ['hello', 'world'],
    { retries: { ...retries, bodyBytes: 9 } },
    false,
  ],
  [
    'PUT in one piece above retries.bodyBytes',
    'PUT',
    ['helloworld'],
    { retries: { ...retries, bodyBytes: 9 } },
    false,
  ],
  ['PUT, methods: safe', 'PUT', ['hello'], { hedging: { ...hedging, methods: 'safe' } }, false],
  ['GET, methods: safe', 'GET', [], { hedging: { ...hedging, methods: 'safe' } }, true],
  ['GET, retries.attempts: 0', 'GET', [], { retries: { ...retries, attempts: 0 } }, true],
  ['POST', 'POST', ['hello'], {}, false],
  ['POST without a body', 'POST', [], {}, false],
  ['PATCH', 'PATCH', ['hello'], {}, false],
]

for (const [what, method, pieces, changes, hedged] of requests) {
  test(`${what}, late_${hedged ? 'hedged, with the same body' : 'never hedged, and withheld from nobody'}`, async (t) => {
    const context = learned(t, changes)
    const body = pieces.join('')
    const started = context.start({ method, headers: body === '' ? [] : length(body.length) })
    for (const [index, piece] of pieces.entries()) started.res.sendBody(piece, index === pieces.length - 1)
    const first = context.call
    first.connect()
    late(context, 1_000)
    assert.equal(context.side.calls.length, hedged ? 2 : 1)
    assert.deepEqual(counts(context), { sent: hedged ? 1 : 0, won: 0, withheld: 0 })
    if (hedged) {
      assert.deepEqual(context.call.body, body === '' ? null : Buffer.from(body))
      context.call.connect()
      context.call.head(204)
      context.call.complete()
    } else {
      first.head(204)
      first.complete()
    }
    await over({ context, ...started }, 'completed')
  })
}

test('body that comes in pieces, unknown length_not hedged', (t) => {
  const context = learned(t)
  const { res } = context.start({ method: 'PUT', headers: [['transfer-encoding', 'chunked']] })
  res.sendBody('hello', false)
  context.call.connect()
  late(context)
  assert.equal(context.side.calls.length, 1)
  res.leave()
})

const wanting: [what: string, enter: (t: TestContext) => FakeContext][] = [
  ['no other endpoint', (t) => learned(t, { endpoints: [endpointPlan('a', 1)] })],
  [
    'the other one is down',
    (t) => {
      const context = learned(t)
      context.upstream.setHealth('app/b', false)
      return context
    },
  ],
  [
    'the other one is full',
    (t) => {
      const context = learned(t, { connections: 1 })
      // `b` is next in turn when `a` has gone.
      context.start({ method: 'POST' })
      context.start({ method: 'POST' })
      context.side.calls[0]?.connect()
      const [first] = context.side.calls as [FakeCall]
      first.head(204)
      first.complete()
      return context
    },
  ],
  ['no budget', (t) => learned(t, { retries: { ...retries, budget: 0, minPerSecond: 0 } })],
  ['the limit on concurrency is reached', (t) => learned(t, { concurrency: 1 })],
]

for (const [what, enter] of wanting) {
  test(`late, but ${what}_withheld, for good; the first attempt goes on`, async (t) => {
    const context = enter(t)
    await turn()
    const before = context.side.calls.length
    const { res } = context.start()
    const first = context.call
    first.connect()
    late(context)
    late(context)
    assert.equal(context.side.calls.length, before + 1)
    assert.deepEqual(counts(context), { sent: 0, won: 0, withheld: 1 })
    answer(first)
    assert.equal(res.parse().body.toString(), 'ok')
    assert.deepEqual(res.misuse, [])
  })
}

test('others wait_a hedge takes no place that is theirs', async (t) => {
  const context = learned(t, { connections: 1, queue: queuePlan({ limit: 5 }) })
  const started = [context.start(), context.start(), context.start()]
  for (const call of context.side.calls) call.connect()
  assert.equal(context.upstream.admission.waiting, 1)
  late(context)
  assert.equal(context.side.calls.length, 2)
  assert.deepEqual(counts(context), { sent: 0, won: 0, withheld: 2 })
  for (let count = 0; count < 3; count++) {
    const call = context.side.calls[count] as FakeCall
    if (count === 2) call.connect()
    answer(call)
    await turn()
  }
  for (const { res } of started) assert.equal(res.parse().status, 200)
  await context.assertAtRest()
})

test('everything is slow_no more is hedged than the budget allows, and the rest is answered', async (t) => {
  const context = learned(t, { connections: 500, retries: { ...retries, budget: 0.1, minPerSecond: 0 } })
  const started = Array.from({ length: 400 }, () => context.start())
  for (const call of context.side.calls) call.connect()
  late(context)
  assert.deepEqual(counts(context), { sent: 40, won: 0, withheld: 360 })
  for (const call of context.side.calls.slice(400)) call.connect()
  for (const call of context.side.calls.slice(0, 400)) answer(call)
  await turn()
  for (const { res } of started) assert.equal(res.parse().status, 200)
  assert.deepEqual(context.recorder.counts(), { completed: 400 })
  await context.assertAtRest()
})

for (const which of ['first', 'hedge'] as const) {
  test(`${which} of the two breaks_not tried again, the other one goes on alone`, async (t) => {
    const scene = both(t)
    const { context, res, first, hedge } = scene
    const [breaking, other] = which === 'first' ? [first, hedge] : [hedge, first]
    breaking.fail(broken)
    await turn()
    assert.equal(context.side.calls.length, 2)
    assert.equal(context.upstream.admission.running, 1)
    const [failed] = context.memory.named('attempt failed')
    assert.deepEqual([failed?.endpoint, failed?.attempt], [breaking.endpoint, which === 'first' ? 1 : 2])
    answer(other, 'whole')
    assert.equal(res.parse().body.toString(), 'whole')
    await over(scene, 'completed')
    assert.equal(line(context).endpoint, other.endpoint)
    assert.equal(counts(context).won, which === 'first' ? 1 : 0)
  })

  test(`${which} of the two breaks, then the other_tried once more, as one that was not hedged`, async (t) => {
    const scene = both(t)
    const { context, res, first, hedge } = scene
    const [breaking, other] = which === 'first' ? [first, hedge] : [hedge, first]
    breaking.fail(broken)
    other.fail(broken)
    await turn()
    assert.equal(context.side.calls.length, 3)
    assert.equal(context.call.endpoint, breaking.endpoint, 'not where it failed last')
    late(context)
    assert.equal(context.side.calls.length, 3, 'hedged once')
    context.call.connect()
    answer(context.call, 'third')
    assert.equal(res.parse().body.toString(), 'third')
    await over(scene, 'completed')
    assert.equal(line(context).attempts, 3)
  })

  test(`both break, retries.attempts: 0, ${which} last_one outcome, that of the last`, async (t) => {
    const scene = both(t, { retries: { ...retries, attempts: 0 } })
    const { res, first, hedge } = scene
    const [breaking, other] = which === 'first' ? [hedge, first] : [first, hedge]
    breaking.fail(refused)
    other.fail(broken)
    assert.equal(res.parse().status, 502)
    await over(scene, 'endpoint_reset')
  })

  test(`${which} of the two answers 503_that is no answer while the other one may still come`, async (t) => {
    const scene = both(t)
    const { context, res, first, hedge } = scene
    const [busy, other] = which === 'first' ? [first, hedge] : [hedge, first]
    busy.head(503, length(4))
    assert.ok(busy.aborted !== null)
    assert.equal(res.bytes.length, 0)
    answer(other, 'fine')
    assert.equal(res.parse().body.toString(), 'fine')
    await over(scene, 'completed')
    assert.equal(line(context).endpoint, other.endpoint)
  })

  test(`${which} of the two answers what cannot be passed on_nor is that an answer`, async (t) => {
    const scene = both(t)
    const { res, first, hedge } = scene
    const [garbled, other] = which === 'first' ? [first, hedge] : [hedge, first]
    garbled.head(200, [['transfer-encoding', 'gzip, chunked']])
    assert.ok(garbled.aborted !== null)
    answer(other, 'fine')
    assert.equal(res.parse().body.toString(), 'fine')
    await over(scene, 'completed')
  })

  test(`both answer 503, ${which} last_the last answer is passed on, or retried where retries.on says so`, async (t) => {
    for (const on of [[], [503]]) {
      const scene = both(t, { retries: { ...retries, on } })
      const { context, res, first, hedge } = scene
      const [busy, other] = which === 'first' ? [hedge, first] : [first, hedge]
      busy.head(503, length(4))
      await turn()
      if (on.length === 0) answer(other, 'busy', 503)
      else {
        other.head(503, length(4))
        await turn()
        context.call.connect()
        answer(context.call, 'busy', 503)
      }
      assert.equal(res.parse().status, 503)
      assert.equal(res.parse().body.toString(), 'busy')
      await over(scene, 'completed')
      assert.equal(line(context).attempts, on.length === 0 ? 2 : 3)
      assert.equal(counts(context).won, on.length === 0 && which === 'hedge' ? 1 : 0)
      t.mock.timers.reset()
    }
  })
}

const endings: [what: string, end: (scene: Scene) => void, outcome: string][] = [
  ['the client leaves', ({ res }) => res.leave(), 'client_aborted'],
  ['the route has no more time', ({ exchange }) => exchange.expireTotally(), 'route_timeout'],
  ['the worker has no more time', ({ exchange }) => exchange.cutOff(outcomes.drainTimeout), 'drain_timeout'],
]

for (const [what, end, outcome] of endings) {
  test(`two under way, ${what}_both are cancelled, one outcome`, async (t) => {
    const scene = both(t)
    end(scene)
    assert.ok(scene.first.aborted !== null && scene.hedge.aborted !== null)
    await over(scene, outcome)
    assert.equal(line(scene.context).attempts, 2)
  })

  test(`two under way, no connection stands, ${what}_both are taken back`, async (t) => {
    const context = learned(t)
    const started = context.start()
    const first = context.call
    late(context)
    const scene = { context, ...started, first, hedge: context.call }
    end(scene)
    assert.deepEqual(context.recorder.counts(), { [outcome]: 1 })
    for (const call of context.side.calls) call.connect()
    await over(scene, outcome)
  })
}

test('first attempt is late for good_dropped and blamed; the hedge goes on until its own time is over', async (t) => {
  const outliers = { failures: 1, timeMs: 10_000, maxTimeMs: 60_000, maxOut: 0.5, slowFactor: null }
  const context = learned(t, { outliers })
  const started = context.start()
  const first = context.call
  first.connect()
  late(context)
  const hedge = context.call
  // So much later is its own deadline.
  context.elapse(500)
  hedge.connect()
  for (let ms = 0; ms < timeouts.headersMs && first.aborted === null; ms += tickMs) {
    context.clock.advance(tickMs)
    context.deadlines.tick()
  }
  assert.ok(first.aborted !== null)
  assert.equal(hedge.aborted, null)
  assert.equal(started.res.bytes.length, 0)
  const states = Object.fromEntries(context.upstream.endpoints.map(({ id, outlier }) => [id, outlier.state]))
  assert.deepEqual([states[first.endpoint], states[hedge.endpoint]], ['out', 'in'])
  const left = started.exchange.deadline - context.deadlines.now
  assert.ok(left > 400 && left < 700, `${left} ms`)
  context.elapse(700)
  assert.ok(hedge.aborted !== null)
  assert.equal(started.res.parse().status, 504)
  await over({ context, ...started }, 'headers_timeout')
  assert.equal(line(context).endpoint, hedge.endpoint)
})

test('hedge cannot connect in time_dropped; the first attempt has its own time', async (t) => {
  const context = learned(t)
  const started = context.start()
  const first = context.call
  first.connect()
  late(context)
  const hedge = context.call
  context.elapse(timeouts.connectMs)
  assert.equal(context.recorder.inFlight, 1)
  hedge.connect()
  assert.ok(hedge.ended, 'taken back')
  assert.equal(first.aborted, null)
  answer(first)
  assert.equal(started.res.parse().status, 200)
  await over({ context, ...started }, 'completed')
})

test('loser_teaches nobody: neither outliers nor the limit, and ewma only how long it took', async (t) => {
  for (const balance of [balancePlans['round-robin'], balancePlans.ewma]) {
    const scene = both(t, { balance, concurrency: { min: 1, max: 100, initial: 10, tolerance: 1.5 } })
    const { context, hedge } = scene
    const { upstream } = context
    const told: unknown[] = []
    const learned: string[] = []
    const observe = upstream.observe.bind(upstream)
    upstream.observe = (endpoint, ms, ending, epoch, now) => {
      told.push([endpoint.id, ending])
      observe(endpoint, ms, ending, epoch, now)
    }
    upstream.learn = (verdict) => void learned.push(verdict)
    answer(hedge)
    await over(scene, 'completed')
    assert.deepEqual(told.sort(), [
      [scene.first.endpoint, 'given-up'],
      [hedge.endpoint, 'answered'],
    ])
    assert.deepEqual(learned, ['success'])
    for (const { outlier } of upstream.endpoints)
      assert.deepEqual([outlier.failures, outlier.troubled], [0, false])
    t.mock.timers.reset()
  }
})

test('reload turns hedging off, then on again, with two under way_they end as they would have', async (t) => {
  const scene = both(t)
  const { context, res, hedge } = scene
  const { upstream } = context
  const before = upstream.hedging
  const { counts } = before as NonNullable<typeof before>
  upstream.hedging = null
  answer(hedge)
  assert.equal(res.parse().status, 200)
  assert.deepEqual(counts, { sent: 1, won: 1, withheld: 0 })
  assert.equal(before?.waiting, 0)
  await turn()
  await context.assertAtRest()
})

test('no budget_round-robin goes on in turn, as if nobody had been late', (t) => {
  const endpoints = [endpointPlan('a', 1), endpointPlan('b', 2), endpointPlan('c', 3)]
  const context = learned(t, {
    endpoints,
    connections: 10,
    retries: { ...retries, budget: 0, minPerSecond: 0 },
  })
  for (let count = 0; count < 6; count++) {
    context.start()
    late(context)
  }
  assert.equal(context.side.calls.map(({ endpoint }) => endpoint.at(-1)).join(''), 'abcabc')
  assert.equal(counts(context).withheld, 6)
})

test('first attempt fails in time, its retry is late_not hedged', async (t) => {
  const context = learned(t)
  const started = context.start()
  context.call.connect()
  context.call.fail(broken)
  await turn()
  assert.equal(context.upstream.hedging?.waiting, 0)
  context.call.connect()
  late(context)
  assert.equal(context.side.calls.length, 2)
  answer(context.call)
  await over({ context, ...started }, 'completed')
  assert.deepEqual([line(context).attempts, line(context).hedged], [2, undefined])
  assert.deepEqual(counts(context), { sent: 0, won: 0, withheld: 0 })
})

test('first attempt fails in time, its retry waits in the queue_it is not hedged from there', async (t) => {
  const context = learned(t, { connections: 1 })
  const others = [context.start({ method: 'POST' }), context.start({ method: 'POST' })]
  const [a, b] = context.side.calls as [FakeCall, FakeCall]
  a.connect()
  answer(a)
  await turn()
  const started = context.start()
  const third = context.start({ method: 'POST' })
  context.call.connect()
  context.call.fail(broken)
  await turn()
  late(context)
  assert.deepEqual(counts(context), { sent: 0, won: 0, withheld: 0 })
  for (const { res } of [...others, started, third]) res.leave()
  b.connect()
  for (const call of context.side.calls) if (!call.ended) call.connect()
  await turn()
  await context.assertAtRest()
})

test('hedge wins, with an error even_the first attempt is known to have been late', async (t) => {
  const context = learned(t)
  for (let count = 0; count < 30; count++) {
    context.start()
    const first = context.call
    first.connect()
    late(context, (context.upstream.hedging?.afterMs ?? 0) + 10)
    assert.notEqual(context.call, first)
    context.call.connect()
    answer(context.call, 'broken', 500)
    await turn()
  }
  assert.ok((context.upstream.hedging?.afterMs ?? 0) > 30)
  assert.deepEqual(counts(context), { sent: 30, won: 30, withheld: 0 })
  await context.assertAtRest()
})
