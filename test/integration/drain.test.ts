/** The end: what is under way is answered, who is idle is let go, and it takes no longer than it may. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { bytes, streamSha256 } from '../support/bytes.ts'
import { Load } from '../support/load.ts'
import { delayed, held, ok, silent, sink, stream } from '../support/origin-behaviours.ts'
import { type Proxied, type ProxiedOptions, proxied } from '../support/proxied.ts'
import { RawClient } from '../support/raw-client.ts'
import { Gate, waitFor, within } from '../support/wait.ts'

/** SIGTERM, and a wait until Weir says that it drains and its port is closed. */
async function beginDrain({ weir }: Proxied): Promise<void> {
  weir.signal('SIGTERM')
  await weir.waitForLog((line) => line.msg === 'draining', 'draining')
  await waitFor(
    () =>
      RawClient.connect(weir.port).then(
        (client) => client.close(),
        (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
      ),
    { what: 'the port to be closed' },
  )
}

for (const workers of [1, 2]) {
  test(`SIGTERM under load, ${workers} workers: what reached the origin is answered, exit 0`, async (t) => {
    const { origin, weir } = await proxied(
      t,
      { '/slow/*': delayed(300, ok('slow')), '/big/*': stream(500_000, 'chunked'), '*': ok() },
      { config: { workers } },
    )
    const answered = new Set<string>()
    const target = (n: number) => `/${['fast', 'slow', 'big', 'fast'][n % 4]}/${n}`
    const load = new Load({
      port: weir.port,
      connections: 24,
      request: (n) => ({ target: target(n) }),
      onResponse: (answer, n) => {
        if (answer.status === 200) answered.add(target(n))
        return undefined
      },
    })
    await waitFor(() => load.answered > 300, { what: '300 answers' })
    const exit = weir.stop()
    assert.equal(await exit, 0)
    await load.stop()
    const lost = origin.requests.filter((request) => !answered.has(request.target))
    assert.deepEqual(
      lost.map((request) => request.target),
      [],
    )
    assert.deepEqual(Object.keys(load.statuses), ['200'])
    // Whoever connects or sends too late sees a closed port or a closed connection; nobody sees half an answer.
    const { closed: _, reset: __, ECONNREFUSED: ___, ECONNRESET: ____, ...others } = load.errors
    assert.deepEqual(others, {})
    assert.deepEqual(
      weir.log.named('drained').map((line) => line.inFlight ?? 0),
      Array(workers).fill(0),
    )
  })
}

/** An origin that holds what it gets, and a request on its way to it. */
async function oneInFlight(t: TestContext, options: ProxiedOptions = {}) {
  const gate = new Gate()
  const all = await proxied(t, { '/held': held(gate, ok('late')), '*': ok() }, options)
  const client = await all.connect()
  const answer = client.exchange({ target: '/held' })
  answer.catch(() => undefined)
  await gate.reached(1)
  return { ...all, gate, client, answer }
}

test('request in flight is answered and its connection closed behind it', async (t) => {
  const all = await oneInFlight(t)
  await beginDrain(all)
  all.gate.open()
  const { status, text } = await all.answer
  assert.deepEqual([status, text], [200, 'late'])
  await all.client.closed()
  assert.equal(await all.weir.exited, 0)
})

test('idle kept connection is closed, and the end does not wait for it', async (t) => {
  const all = await proxied(t, ok())
  const idle = await all.connect()
  assert.equal((await idle.exchange()).status, 200)
  const unused = await all.connect()
  const start = performance.now()
  assert.equal(await all.weir.stop(), 0)
  // The binding itself closes an idle connection after 8 to 12 s; drainTimeout is 20 s.
  assert.ok(performance.now() - start < 7_000, 'the end has waited for idle connections')
  assert.equal((await idle.closed()).unread, '')
  assert.equal((await unused.closed()).unread, '')
})

for (const [what, behaviour] of [
  ['with a length', stream(300_000, 'length')],
  ['in chunks', stream(300_000, 'chunked')],
  ['small', ok('small')],
] as const) {
  test(`request during the drain on a connection of before, answer ${what}: whole, with Connection: close`, async (t) => {
    const all = await oneInFlight(t)
    const kept = await all.connect()
    assert.equal((await kept.exchange()).status, 200)
    await beginDrain(all)
    all.origin.use(behaviour)
    const answer = await kept.exchange()
    assert.deepEqual([answer.status, answer.ended], [200, 'complete'])
    if (what !== 'small') assert.equal(answer.sha256, streamSha256(300_000))
    assert.equal(answer.header('connection')?.toLowerCase(), 'close')
    all.gate.open()
    assert.equal((await all.answer).status, 200)
    await kept.closed()
    assert.equal(await all.weir.exited, 0)
  })
}

test('upload under way at the drain is finished and answered', async (t) => {
  const all = await proxied(t, sink())
  const client = await all.connect()
  const body = bytes(400_000)
  await client.send(`POST / HTTP/1.1\r\nhost: test\r\ncontent-length: ${body.length}\r\n\r\n`)
  await client.send(body.subarray(0, 200_000))
  await waitFor(() => (all.origin.requests[0]?.bodyBytes ?? 0) > 0, { what: 'the upload at the origin' })
  await beginDrain(all)
  await client.send(body.subarray(200_000))
  assert.equal((await client.response()).text, `400000 ${streamSha256(400_000)}`)
  assert.equal(await all.weir.exited, 0)
})

test('who waits in the queue at the drain is served', async (t) => {
  const all = await oneInFlight(t, { upstream: { connections: 1, queue: { timeout: '30s' } } })
  const waiting = (await all.connect()).exchange()
  await all.weir.waitForStats((sum) => sum.queued === 1, 'one request waiting')
  await beginDrain(all)
  all.gate.open()
  assert.equal((await all.answer).status, 200)
  assert.equal((await waiting).status, 200)
  assert.equal(await all.weir.exited, 0)
})

test('drainTimeout cuts what does not end, exit 0', async (t) => {
  const all = await proxied(t, silent, { config: { drainTimeout: '500ms' } })
  const client = await all.connect()
  const answer = client.exchange().then(
    ({ status }) => status,
    (error: Error) => error.name,
  )
  await waitFor(() => all.origin.count === 1, { what: 'the request at the origin' })
  assert.equal(await all.weir.stop(), 0)
  // Cut with an answer or without: but not answered as if all were well.
  const result = await answer
  assert.ok(result === 'WireError' || (typeof result === 'number' && result >= 500), String(result))
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`second ${signal} ends at once`, async (t) => {
    const all = await oneInFlight(t, { config: { drainTimeout: '1m' } })
    all.weir.signal(signal)
    await all.weir.waitForLog((line) => line.msg === 'draining', 'draining')
    all.weir.signal(signal)
    await within(all.weir.exited, 5_000, 'the end at the second signal')
    await assert.rejects(all.answer)
  })
}

test('SIGTERM to a Weir at rest ends it at once, with every line in the log', async (t) => {
  const { weir } = await proxied(t, ok(), { config: { workers: 2 } })
  assert.equal(await weir.stop(), 0)
  assert.equal(weir.log.named('drained').length, 2)
  assert.equal(weir.log.lines.at(-1)!.msg, 'ended')
  assert.deepEqual(weir.log.garbled, [])
  assert.equal(await weir.stderr(), '')
})
