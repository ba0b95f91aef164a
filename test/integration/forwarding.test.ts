/** What goes through Weir goes through unchanged, but for what must change: heads. Bodies stand in bodies.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chunked, echoHead, ok, raw, respond, untilClose } from '../support/origin-behaviours.ts'
import { proxied } from '../support/proxied.ts'
import { RawClient, statusOf } from '../support/raw-client.ts'
import { type Header, headerValue, headerValues } from '../support/wire.ts'

const oddTargets = [
  '/',
  '/?',
  '/a?',
  '/a??b=?',
  '//a//b?x=%00&&y',
  '/a%2Fb/%2e%2e/c',
  '/a/../b/./c//d',
  '//evil.example/x',
  "/a;b=c,d!$&'()*+:@-._~",
  '/"<>\\^`{|}',
  '/%zz?%',
  `/${'x'.repeat(8_000)}`,
]

test('target of any shape arrives byte for byte', async (t) => {
  const { origin, fetch } = await proxied(t, ok())
  for (const target of oddTargets) assert.equal((await fetch({ target })).status, 200, target)
  assert.deepEqual(
    origin.requests.map((request) => request.target),
    oddTargets,
  )
})

test('method of any name arrives as it is', async (t) => {
  const { origin, fetch } = await proxied(t, ok())
  const methods = ['GET', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'get', 'X-Y']
  for (const method of methods) assert.equal((await fetch({ method })).status, 200, method)
  assert.deepEqual(
    origin.requests.map((request) => request.method),
    methods,
  )
})

test('request headers arrive in order with exact values, each once', async (t) => {
  const { origin, fetch } = await proxied(t, ok())
  const sent: Header[] = [
    ['Host', 'shop.example:8080'],
    ['User-Agent', 'Mozilla/5.0 (X11; Linux) "quoted" \\ back'],
    ['Accept', '*/*'],
    ['Cookie', 'a=1; b="two;three"; c='],
    ['X-Empty', ''],
    ['X-Spaces', 'in  the   middle\tand a tab'],
    ['X-Twice', 'one'],
    ['x-twice', 'two'],
    ['X_Under', 'score'],
    ['Authorization', 'Basic dXNlcjpwYXNz'],
    ['X-Long', 'v'.repeat(6_000)],
    // In the middle of ASCII: the binding cuts bytes above 0x7F off the ends of a value.
    ['X-Utf-8', bytesOf('<café €uro 日本 😀>')],
  ]
  assert.equal((await fetch({ headers: sent })).status, 200)
  const received = origin.only().headers.map(([name, value]) => [name.toLowerCase(), value])
  const expected = sent.map(([name, value]) => [name.toLowerCase(), value])
  // Host may stand elsewhere; the connection is Weir's own; X-Forwarded-* has a test of its own.
  const ours = (name: string) => name === 'host' || name === 'connection' || name.startsWith('x-forwarded-')
  assert.deepEqual(
    received.filter(([name]) => !ours(name!)),
    expected.filter(([name]) => !ours(name!)),
  )
  assert.deepEqual(headerValues(origin.only().headers, 'host'), ['shop.example:8080'])
})

test('response headers arrive in order with exact values', async (t) => {
  const sent: Header[] = [
    ['Server', 'origin/1.0 "x"'],
    ['Set-Cookie', 'a=1; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT'],
    ['X-Between', ''],
    ['set-cookie', 'b=2'],
    ['Set-Cookie', 'a=3; HttpOnly'],
    ['ETag', 'W/"x\\y"'],
    ['X-Utf-8', bytesOf('é<café €uro 日本 😀>é')],
    ['X-Latin-1', 'caf\xe9'],
    ['Vary', 'a, b'],
    ['Vary', 'c'],
  ]
  const { fetch } = await proxied(t, ok('hello', sent))
  const answer = await fetch()
  const received = answer.head.headers.map(([name, value]) => [name.toLowerCase(), value])
  assert.deepEqual(
    received.filter(([name]) => name !== 'date' && name !== 'content-length'),
    sent.map(([name, value]) => [name.toLowerCase(), value]),
  )
})

test('status of every class arrives', async (t) => {
  const { origin, fetch } = await proxied(t, ok())
  for (const status of [200, 201, 206, 299, 301, 400, 404, 418, 451, 500, 502, 503, 599]) {
    origin.use(respond({ status, body: `body of ${status}` }))
    const answer = await fetch()
    assert.deepEqual([answer.status, answer.text], [status, `body of ${status}`])
  }
})

