/** Answers that come at an unusual moment, and what must not reach the wrong request afterwards. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { errors } from 'undici'
import { outcomes } from '../../../src/plan/outcome.ts'
import { tickMs } from '../../../src/proxy/deadlines.ts'
import { forwardedHeadBytesMax } from '../../../src/proxy/headers/head-limits.ts'
import type { Connection } from '../../../src/proxy/pool.ts'
import { FakeContext, type Started } from '../../support/fakes/data-plane-context.ts'
import { headerValues } from '../../support/fakes/parse-response.ts'
import { endpointPlan, queuePlan, timeouts } from '../../support/fakes/plans.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const chunked = [['transfer-encoding', 'chunked']] as const
type Headers = readonly (readonly [name: string, value: string])[]
const length = (count: number) => [['content-length', String(count)]] as const

/** A request whose body goes on while the endpoint answers. `full`: the endpoint takes no more of it. */
function upload(context: FakeContext, full: boolean): Started {
  const started = context.start({ method: 'POST', headers: length(1_000) })
  started.res.sendBody('first', false)
  context.call.full = full
  context.call.connect()
  if (full) assert.equal(started.res.throttling.at(-1), 'pause')
  return started
}

/** The whole answer of an endpoint that has read enough. */
const early: Record<string, (context: FakeContext) => void | Promise<void>> = {
  '204': ({ call }) => {
    call.head(204)
    call.complete()
  },
  '413 without body': ({ call }) => {
    call.head(413, length(0))
    call.complete()
  },
  '413 in one piece': ({ call }) => {
    call.head(413, length(5))
    call.data('large')
    call.complete()
  },
  '413 in pieces': ({ call }) => {
    call.head(413, length(5))
    call.data('lar')
    call.data('ge')
    call.complete()
  },
  '413 of unknown length': async ({ call }) => {
    call.head(413, chunked)
    call.data('large')
    await turn()
    call.complete()
  },
}

for (const [name, answer] of Object.entries(early)) {
  for (const full of [false, true]) {
    const condition = full ? 'the endpoint takes no more of the body' : 'the body goes on'
    test(`early ${name} while ${condition}_passed on, the upload is let go before the response is`, async (t) => {
      const context = new FakeContext(t)
      const { res } = upload(context, full)
      await answer(context)
      assert.equal(res.parse().status, Number(name.slice(0, 3)))
      assert.ok(res.parse(name === '204').complete)
      assert.deepEqual(headerValues(res.parse(), 'connection'), ['close'])
      assert.deepEqual(context.recorder.counts(), { completed: 1 })
      assert.deepEqual(res.misuse, [])
      await context.assertAtRest()
    })

    test(`early ${name} while ${condition}, then more body_never reaches the next request`, async (t) => {
      const context = new FakeContext(t)
      const { res, exchange } = upload(context, full)
      await answer(context)
      if (res.closedBy === null)
        assert.ok(!context.spareExchanges.includes(exchange), 'it may still be called')
      const next = context.start({ method: 'POST', headers: length(4) })
      res.sendBody('late, and not for you', false)
      res.sendBody('', true)
      next.res.sendBody('mine', true)
      assert.deepEqual(context.call.body, Buffer.from('mine'))
      context.call.connect()
      context.call.head(200, length(2))
      context.call.data('ok')
      context.call.complete()
      assert.equal(next.res.parse().body.toString(), 'ok')
      assert.deepEqual([...res.misuse, ...next.res.misuse], [])
      await context.assertAtRest()
    })
  }
}

test('refused while its body goes on_closed when it is over, and not used again until the binding is through with it', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const context = new FakeContext(t, { connections: 1, queue: queuePlan({ limit: 0, timeoutMs: 5_000 }) })
  const first = context.start()
  const { res, exchange } = context.start({ method: 'POST', headers: length(10) })
  res.sendBody('hello', false)
  assert.equal(res.parse().status, 503)
  assert.deepEqual([res.parse().complete, headerValues(res.parse(), 'connection')], [true, ['close']])
  t.mock.timers.tick(5_000)
  assert.equal(res.closedBy, null, 'a reset would take the answer away from the client')
  assert.ok(!context.spareExchanges.includes(exchange))
  res.sendBody('world', true)
  t.mock.timers.tick(2_000)
  assert.equal(res.closedBy, 'close')
  assert.deepEqual(res.misuse, [])
  first.res.leave()
})

