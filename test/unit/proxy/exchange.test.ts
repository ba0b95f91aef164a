/** The ordinary course of an exchange; how it ends in every phase stands in exchange.endings.test.ts. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Exchange } from '../../../src/proxy/exchange.ts'
import { FixedReply } from '../../../src/proxy/reply.ts'
import { FakeContext } from '../../support/fakes/data-plane-context.ts'
import { headerValues } from '../../support/fakes/parse-response.ts'
import { queuePlan } from '../../support/fakes/plans.ts'
import { stateOf } from '../../support/fakes/private-state.ts'
import { haveSameShape } from '../../support/fakes/same-shape.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const length = (count: number) => [['content-length', String(count)]] as const

test('GET_answered by the endpoint, recorded once, everything at rest', async (t) => {
  const context = new FakeContext(t)
  const { res } = context.start({ target: '/x?y', headers: [['x-a', '1']] })
  const { call } = context
  assert.deepEqual([call.method, call.path, call.body], ['GET', '/x?y', null])
  assert.equal(call.host, 'test')
  assert.deepEqual(call.headers, [
    'x-a',
    '1',
    'x-forwarded-for',
    '127.0.0.1',
    'x-forwarded-proto',
    'http',
    'x-forwarded-host',
    'test',
  ])
  call.connect()
  call.head(200, length(5))
  call.data('hello')
  call.complete()
  assert.equal(res.parse().body.toString(), 'hello')
  assert.deepEqual(res.misuse, [])
  assert.deepEqual(context.recorder.counts(), { completed: 1 })
  await context.assertAtRest()
  assert.equal(context.spareExchanges.length, 1)
  const [line] = context.memory.named('request')
  assert.deepEqual([line?.status, line?.bytes, line?.endpoint, line?.attempts], [200, 5, 'app/a', 1])
})

test('body in one piece_sent as one buffer', (t) => {
  const context = new FakeContext(t)
  const { res } = context.start({ method: 'POST', headers: length(5) })
  assert.equal(context.side.calls.length, 0, 'it holds no place before its body is there')
  assert.equal(context.upstream.admission.running, 0)
  res.sendBody('hello', true)
  assert.deepEqual(context.call.body, Buffer.from('hello'))
  assert.equal(context.call.contentLength, 5)
})

test('body in pieces_streamed with its length', async (t) => {
  const context = new FakeContext(t)
  const { res } = context.start({ method: 'POST', headers: length(10) })
  res.sendBody('', false)
  assert.equal(context.side.calls.length, 0, 'an empty first piece says nothing')
  res.sendBody('hello', false)
  const { call } = context
  assert.equal(call.contentLength, 10)
  call.connect()
  res.sendBody('world', true)
  assert.equal(Buffer.concat(call.sent).toString(), 'helloworld')
  assert.equal(call.bodyEnded, true)
  call.head(200, length(0))
  call.complete()
  await turn()
  assert.deepEqual(res.misuse, [])
  await context.assertAtRest()
  assert.equal(context.spareExchanges.length, 1)
})

test('body of unknown length that is empty_no body', (t) => {
  const context = new FakeContext(t)
  const { res } = context.start({ method: 'POST', headers: [['transfer-encoding', 'chunked']] })
  res.sendBody('', true)
  assert.equal(context.call.body, null)
})

test('endpoint slow to take the body_the client is paused, and resumed when there is room', (t) => {
  const context = new FakeContext(t)
  const { res } = context.start({ method: 'POST', headers: length(15) })
  res.sendBody('hello', false)
  const { call } = context
  call.full = true
  call.connect()
  assert.equal(res.throttling.at(-1), 'pause')
  res.sendBody('world', false)
  assert.equal(Buffer.concat(call.sent).toString(), 'hello')
  call.drain()
  assert.equal(Buffer.concat(call.sent).toString(), 'helloworld')
  assert.equal(res.throttling.at(-1), 'resume')
  res.sendBody('again', true)
  assert.equal(call.bodyEnded, true)
  assert.deepEqual(res.misuse, [])
})

test('client slow to take the answer_the endpoint is paused, and resumed when there is room', async (t) => {
  const context = new FakeContext(t)
  const { res } = context.start({}, { kernelBytes: 10_000 })
  const { call } = context
  call.connect()
  call.head(200, length(60_000))
  assert.equal(call.data(Buffer.alloc(30_000)), false)
  while (call.paused) assert.ok(res.read() > 0)
  assert.equal(call.data(Buffer.alloc(30_000)), false)
  while (!res.done) assert.ok(res.read() > 0)
  // The response is complete; undici is to go on to its own end, or its connection is lost for good.
  assert.equal(call.paused, false)
  call.complete()
  await context.assertAtRest()
})

test('no route_404; a fixed answer_sent; either without an attempt', async (t) => {
  const context = new FakeContext(t)
  const nowhere = context.start({}, {}, null)
  assert.equal(nowhere.res.parse().status, 404)
  const reply = new FixedReply({ status: 201, headers: [['x-a', '1']], body: 'made' })
  const fixed = context.start(
    { method: 'POST', headers: length(2) },
    {},
    { upstream: null, reply, cleaned: false, timeoutMs: 0, guard: null, split: null, mirror: null },
  )
  assert.equal(fixed.res.parse().body.toString(), 'made')
  assert.deepEqual(context.recorder.counts(), { no_route: 1, responded: 1 })
  assert.equal(context.side.calls.length, 0)
  await context.assertAtRest()
})

test('request that must not pass_400, the connection closes, the fault is in the log', async (t) => {
  for (const [header, closedBy, reason] of [
    [['host', 'a b'], 'end', /Host/],
    [['transfer-encoding', 'gzip, chunked'], 'close', /chunked/],
  ] as const) {
    const context = new FakeContext(t)
    const { res } = context.start({ headers: [header] })
    // Where its end is in doubt nothing behind it may be read.
    assert.equal(res.closedBy, closedBy === 'close' ? 'close' : null)
    await turn()
    assert.equal(res.parse().status, 400)
    assert.equal(res.closedBy, closedBy)
    assert.match(String(context.memory.named('request')[0]?.reason), reason)
    assert.deepEqual(res.misuse, [])
    await context.assertAtRest()
  }
})

test('request that must not pass, and its client leaves at once_recorded once', async (t) => {
  const context = new FakeContext(t)
  context.start({ headers: [['host', 'a b']] }).res.leave()
  const next = context.start()
  await turn()
  assert.deepEqual(context.recorder.counts(), { client_aborted: 1 })
  assert.equal(context.recorder.inFlight, 1)
  assert.equal(next.res.done, false, 'the next request on this object is not refused for it')
  next.res.leave()
})

test('queue full_503 at once, and whoever waits is not disturbed', (t) => {
  const context = new FakeContext(t, { connections: 1, queue: queuePlan({ limit: 1, timeoutMs: 5_000 }) })
  context.start()
  context.start()
  const { res } = context.start()
  assert.equal(res.parse().status, 503)
  assert.deepEqual(headerValues(res.parse(), 'retry-after'), ['1'])
  assert.deepEqual(context.recorder.counts(), { queue_full: 1 })
  assert.equal(context.upstream.admission.waiting, 1)
})

/** The endpoint answers what it was sent last. */
async function serve(context: FakeContext): Promise<void> {
  context.call.connect()
  context.call.head(204)
  context.call.complete()
  await Promise.resolve()
}