test('hop-by-hop headers of the request stay behind', async (t) => {
  const { origin, fetch } = await proxied(t, ok())
  const answer = await fetch({
    headers: [
      ['Connection', 'keep-alive, X-Named, x-other'],
      ['X-Named', 'a'],
      ['X-Other', 'b'],
      ['X-Kept', 'c'],
      ['Keep-Alive', 'timeout=5'],
      ['TE', 'trailers'],
      ['Trailer', 'X-Sum'],
      ['Upgrade', 'h2c'],
      ['Proxy-Connection', 'keep-alive'],
    ],
  })
  assert.equal(answer.status, 200)
  const { headers } = origin.only()
  for (const name of ['x-named', 'x-other', 'keep-alive', 'te', 'trailer', 'upgrade', 'proxy-connection']) {
    assert.deepEqual(headerValues(headers, name), [], name)
  }
  assert.equal(headerValue(headers, 'x-kept'), 'c')
  assert.ok(
    !/named|other/i.test(headerValues(headers, 'connection').join()),
    'the nominations stay behind as well',
  )
})

test('Connection cannot nominate away what frames or routes the request', async (t) => {
  const { origin, fetch } = await proxied(t, ok())
  const headers: Header[] = [
    ['Host', 'shop.example'],
    ['Connection', 'host, content-length, x-forwarded-for'],
  ]
  assert.equal((await fetch({ method: 'POST', headers, body: 'hello' })).status, 200)
  const request = origin.only()
  assert.equal(headerValue(request.headers, 'host'), 'shop.example')
  assert.equal(request.bodyBytes, 5)
  assert.equal(headerValue(request.headers, 'x-forwarded-for'), '127.0.0.1')
})

test('hop-by-hop headers of the response stay behind', async (t) => {
  const hopByHop: Header[] = [
    ['Connection', 'X-Named'],
    ['X-Named', 'a'],
    ['Keep-Alive', 'timeout=60'],
    ['Trailer', 'X-Sum'],
    ['Upgrade', 'h2c'],
    ['Proxy-Connection', 'keep-alive'],
    ['TE', 'trailers'],
    ['X-Kept', 'c'],
  ]
  const { fetch } = await proxied(t, ok('hello', hopByHop))
  const answer = await fetch()
  for (const name of [
    'x-named',
    'keep-alive',
    'trailer',
    'upgrade',
    'proxy-connection',
    'te',
    'connection',
  ]) {
    assert.deepEqual(answer.headers(name), [], name)
  }
  assert.equal(answer.header('x-kept'), 'c')
})

test('X-Forwarded headers tell of this client, whatever it claims', async (t) => {
  const { origin, fetch } = await proxied(t, ok())
  const headers: Header[] = [
    ['Host', 'shop.example:8080'],
    ['X-Forwarded-For', '1.2.3.4'],
    ['x-forwarded-proto', 'https'],
    ['X-FORWARDED-HOST', 'bank.example'],
  ]
  assert.equal((await fetch({ headers })).status, 200)
  const request = origin.only()
  assert.deepEqual(headerValues(request.headers, 'x-forwarded-for'), ['127.0.0.1'])
  assert.deepEqual(headerValues(request.headers, 'x-forwarded-proto'), ['http'])
  assert.deepEqual(headerValues(request.headers, 'x-forwarded-host'), ['shop.example:8080'])
})

test('clients with several addresses, also on connections that were there first: each is told by its own', async (t) => {
  const { origin, weir } = await proxied(t, ok())
  const clients: [address: string, client: RawClient][] = []
  for (const address of ['127.0.0.1', '127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.1']) {
    const client = await RawClient.connect(weir.port, address)
    t.after(() => client.close())
    clients.push([address, client])
    for (const [, one] of clients) assert.equal((await one.exchange()).status, 200)
    assert.deepEqual(
      origin.requests.slice(-clients.length).map(({ headers }) => headerValue(headers, 'x-forwarded-for')),
      clients.map(([from]) => from),
    )
  }
})

test('HEAD answer has the length of the body it leaves out', async (t) => {
  const { origin, connect } = await proxied(t, ok('x'.repeat(1_234), [['ETag', '"x"']]))
  const client = await connect()
  for (let i = 0; i < 3; i++) {
    const answer = await client.exchange({ method: 'HEAD' })
    assert.deepEqual([answer.status, answer.headers('content-length'), answer.bodyBytes], [200, ['1234'], 0])
    assert.equal(answer.header('etag'), '"x"')
  }
  assert.equal((await client.exchange()).bodyBytes, 1_234) // nothing was left on the connection
  assert.equal(origin.connections.total, 1)
})

test('HEAD answer without a length comes without one', async (t) => {
  const { connect } = await proxied(t, chunked(['x']))
  const client = await connect()
  const answer = await client.exchange({ method: 'HEAD' })
  assert.deepEqual([answer.status, answer.headers('content-length')], [200, []])
  assert.equal((await client.exchange()).text, 'x')
})