test('client sends on behind a pause, more than is held for it_503, and the fault is not its own', async (t) => {
  const context = new FakeContext(t)
  const { res } = context.start({ method: 'POST', headers: length(100_000_000) })
  res.sendBody('first', false)
  const { call } = context
  call.full = true
  call.connect()
  const piece = Buffer.alloc(8 * 1_024 * 1_024)
  for (let sent = 0; sent < 5; sent++) res.sendBody(piece, false)
  const { status, body, complete } = res.parse()
  assert.deepEqual([status, JSON.parse(body.toString()).error, complete], [503, 'upload_overrun', true])
  assert.deepEqual(headerValues(res.parse(), 'connection'), ['close'])
  const [line] = context.memory.named('request')
  assert.deepEqual([line?.outcome, line?.fault], ['upload_overrun', 'weir'])
  res.leave()
  await context.assertAtRest()
})

test('endpoint slow to take the last of the body_the time for its head begins only then', (t) => {
  const context = new FakeContext(t, { timeouts: { ...timeouts, bodyMs: 1_000, headersMs: 30_000 } })
  const { res } = context.start({ method: 'PUT', headers: chunked })
  res.sendBody('hello', false)
  const { call } = context
  call.full = true
  call.connect()
  res.sendBody('the last of it', true)
  context.elapse(500)
  call.drain()
  assert.equal(call.bodyEnded, true, 'the request is sent')
  context.elapse(10_000)
  assert.equal(res.done, false, 'headersMs are 30 s from a request sent, not what was left for its body')
  call.head(200, length(0))
  call.complete()
  assert.deepEqual(context.recorder.counts(), { completed: 1 })
})

test('connect time-out_the place is not given to anyone until undici has given up the connection', async (t) => {
  const context = new FakeContext(t, { connections: 1 })
  const { res } = context.start()
  context.elapse(timeouts.connectMs)
  assert.equal(context.side.calls.length, 1, 'the retry waits for the only place')
  context.call.fail(new Error('Connect Timeout Error'))
  await turn()
  assert.equal(context.side.calls.length, 2)
  context.call.connect()
  context.call.head(200, length(2))
  context.call.data('ok')
  context.call.complete()
  assert.equal(res.parse().body.toString(), 'ok')
  await context.assertAtRest()
})

test('endpoint refuses, another is up_tried there, and the first is passed over for a while', async (t) => {
  const endpoints = [endpointPlan('a', 1), endpointPlan('b', 2)]
  const context = new FakeContext(t, { endpoints })
  const { res, exchange } = context.start()
  assert.equal(exchange.endpointId, 'app/a')
  context.call.fail(new Error('connect ECONNREFUSED'))
  await turn()
  assert.equal(exchange.endpointId, 'app/b')
  context.call.connect()
  context.call.head(200, length(2))
  context.call.data('ok')
  context.call.complete()
  assert.equal(res.parse().body.toString(), 'ok')
  assert.equal(context.start().exchange.endpointId, 'app/b')
})

test('endpoint refuses, the other is full_waits for the other rather than fail again or be refused', async (t) => {
  const endpoints = [endpointPlan('a', 1), endpointPlan('b', 2)]
  const context = new FakeContext(t, { endpoints, connections: 1 })
  const first = context.start()
  const toFail = context.call
  const second = context.start()
  const atOther = context.call
  assert.deepEqual([first.exchange.endpointId, second.exchange.endpointId], ['app/a', 'app/b'])
  toFail.fail(new Error('connect ECONNREFUSED'))
  await turn()
  assert.equal(first.res.done, false)
  assert.equal(context.side.calls.length, 2, 'it waits')
  assert.equal(context.upstream.admission.waiting, 1)
  atOther.connect()
  atOther.head(204)
  atOther.complete()
  await turn()
  assert.equal(context.side.calls.length, 3)
  assert.equal(first.exchange.endpointId, 'app/b')
  context.call.connect()
  context.call.head(200, length(2))
  context.call.data('ok')
  context.call.complete()
  assert.equal(first.res.parse().body.toString(), 'ok')
  await context.assertAtRest()
})

/** The endpoint has taken enough of the upload and answers; the client's kernel takes 10 kB. */
function withPausedUpload(t: TestContext, headers: Headers) {
  const context = new FakeContext(t)
  const { res } = context.start({ method: 'POST', headers: length(1_000_000) }, { kernelBytes: 10_000 })
  res.sendBody('first', false)
  context.call.full = true
  context.call.connect()
  context.call.head(200, headers)
  return { context, res }
}