/** One is with the endpoint, and one of a lower class (`lower`) fills the queue when one of a higher class comes. */
function displaced(t: TestContext) {
  const context = new FakeContext(t, { connections: 1, queue: queuePlan({ limit: 1 }) })
  const route = {
    ...context.route,
    priorityOf: (headers: readonly string[]) => (headers.includes('high') ? 0 : 2),
  }
  context.start({}, {}, route)
  const { res: lower } = context.start({}, {}, route)
  context.start({ headers: [['x-priority', 'high']] }, {}, route)
  return { context, lower }
}

test('full of a lower class_the last of it is shed when the turn is over, its connection stays, and all comes to rest', async (t) => {
  const { context, lower } = displaced(t)
  assert.equal(lower.bytes.length, 0)
  await new Promise(setImmediate)
  const answer = lower.parse()
  assert.equal(answer.status, 503)
  assert.deepEqual(headerValues(answer, 'retry-after'), ['1'])
  assert.deepEqual(headerValues(answer, 'connection'), [])
  assert.deepEqual(context.recorder.counts(), { shed: 1 })
  await serve(context)
  await serve(context)
  await context.assertAtRest()
})

test('about to be shed, and the client goes_one outcome: it has gone', async (t) => {
  const { context, lower } = displaced(t)
  lower.leave()
  await new Promise(setImmediate)
  assert.deepEqual(context.recorder.counts(), { client_aborted: 1 })
  await serve(context)
  await serve(context)
  await context.assertAtRest()
})