test('204 and 304 have no body and leave the connection usable', async (t) => {
  const { connect } = await proxied(t, {
    '/204': respond({ status: 204, headers: [['x-a', 'b']] }),
    '/304': respond({
      status: 304,
      headers: [
        ['etag', '"x"'],
        ['content-length', '500'],
      ],
    }),
    '/ok': ok(),
  })
  const client = await connect()
  const none = await client.exchange({ target: '/204' })
  assert.deepEqual([none.status, none.header('x-a'), none.headers('content-length')], [204, 'b', []])
  assert.deepEqual(none.headers('transfer-encoding'), [])
  const notModified = await client.exchange({ target: '/304' })
  assert.deepEqual([notModified.status, notModified.header('etag')], [304, '"x"'])
  assert.equal((await client.exchange({ target: '/ok' })).text, 'ok')
})

test('Date stands in every answer exactly once, and who made Weir in none', async (t) => {
  const { fetch } = await proxied(
    t,
    {
      '/with': ok('x', [['Date', 'Wed, 21 Oct 2015 07:28:00 GMT']]),
      '/chunked': chunked(['x'], [['date', 'Wed, 21 Oct 2015 07:28:00 GMT']]),
      '/without': ok('x'),
      '/204': respond({ status: 204, headers: [['DATE', 'Wed, 21 Oct 2015 07:28:00 GMT']] }),
    },
    {
      config: {
        routes: [
          { path: '/respond', respond: { status: 200 } },
          { path: '/none', respond: { status: 404 } },
          { upstream: 'app' },
        ],
      },
    },
  )
  for (const target of ['/with', '/chunked', '/without', '/204', '/respond', '/none']) {
    for (const method of ['GET', 'HEAD']) {
      const answer = await fetch({ method, target })
      assert.equal(answer.headers('date').length, 1, `${method} ${target}`)
      assert.ok(!/uwebsockets/i.test(answer.head.raw.toString('latin1')), `${method} ${target}`)
    }
  }
})

test('framing headers stand in an answer exactly once', async (t) => {
  const { fetch } = await proxied(t, {
    '/length': ok('hello'),
    '/empty': ok(''),
    '/chunked': chunked(['hello']),
  })
  for (const [target, length, encoding] of [
    ['/length', ['5'], []],
    ['/empty', ['0'], []],
    ['/chunked', [], ['chunked']],
  ] as const) {
    const answer = await fetch({ target })
    assert.deepEqual(answer.headers('content-length'), length, target)
    assert.deepEqual(answer.headers('transfer-encoding'), encoding, target)
  }
})

test('interim responses are passed on and not taken for the answer', async (t) => {
  const early = 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n'
  const { connect } = await proxied(t, raw(`${early}HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello`))
  const client = await connect()
  for (let i = 0; i < 2; i++) {
    const answer = await client.exchange()
    assert.equal(answer.text, 'hello')
    assert.deepEqual(answer.interim.map(statusOf), [103, 102])
    assert.deepEqual(headerValues(answer.interim[0]!.headers, 'link'), ['</x>'])
  }
})

test('answer without framing ends well and whole', async (t) => {
  const { fetch } = await proxied(t, untilClose('until the end'))
  const answer = await fetch()
  assert.deepEqual([answer.status, answer.text, answer.ended], [200, 'until the end', 'complete'])
})

test('connections are kept on both sides', async (t) => {
  const { origin, connect } = await proxied(t, echoHead)
  const client = await connect()
  for (let i = 0; i < 20; i++)
    assert.match((await client.exchange({ target: `/${i}` })).text, new RegExp(`^GET /${i} `))
  assert.equal(origin.connections.total, 1)
})

test('Connection: close of the client closes its connection and not the origin’s', async (t) => {
  const { origin, connect, fetch } = await proxied(t, ok())
  const client = await connect()
  const last = await client.exchange({ headers: [['Connection', 'close']] })
  assert.deepEqual(last.headers('connection'), ['close'], 'and says so (RFC 9112, section 9.6)')
  await client.closed()
  await fetch()
  assert.equal(origin.connections.total, 1)
})

test('an answer to Connection: close says that it is the last, whoever gives it', async (t) => {
  const routes = [
    { path: '/fixed', respond: { status: 200, body: 'ok' } },
    { path: '/app/*', upstream: 'app' },
  ]
  const { connect } = await proxied(t, chunked(['a', 'b'.repeat(20_000)]), { config: { routes } })
  for (const target of ['/fixed', '/app/chunked', '/none']) {
    for (const value of ['close', 'x-a, Close']) {
      const client = await connect()
      const answer = await client.exchange({ target, headers: [['Connection', value]] })
      assert.deepEqual(answer.headers('connection'), ['close'], `${target} ${value}`)
      await client.closed()
    }
    const kept = await connect()
    const answer = await kept.exchange({ target, headers: [['Connection', 'keep-alive']] })
    assert.deepEqual(answer.headers('connection'), [], target)
  }
})

/** UTF-8 text as the byte string that goes on the wire. */
function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