for (const [framing, headers] of [
  ['length', length(60_000)],
  ['chunked', chunked],
] as const) {
  test(`upload paused, and the client takes no more of the answer (${framing})_it is still paused`, (t) => {
    const { context, res } = withPausedUpload(t, headers)
    const before = res.throttling.length
    assert.equal(context.call.data(Buffer.alloc(30_000)), false)
    // A refused write turns reading on: nothing but another pause behind it keeps the rest of the upload out.
    assert.ok(res.throttling.length > before)
    assert.equal(res.throttling.at(-1), 'pause')
  })

  test(`upload paused, and the client does not take a piece of the answer that the binding has taken (${framing})_still paused`, (t) => {
    const { context, res } = withPausedUpload(t, headers)
    context.call.data(Buffer.alloc(7_000))
    assert.equal(context.call.data(Buffer.alloc(7_000)), true, 'the cork has room for it')
    assert.ok(!res.isRead)
  })

  test(`more of a paused upload, and some of the answer is in the binding's buffer (${framing})_not read on behind it`, async (t) => {
    const context = new FakeContext(t)
    const { res } = context.start({ method: 'POST', headers: length(1_000_000) }, { kernelBytes: 10_000 })
    res.sendBody('first', false)
    context.call.connect()
    context.call.head(200, headers)
    while (context.call.data(Buffer.alloc(8_000))) {}
    assert.ok(res.isRead, 'the endpoint takes it all')
    context.call.full = true
    res.sendBody('second', false)
    // Behind its callback the binding tries to write what it has in its buffer: that is refused, and turns reading on.
    assert.ok(res.isRead, 'a pause from inside the callback does not hold')
    await turn()
    assert.ok(!res.isRead)
  })
}

/** `a` has broken the first of two requests; the second is at `b`, which is full. */
async function parked(t: TestContext) {
  const endpoints = [endpointPlan('a', 1), endpointPlan('b', 2)]
  const queue = queuePlan({ timeoutMs: 500 })
  const context = new FakeContext(t, { endpoints, connections: 1, outliers: null, queue })
  const first = context.start()
  const toFail = context.call
  const second = context.start()
  const atOther = context.call
  assert.deepEqual([first.exchange.endpointId, second.exchange.endpointId], ['app/a', 'app/b'])
  toFail.connect()
  toFail.fail(new Error('other side closed'))
  await turn()
  assert.equal(context.side.calls.length, 2, 'it is not sent where it was broken')
  assert.deepEqual([context.upstream.admission.waiting, context.upstream.admission.running], [0, 2])
  return { context, first, atOther }
}

test('endpoint breaks a request, the other is full_it waits for the other, and goes before the queue', async (t) => {
  const { context, first, atOther } = await parked(t)
  const third = context.start()
  assert.equal(context.upstream.admission.waiting, 1)
  atOther.connect()
  atOther.head(204)
  atOther.complete()
  await turn()
  assert.deepEqual(
    context.side.calls.slice(2).map(({ endpoint }) => endpoint),
    ['app/b', 'app/a'],
  )
  for (const call of context.side.calls.slice(2)) {
    call.connect()
    call.head(204)
    call.complete()
  }
  assert.deepEqual([first.res.parse().status, third.res.parse().status], [204, 204])
  await context.assertAtRest()
})

test('… and its client goes, or its time does_its place is free', async (t) => {
  for (const how of ['client', 'time']) {
    const { context, first, atOther } = await parked(t)
    if (how === 'client') first.res.leave()
    else context.elapse(context.upstream.queueTimeoutMs)
    await turn()
    if (how === 'time') assert.equal(first.res.parse().status, 503)
    context.start()
    assert.equal(context.call.endpoint, 'app/a')
    for (const call of [atOther, context.call]) {
      if (!call.ended) call.connect()
      // One that was given up ends there.
      if (call.ended) continue
      call.head(204)
      call.complete()
    }
    await context.assertAtRest()
  }
})

test('… and the other goes down_it goes where it was broken rather than nowhere', async (t) => {
  const { context, first, atOther } = await parked(t)
  context.upstream.setHealth('app/b', false)
  await turn()
  assert.deepEqual([context.side.calls.length, context.call.endpoint], [3, 'app/a'])
  for (const call of [atOther, context.call]) {
    call.connect()
    call.head(204)
    call.complete()
  }
  assert.equal(first.res.parse().status, 204)
  await context.assertAtRest()
})

test('head broken off before any byte of the body_502, and nothing of the head', (t) => {
  const context = new FakeContext(t)
  const { res } = context.start()
  context.call.connect()
  context.call.head(200, [...length(5), ['x-secret', '1']])
  context.call.fail(new Error('other side closed'))
  assert.equal(res.parse().status, outcomes.endpointReset.status)
  assert.deepEqual(headerValues(res.parse(), 'x-secret'), [])
})

test('head longer than the binding can send safely_502, and the endpoint is let go', async (t) => {
  const context = new FakeContext(t)
  const { res } = context.start()
  context.call.connect()
  context.call.head(200, [...length(5), ['x-long', 'v'.repeat(forwardedHeadBytesMax)]])
  assert.equal(res.parse().status, 502)
  assert.deepEqual(context.recorder.counts(), { bad_response: 1 })
  const [line] = context.memory.named('request')
  assert.equal(
    line?.reason,
    `the head has ${forwardedHeadBytesMax + 6} bytes, and no more than 14000 can be passed on`,
  )
  await context.assertAtRest()
})