test('no endpoint up_503 before it queues', async (t) => {
  const context = new FakeContext(t)
  context.upstream.setHealth('app/a', false)
  assert.equal(context.start().res.parse().status, 503)
  assert.deepEqual(context.recorder.counts(), { no_healthy_endpoint: 1 })
  await context.assertAtRest()
})

test('last endpoint goes while it waits_503, and its place goes to the next', (t) => {
  const context = new FakeContext(t, { connections: 1 })
  context.start()
  const { res, exchange } = context.start()
  context.upstream.setHealth('app/a', false)
  exchange.refuseIfWaitingFor(context.upstream)
  assert.equal(res.parse().status, 503)
  assert.deepEqual(context.recorder.counts(), { no_healthy_endpoint: 1 })
  assert.equal(context.upstream.admission.waiting, 0)
})

test('connection refused_tried once more on a connection of its own, then answered', async (t) => {
  const context = new FakeContext(t)
  const { res } = context.start({ method: 'POST', headers: length(2) })
  res.sendBody('hi', true)
  context.call.fail(new Error('connect ECONNREFUSED'))
  assert.equal(context.side.calls.length, 2)
  assert.deepEqual(context.side.fresh, [false, true])
  context.call.connect()
  context.call.head(200, length(2))
  context.call.data('ok')
  context.call.complete()
  assert.equal(res.parse().body.toString(), 'ok')
  assert.equal(context.memory.named('request')[0]?.attempts, 2)
  await context.assertAtRest()
})

test('draining_the answer announces the close', (t) => {
  const context = new FakeContext(t)
  const { res } = context.start()
  context.draining = true
  context.call.connect()
  context.call.head(200, length(2))
  context.call.data('ok')
  context.call.complete()
  assert.deepEqual(headerValues(res.parse(), 'connection'), ['close'])
})

test('every four seconds_a transfer is re-armed, a request that waits for its answer is not', (t) => {
  const context = new FakeContext(t)
  const waiting = context.start()
  waiting.exchange.rearm()
  assert.deepEqual(waiting.res.throttling, [])
  context.call.connect()
  context.call.head(200, length(10))
  context.call.data('hello')
  waiting.exchange.rearm()
  assert.deepEqual(waiting.res.throttling, ['pause', 'resume'])
})

test('used again and again_one shape for life, and reset to the values of a new one', async (t) => {
  const context = new FakeContext(t)
  for (const body of ['one', 'two']) {
    const { res } = context.start({
      method: 'POST',
      target: '/x?y',
      headers: [...length(6), ['accept', 'a/b']],
    })
    res.sendBody(body, false)
    context.call.connect()
    res.sendBody(body, true)
    context.call.head(404, [...length(3), ['x-a', '1']])
    context.call.data(body)
    context.call.complete()
    await turn()
  }
  context.start({ headers: [['host', 'a b']] }).res.leave()
  const [used] = context.spareExchanges as [Exchange]
  assert.equal(context.spareExchanges.length, 1)
  const fresh = new Exchange(context, context.spareExchanges)
  assert.ok(haveSameShape(used, fresh))
  // The block is filled anew by each head before anyone looks at it.
  const opened = ['head', '#response', '#tries']
  assert.deepEqual(stateOf(used, opened), stateOf(fresh, opened))
})
