/**
 * Requests as they come and as they arrive at the origin, byte by byte, after RFC 9110 and 9112. What is refused stands in
 * ../integration/refusals.test.ts.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { chunked, inPieces, ok, respond, stream, untilClose } from '../support/origin-behaviours.ts'
import { proxied } from '../support/proxied.ts'

interface Case {
  readonly rfc: string
  readonly what: string
  readonly sent: string
  readonly status?: number
  /** Of the answer to the client. */
  readonly closes?: boolean
  /** What the origin gets. */
  readonly target?: string
  readonly body?: string
  /** Fields that the origin gets, and fields that it does not. */
  readonly has?: Readonly<Record<string, string>>
  readonly hasNot?: readonly string[]
}

const host = 'Host: test\r\n'
const get = (headers = '', target = '/') => `GET ${target} HTTP/1.1\r\nHost: test\r\n${headers}\r\n`
const post = (headers: string, body: string) => `POST / HTTP/1.1\r\nHost: test\r\n${headers}\r\n${body}`

/** 0x80 to 0xFF. */
const everyHighByte = Buffer.from(Array.from({ length: 128 }, (_, index) => 128 + index)).toString('latin1')

const sha256 = (text: string) => createHash('sha256').update(text, 'latin1').digest('hex')

const forwarded: readonly Case[] = [
  {
    rfc: '9112 3.2.1',
    what: 'the target as it came',
    sent: get('', '/a/../b//c%2f%2E?x=/../%zz&&'),
    target: '/a/../b//c%2f%2E?x=/../%zz&&',
  },
  { rfc: '9112 3.2.1', what: 'an empty query', sent: get('', '/a?'), target: '/a?' },
  {
    rfc: '9110 7.6.1',
    what: 'Connection and what it names',
    sent: get('Connection: X-Hop, close\r\nX-Hop: 1\r\nX-End: 2\r\n'),
    has: { 'x-end': '2' },
    hasNot: ['x-hop'],
  },
  {
    rfc: '9110 7.6.1',
    what: 'the hop-by-hop fields',
    sent: get(
      'Keep-Alive: timeout=5\r\nProxy-Connection: x\r\nTE: trailers\r\nUpgrade: h2c\r\nTrailer: X-T\r\n',
    ),
    hasNot: ['keep-alive', 'proxy-connection', 'te', 'upgrade', 'trailer'],
  },
  {
    rfc: '9110 7.6.1',
    what: 'fields that may not be nominated away',
    sent: post(
      'Connection: Host, Content-Length, Content-Type\r\nContent-Type: text/x\r\nContent-Length: 2\r\n',
      'ab',
    ),
    body: 'ab',
    has: { host: 'test' },
    hasNot: ['content-type'],
  },
  {
    rfc: '7239 8.1',
    what: 'nothing of what the client says about itself',
    sent: get(
      'X-Forwarded-For: 9.9.9.9\r\nX_Forwarded_For: 9.9.9.9\r\nX-Forwarded_Host: evil\r\nForwarded: for=9.9.9.9\r\n',
    ),
    has: { 'x-forwarded-for': '127.0.0.1' },
    hasNot: ['x_forwarded_for', 'x-forwarded_host', 'forwarded'],
  },
  {
    rfc: '9110 5.3',
    what: 'repeated fields, in order',
    sent: get('X-A: 1\r\nX-B: 2\r\nX-A: 3\r\n'),
    has: { 'x-a': '1, 3' },
  },
  {
    rfc: '9110 5.5',
    what: 'white space around a value',
    sent: get('X-A: \t 1 2\t \r\n'),
    has: { 'x-a': '1 2' },
  },
  { rfc: '9110 5.5', what: 'an empty value', sent: get('X-A:\r\n'), has: { 'x-a': '' } },
  {
    rfc: '9110 5.5',
    what: 'UTF-8 inside a value, byte for byte',
    sent: get('X-A: a\xc3\xa9b\r\n'),
    has: { 'x-a': 'a\xc3\xa9b' },
  },
  {
    rfc: '9110 5.5',
    what: 'bytes inside a value that are not UTF-8, byte for byte',
    sent: get(`X-A: a\xe9b\r\nX-B: .${everyHighByte}.\r\nX-C: a\xef\xbf\xbdb\r\n`),
    has: { 'x-a': 'a\xe9b', 'x-b': `.${everyHighByte}.`, 'x-c': 'a\xef\xbf\xbdb' },
  },
  {
    rfc: '9112 6.1',
    what: 'a chunked body, framed anew, and the connection closed',
    sent: post('Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'),
    body: 'abcde',
    closes: true,
  },
  {
    rfc: '9112 6.1',
    what: 'Transfer-Encoding in any case',
    sent: post('Transfer-Encoding: ChunKed\r\n', '1\r\na\r\n0\r\n\r\n'),
    body: 'a',
    closes: true,
  },
  {
    rfc: '9112 6.2',
    what: 'a body with a length',
    sent: post('Content-Length: 3\r\n', 'abc'),
    body: 'abc',
    has: { 'content-length': '3' },
    closes: false,
  },
  { rfc: '9112 6.3', what: 'no body without either', sent: post('', ''), body: '', closes: false },
  { rfc: '9110 9.3.1', what: 'a body on GET', sent: get('Content-Length: 2\r\n').concat('hi'), body: 'hi' },
  {
    rfc: '9110 9.3.5',
    what: 'a body on DELETE',
    sent: `DELETE / HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nhi`,
    body: 'hi',
  },
  {
    rfc: '9110 10.1.1',
    what: 'Expect, which is answered and not passed on',
    sent: post('Expect: 100-continue\r\nContent-Length: 1\r\n', 'a'),
    body: 'a',
    hasNot: ['expect'],
  },
  {
    rfc: '9110 7.6.2',
    what: 'Max-Forwards of OPTIONS, less one',
    sent: get('Max-Forwards: 10\r\nX-A: 1\r\n').replace('GET', 'OPTIONS'),
    has: { 'max-forwards': '9', 'x-a': '1' },
  },
  {
    rfc: '9110 7.6.2',
    what: 'Max-Forwards of TRACE, less one, however large it is',
    sent: get(`Max-Forwards: ${'9'.repeat(30)}\r\n`).replace('GET', 'TRACE'),
    has: { 'max-forwards': '9007199254740991' },
  },
  {
    rfc: '9110 7.6.2',
    what: 'Max-Forwards that is no number, as it came',
    sent: get('Max-Forwards: -1\r\n').replace('GET', 'OPTIONS'),
    has: { 'max-forwards': '-1' },
  },
  {
    rfc: '9110 7.6.2',
    what: 'Max-Forwards of other methods, as it came',
    sent: get('Max-Forwards: 0\r\n'),
    has: { 'max-forwards': '0' },
  },
  ...[
    'a',
    'A.test:8080',
    'a.test:',
    '[::1]',
    '[::ffff:1.2.3.4]:80',
    '[v1.a:b]',
    "a%2d!$&'()*+,;=_~.test",
  ].map((host) => ({
    rfc: '9112 3.2',
    what: `the Host ${host}`,
    sent: `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    has: { host },
  })),
  { rfc: '9112 9.6', what: 'Connection: close', sent: get('Connection: close\r\n'), closes: true },
  { rfc: '9112 9.3', what: 'a connection that goes on', sent: get(), closes: false },
]

test('requests are forwarded as the RFCs have it', async (t) => {
  const { origin, weir, connect } = await proxied(t, ok('fine'))
  for (const { rfc, what, sent, status = 200, closes, target, body, has = {}, hasNot = [] } of forwarded) {
    const name = `${rfc}: ${what}`
    const client = await connect()
    await client.send(sent)
    const answer = await client.response()
    assert.equal(answer.status, status, name)
    const got = origin.requests.at(-1)!
    if (target !== undefined) assert.equal(got.target, target, name)
    if (body !== undefined) assert.equal(got.bodySha256, sha256(body), name)
    for (const [field, value] of Object.entries(has)) {
      const values = got.headers.filter(([other]) => other.toLowerCase() === field).map(([, text]) => text)
      assert.equal(values.join(', '), value, `${name}: ${field}`)
    }
    for (const field of hasNot)
      assert.ok(
        got.headers.every(([other]) => other.toLowerCase() !== field),
        `${name}: ${field}`,
      )
    if (closes === true) await client.closed()
    if (closes === false) assert.equal((await client.exchange({ target: '/again' })).status, 200, name)
    client.close()
  }
  await weir.atRest()
})

test('forwardPath "cleaned" forwards the path that was matched, and the query as it came', async (t) => {
  const { origin, fetch } = await proxied(t, ok(), {
    config: { routes: [{ path: '/api/*', forwardPath: 'cleaned', upstream: 'app' }] },
  })
  const cases = { '/x/..//api/%61?q=/../b': '/api/a?q=/../b', '/api/': '/api/', '/api%2fb': '/api/b' }
  for (const [sent, got] of Object.entries(cases)) {
    assert.equal((await fetch({ target: sent })).status, 200, sent)
    assert.equal(origin.requests.at(-1)!.target, got, sent)
  }
})

test('a target above the root is 400 on every route', async (t) => {
  const { origin, connect } = await proxied(t, ok(), {
    config: { routes: [{ path: '/isolated', respond: { status: 200 } }, { upstream: 'app' }] },
  })
  for (const target of ['/..', '/a/../../b', '/%2e%2e/isolated', '/..%2fisolated']) {
    const client = await connect()
    const answer = await client.exchange({ target })
    assert.equal(answer.status, 400, target)
    await client.closed()
  }
  assert.equal(origin.count, 0)
})

test('a fixed answer does not excuse a malformed request', async (t) => {
  const { connect } = await proxied(t, ok(), {
    config: { routes: [{ respond: { status: 200 } }] },
  })
  const malformed = [
    'GET / HTTP/1.1\r\nHost:\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a b\r\n\r\n',
    'G(E)T / HTTP/1.1\r\nHost: test\r\n\r\n',
    'GET /a#b HTTP/1.1\r\nHost: test\r\n\r\n',
    'GET /?a#b HTTP/1.1\r\nHost: test\r\n\r\n',
    'GET /\xe9 HTTP/1.1\r\nHost: test\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na',
  ]
  for (const bytes of malformed) {
    const client = await connect()
    await client.send(bytes)
    assert.equal((await client.response()).status, 400, bytes)
    await client.closed()
  }
})

test('trustedProxies: what they say about the client is kept and extended', async (t) => {
  const claims: [string, string][] = [
    ['X-Forwarded-For', '203.0.113.5'],
    ['X-Forwarded-Proto', 'https'],
    ['Forwarded', 'for=203.0.113.5'],
    ['X_Forwarded_For', '203.0.113.6'],
    ['X_Request_Id', '203.0.113.6'],
  ]
  const forwarding = { forwarded: true, via: true, requestId: true }
  for (const [trustedProxies, chain, proto] of [
    [['127.0.0.0/8'], '203.0.113.5, 127.0.0.1', 'https'],
    [['10.0.0.0/8'], '127.0.0.1', 'http'],
  ] as const) {
    const { origin, fetch } = await proxied(t, ok(), { config: { trustedProxies, forwarding } })
    await fetch({ headers: claims })
    const got = (name: string) => origin.only().headers.find(([field]) => field.toLowerCase() === name)?.[1]
    assert.equal(got('x-forwarded-for'), chain)
    assert.equal(got('x-forwarded-proto'), proto)
    assert.equal(got('x-forwarded-host'), 'test')
    assert.match(got('forwarded')!, /for=127\.0\.0\.1;host="test";proto=http$/)
    assert.equal(got('via'), '1.1 weir')
    assert.match(got('x-request-id')!, /^[0-9a-f-]{36}$/)
    assert.deepEqual([got('x_forwarded_for'), got('x_request_id')], [undefined, undefined])
  }
})

/** What ends a connection, and how the last request on it may be answered. */
const lastRequests: readonly (readonly [rfc: string, what: string, sent: string, method?: string])[] = [
  ['9112 9.6', 'close', get('Connection: close\r\n')],
  ['9112 9.6', 'close among others', get('Connection: keep-alive, Close\r\n')],
  ['9112 9.6', 'close in the second of two', get('Connection: x-a\r\nConnection: close\r\n')],
  ['9112 9.6', 'close in the first of two', get('Connection: close\r\nConnection: x-a\r\n')],
  ['9112 9.6', 'close, to a fixed answer', get('Connection: x-a, close\r\n', '/fixed')],
  ['9112 9.6', 'close, to a fixed answer without a body', get('Connection: x-a, close\r\n', '/empty')],
  ['9112 9.6', 'close, to a refusal', get('Connection: x-a, close\r\n', '/%2e%2e/x')],
  ['9112 9.6', 'close, to HEAD', `HEAD / HTTP/1.1\r\n${host}Connection: x-a, close\r\n\r\n`, 'HEAD'],
  ['9112 9.6', 'close alone, to HEAD', `HEAD / HTTP/1.1\r\n${host}Connection: close\r\n\r\n`, 'HEAD'],
  ['9112 9.6', 'close, to 204', get('Connection: x-a, close\r\n', '/none')],
  [
    '9112 9.6',
    'a body in chunks, to 204',
    post('Transfer-Encoding: chunked\r\n', '0\r\n\r\n').replace('/', '/none'),
  ],
  [
    '9112 9.6',
    'a body in chunks, to 304',
    post('Transfer-Encoding: chunked\r\n', '0\r\n\r\n').replace('/', '/same'),
  ],
  ['9112 9.6', 'close, to an answer in chunks', get('Connection: x-a, close\r\n', '/chunks')],
  ['9112 9.6', 'close, to an answer in pieces', get('Connection: x-a, close\r\n', '/pieces')],
  ['9112 9.6', 'close, to chunks in pieces', get('Connection: x-a, close\r\n', '/chunk-pieces')],
  [
    '9112 9.6',
    'close, to an answer that ends with its connection',
    get('Connection: x-a, close\r\n', '/eof'),
  ],
  ['9112 9.6', 'close, to a long answer', get('Connection: x-a, close\r\n', '/long')],
  ['9112 9.6', 'close, to a long answer in chunks', get('Connection: x-a, close\r\n', '/long-chunks')],
  ['9112 9.6', 'close, to a long fixed answer', get('Connection: x-a, close\r\n', '/long-fixed')],
  [
    '9112 9.6',
    'a body in chunks, to chunks in pieces',
    post('Transfer-Encoding: chunked\r\n', '1\r\nx\r\n0\r\n\r\n').replace('/', '/chunk-pieces'),
  ],
  [
    '9112 9.6',
    'a body in chunks, to an answer in pieces',
    post('Transfer-Encoding: chunked\r\n', '1\r\nx\r\n0\r\n\r\n').replace('/', '/pieces'),
  ],
  [
    '9112 6.3',
    'HEAD that could be read in two ways',
    `HEAD / HTTP/1.1\r\n${host}Content-Length: 0\r\nContent-Length: 30\r\n\r\n`,
    'HEAD',
  ],
  [
    '9110 15.5.15',
    'HEAD with a target too long',
    `HEAD /${'a'.repeat(9_000)} HTTP/1.1\r\n${host}\r\n`,
    'HEAD',
  ],
]

test('a connection that ends does so behind the answer, which says it', async (t) => {
  const routes = [
    { path: '/fixed', respond: { status: 200, body: 'fixed' } },
    { path: '/empty', respond: { status: 204 } },
    { path: '/long-fixed', respond: { status: 200, body: 'x'.repeat(40_000) } },
    { upstream: 'app' },
  ]
  const behaviours = {
    '*': ok(),
    '/none': respond({ status: 204 }),
    '/same': respond({ status: 304 }),
    '/chunks': chunked(['a', 'b']),
    '/pieces': inPieces(['one', 'two'], 'length'),
    '/chunk-pieces': inPieces(['one', 'two'], 'chunked'),
    '/eof': untilClose('to the end'),
    '/long': stream(300_000, 'length'),
    '/long-chunks': stream(300_000, 'chunked'),
  }
  const { connect, weir } = await proxied(t, behaviours, { config: { routes } })
  for (const [rfc, what, sent, method = 'GET'] of lastRequests) {
    const name = `${rfc}: ${what}`
    const client = await connect()
    await client.send(sent)
    const answer = await client.response({ method })
    assert.deepEqual(answer.headers('connection'), ['close'], name)
    assert.equal(answer.headers('date').length, 1, name)
    await client.request({ target: '/again' })
    await assert.rejects(
      client.response(),
      { name: /WireError/, kind: /closed|reset/ },
      `${name}: not served again`,
    )
    client.close()
  }
  await weir.atRest()
  // Nobody sends anything more. Sooner than the binding would close an idle connection, which is after 8 s at the earliest.
  const closed = lastRequests.map(async ([rfc, what, sent, method = 'GET']) => {
    const client = await connect()
    await client.send(sent)
    await client.response({ method })
    assert.deepEqual(await client.closed(7_000), { how: 'fin', unread: '' }, `${rfc}: ${what}`)
  })
  await Promise.all(closed)
})