test('head whose framing is ambiguous_502, and the log says why', async (t) => {
  const context = new FakeContext(t)
  const { res } = context.start()
  context.call.connect()
  context.call.head(200, [['transfer-encoding', 'gzip, chunked']])
  assert.equal(res.parse().status, 502)
  const [line] = context.memory.named('request')
  assert.deepEqual(
    [line?.outcome, line?.reason],
    ['bad_response', 'the framing of its body could be read in two ways'],
  )
  await context.assertAtRest()
})

test('HEAD_length passed on, complete with the head', async (t) => {
  const context = new FakeContext(t)
  const { res } = context.start({ method: 'HEAD' })
  context.call.connect()
  context.call.head(200, length(1234))
  context.call.complete()
  assert.deepEqual(headerValues(res.parse(true), 'content-length'), ['1234'])
  await context.assertAtRest()
})

test('304 with a length and a connection that breaks behind it_complete all the same', async (t) => {
  const context = new FakeContext(t)
  const { res } = context.start()
  context.call.connect()
  context.call.head(304, length(1234))
  context.call.fail(new Error('Response body length does not match content-length header'))
  assert.equal(res.parse().status, 304)
  assert.deepEqual(context.recorder.counts(), { completed: 1 })
  await context.assertAtRest()
})

test('request not idempotent, reset_502 without a second try', (t) => {
  const context = new FakeContext(t)
  const { res } = context.start({ method: 'PATCH' })
  context.call.connect()
  context.call.fail(new Error('other side closed'))
  assert.equal(context.side.calls.length, 1)
  assert.equal(res.parse().status, 502)
})

test('idempotent, reset twice_502 after the second', async (t) => {
  const context = new FakeContext(t)
  const { res } = context.start({ method: 'DELETE' })
  for (let count = 0; count < 2; count++) {
    context.call.connect()
    context.call.fail(new Error('other side closed'))
  }
  assert.equal(context.side.calls.length, 2)
  assert.equal(res.parse().status, 502)
  await context.assertAtRest()
})

test('undici refuses what it is given_400, before dispatch has returned', async (t) => {
  const context = new FakeContext(t)
  const refuse = (_options: unknown, handler: { onError(error: Error): void }): void =>
    handler.onError(new errors.InvalidArgumentError('invalid request path'))
  const connection = {
    client: { dispatch: refuse },
    inFlight: 1,
    awaited: 0,
    settled: () => {},
    whenParsed: queueMicrotask,
  } as unknown as Connection
  Object.assign(context.upstream.endpoints[0] as object, { begin: () => connection, end: () => {} })
  const { res } = context.start()
  assert.equal(res.parse().status, 400)
  assert.deepEqual(context.recorder.counts(), { bad_request: 1 })
  await context.assertAtRest()
})

const sticky = {
  policy: 'sticky',
  cookie: 'weir',
  secret: 'sixteen characters',
  fallback: 'round-robin',
} as const

test('sticky, no cookie_the answer carries one behind the endpoint’s own; with it none is set', async (t) => {
  const context = new FakeContext(t, { balance: sticky })
  const { res } = context.start()
  context.call.connect()
  context.call.head(200, [
    ['set-cookie', 'theirs=1'],
    ['content-length', '0'],
  ])
  context.call.complete()
  const [theirs, ours, ...others] = headerValues(res.parse(), 'set-cookie')
  assert.deepEqual([theirs, others], ['theirs=1', []])
  assert.match(ours ?? '', /^weir=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)

  const [cookie] = (ours as string).split(';') as [string]
  const again = context.start({ headers: [['cookie', `a=b; ${cookie}`]] })
  context.call.connect()
  context.call.head(200, [['content-length', '0']])
  context.call.complete()
  assert.deepEqual(headerValues(again.res.parse(), 'set-cookie'), [])
  await context.assertAtRest()
})

test('whole answer is here, the client takes none of it and sends on_cut off after the body time-out', (t) => {
  const context = new FakeContext(t)
  const { res } = context.start({ method: 'POST', headers: chunked }, { kernelBytes: 1_000 })
  res.sendBody('first', false)
  context.call.connect()
  context.call.head(200, length(50_000))
  context.call.data(Buffer.alloc(50_000))
  for (let tick = 0; tick < (2 * timeouts.bodyMs) / tickMs && res.closedBy === null; tick++) {
    res.sendBody('more', false)
    context.clock.advance(tickMs)
    context.deadlines.tick()
  }
  assert.equal(res.closedBy, 'close')
  assert.deepEqual(context.recorder.counts(), { client_stalled: 1 })
})
