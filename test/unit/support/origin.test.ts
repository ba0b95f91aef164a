/** The scriptable origin, seen by the raw client: each behaviour does on the wire what its name says. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, sha256, streamSha256 } from '../../support/bytes.ts'
import { startOrigin, unusedPort } from '../../support/origin.ts'
import {
  breakMidBody,
  chunked,
  closeBeforeHead,
  closeWhenIdle,
  delayed,
  echoBody,
  echoHead,
  held,
  ok,
  raw,
  resetBeforeHead,
  respond,
  silent,
  sink,
  stale,
  stream,
  untilClose,
} from '../../support/origin-behaviours.ts'
import { startOriginProcess } from '../../support/origin-process.ts'
import { fetchRaw, RawClient } from '../../support/raw-client.ts'
import { Gate, waitFor } from '../../support/wait.ts'

test('origin records requests as they were received', async (t) => {
  const origin = await startOrigin(t, ok('fine'))
  const client = await RawClient.connect(origin.port)
  t.after(() => client.close())
  await client.exchange({
    target: '//a?b=%00',
    headers: [
      ['Host', 'h'],
      ['X-A', 'caf\xe9'],
      ['x-a', '2'],
    ],
  })
  await client.exchange({ method: 'POST', body: 'hello' })
  await fetchRaw(origin.port, { method: 'PUT', body: ['he', 'llo'] })
  const [first, second, third] = origin.requests
  assert.deepEqual([first!.method, first!.target], ['GET', '//a?b=%00'])
  assert.deepEqual(first!.headers, [
    ['Host', 'h'],
    ['X-A', 'caf\xe9'],
    ['x-a', '2'],
  ])
  assert.equal(
    first!.rawHead.toString('latin1'),
    'GET //a?b=%00 HTTP/1.1\r\nHost: h\r\nX-A: caf\xe9\r\nx-a: 2\r\n\r\n',
  )
  assert.deepEqual([second!.bodyBytes, second!.bodySha256, second!.complete], [5, sha256('hello'), true])
  assert.deepEqual([third!.bodyBytes, third!.bodySha256, third!.complete], [5, sha256('hello'), true])
  assert.deepEqual(
    origin.requests.map((r) => [r.connection, r.ordinal]),
    [
      [1, 1],
      [1, 2],
      [2, 1],
    ],
  )
  assert.equal(origin.count, 3)
})

test('origin counts connections open and in all', async (t) => {
  const origin = await startOrigin(t, ok())
  const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(origin.port)))
  await waitFor(() => origin.connections.open === 3, { what: 'three connections' })
  for (const client of clients) client.close()
  await waitFor(() => origin.connections.open === 0, { what: 'their end' })
  assert.equal(origin.connections.total, 3)
})

test('origin behaviours by path: exact, then the longest prefix', async (t) => {
  const origin = await startOrigin(t, {
    '*': ok('rest'),
    '/a': ok('a'),
    '/b/*': ok('below b'),
    '/b/c': respond({ status: 201 }),
  })
  const answer = async (target: string) => {
    const { status, text } = await fetchRaw(origin.port, { target })
    return `${status} ${text}`
  }
  assert.equal(await answer('/a?x'), '200 a')
  assert.equal(await answer('/b/x'), '200 below b')
  assert.equal(await answer('/b/c'), '201 ')
  assert.equal(await answer('/x'), '200 rest')
  origin.use({ '/a': ok('new') })
  assert.equal(await answer('/a'), '200 new')
  assert.equal((await fetchRaw(origin.port, { target: '/x' })).status, 404)
})

test('origin orderly behaviours', async (t) => {
  const origin = await startOrigin(t, {
    '/ok': ok('fine', [
      ['set-cookie', 'a'],
      ['set-cookie', 'b'],
    ]),
    '/204': respond({ status: 204 }),
    '/304': respond({ status: 304, headers: [['etag', '"x"']] }),
    '/chunked': chunked(['one', 'two']),
    '/close': untilClose('until the end'),
    '/echo-head': echoHead,
    '/echo-body': echoBody,
    '/delayed': delayed(5, ok('late')),
    '/sink': sink({ bytesPerSecond: 10_000_000 }),
    '/raw': raw('HTTP/1.1 299 Odd\r\ncontent-length: 0\r\n\r\n'),
    '/length/*': stream(1_500_000, 'length'),
    '/chunks/*': stream(1_500_000, 'chunked'),
  })
  const get = (target: string) => fetchRaw(origin.port, { target })
  assert.deepEqual((await get('/ok')).headers('set-cookie'), ['a', 'b'])
  assert.equal((await fetchRaw(origin.port, { method: 'HEAD', target: '/ok' })).header('content-length'), '4')
  assert.deepEqual((await get('/204')).head.headers, [])
  assert.deepEqual((await get('/304')).head.headers, [['etag', '"x"']])
  assert.equal((await get('/chunked')).text, 'onetwo')
  assert.equal((await get('/close')).text, 'until the end')
  assert.equal((await get('/echo-head')).text, 'GET /echo-head HTTP/1.1\r\nhost: test\r\n\r\n')
  assert.equal(
    (await fetchRaw(origin.port, { method: 'POST', target: '/echo-body', body: ['a', 'b'] })).text,
    'ab',
  )
  assert.equal((await get('/delayed')).text, 'late')
  assert.equal((await get('/raw')).status, 299)
  assert.equal((await get('/length/')).sha256, streamSha256(1_500_000))
  assert.equal((await get('/chunks/')).sha256, streamSha256(1_500_000))
  const upload = await fetchRaw(origin.port, { method: 'PUT', target: '/sink', body: bytes(200_000) })
  assert.equal(upload.text, `200000 ${streamSha256(200_000)}`)
})

test('origin disorderly behaviours', async (t) => {
  const gate = new Gate()
  gate.open()
  const origin = await startOrigin(t, {
    '/reset': resetBeforeHead,
    '/close': closeBeforeHead,
    '/cut/length': breakMidBody('length', 'fin', 5_000, gate),
    '/cut/chunked': breakMidBody('chunked', 'fin', 5_000, gate),
  })
  await assert.rejects(fetchRaw(origin.port, { target: '/reset' }), { kind: 'reset' })
  await assert.rejects(fetchRaw(origin.port, { target: '/close' }), { kind: 'closed' })
  for (const framing of ['length', 'chunked']) {
    const answer = await fetchRaw(origin.port, { target: `/cut/${framing}` })
    assert.deepEqual([answer.bodyBytes, answer.ended], [5_000, 'truncated'], framing)
  }
})

test('origin resets in the middle of a body once the client has what was sent', async (t) => {
  const gate = new Gate()
  const origin = await startOrigin(t, breakMidBody('length', 'reset', 5_000, gate))
  const client = await RawClient.connect(origin.port)
  await client.request()
  let got = 0
  const answer = await client.response({
    onBody: (piece) => {
      got += piece.length
      if (got === 5_000) gate.open()
    },
  })
  assert.deepEqual([answer.bodyBytes, answer.ended], [5_000, 'reset'])
})

test('origin stale answers once per connection', async (t) => {
  const origin = await startOrigin(t, stale(ok()))
  const client = await RawClient.connect(origin.port)
  assert.equal((await client.exchange()).status, 200)
  await assert.rejects(client.exchange())
  assert.equal(origin.count, 2)
})

test('origin closes idle connections, by itself or when told', async (t) => {
  const origin = await startOrigin(t, { '/soon': closeWhenIdle(5, ok()), '/stay': ok() })
  const soon = await RawClient.connect(origin.port)
  await soon.exchange({ target: '/soon' })
  assert.deepEqual(await soon.closed(), { how: 'fin', unread: '' })
  const stay = await RawClient.connect(origin.port)
  await stay.exchange({ target: '/stay' })
  origin.closeIdle()
  assert.deepEqual(await stay.closed(), { how: 'fin', unread: '' })
})

test('origin sees a client go away while it holds the answer', async (t) => {
  const gate = new Gate()
  const closed: boolean[] = []
  const origin = await startOrigin(t, {
    '/held': held(gate, ok()),
    '/silent': async (exchange) => {
      await silent(exchange)
      closed.push(exchange.isClosed)
    },
  })
  const client = await RawClient.connect(origin.port)
  await client.request({ target: '/silent' })
  await waitFor(() => origin.count === 1, { what: 'the request' })
  client.close()
  await waitFor(() => closed.length === 1, { what: 'the end of the exchange' })
  assert.deepEqual(closed, [true])
})

test('origin serves pipelined requests one after another', async (t) => {
  const gate = new Gate()
  let peeked = ''
  const origin = await startOrigin(t, {
    '/1': async (exchange) => {
      await gate.pass()
      peeked = exchange.wire.peek().toString('latin1')
      await exchange.respond({ body: '1' })
    },
    '/2': ok('2'),
  })
  const client = await RawClient.connect(origin.port)
  t.after(() => client.close())
  await client.request({ target: '/1' })
  await gate.reached(1)
  await client.request({ target: '/2' })
  setImmediate(() => gate.open())
  assert.deepEqual([(await client.response()).text, (await client.response()).text], ['1', '2'])
  assert.match(peeked, /^(GET \/2 |$)/)
})

test('origin incomplete upload is recorded as such', async (t) => {
  const origin = await startOrigin(t, ok())
  const client = await RawClient.connect(origin.port)
  await client.send('POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nhello')
  await waitFor(() => origin.requests[0]?.bodyBytes === 5, { what: 'half of the body' })
  client.reset()
  await waitFor(() => origin.connections.open === 0, { what: 'the end of the connection' })
  assert.deepEqual([origin.only().complete, origin.only().bodySha256], [false, ''])
})

test('origin stopped refuses, started again it answers on its port', async (t) => {
  const origin = await startOrigin(t, ok())
  const { port } = origin
  await origin.stop()
  await assert.rejects(RawClient.connect(port), { code: 'ECONNREFUSED' })
  await origin.start()
  assert.equal(origin.port, port)
  assert.equal((await fetchRaw(port)).status, 200)
  await assert.rejects(RawClient.connect(await unusedPort()), { code: 'ECONNREFUSED' })
})

test('origin process killed and started again keeps its port', async (t) => {
  const origin = await startOriginProcess(t, 'one')
  const { port } = origin
  assert.equal((await fetchRaw(port)).text, 'one')
  assert.equal(await origin.count(), 1)
  const client = await RawClient.connect(port)
  await client.request({ target: '/?delay=60000' })
  await waitFor(async () => (await origin.count()) === 2, { what: 'the second request' })
  await origin.kill()
  await assert.rejects(client.response())
  await assert.rejects(RawClient.connect(port), { code: 'ECONNREFUSED' })
  await origin.start()
  assert.equal(origin.port, port)
  assert.equal((await fetchRaw(port)).text, 'one')
})
