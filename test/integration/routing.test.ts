/** Which upstream or fixed answer a request gets, and what Weir's own answers look like. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startOrigin } from '../support/origin.ts'
import { ok } from '../support/origin-behaviours.ts'
import { proxied, upstreamOf } from '../support/proxied.ts'
import { type ClientResponse, fetchRaw, RawClient } from '../support/raw-client.ts'
import { startWeir } from '../support/weir.ts'
import { headerValue } from '../support/wire.ts'

const json = /^application\/json(;|$)/
const plain = /^text\/plain(;|$)/

/** Weir with an upstream for each letter that answers with that letter. Gives `host target -> answer`. */
async function routed(t: TestContext, letters: string, routes: readonly object[]) {
  const upstreams: Record<string, unknown> = {}
  for (const letter of letters) upstreams[letter] = upstreamOf([await startOrigin(t, ok(letter))])
  const weir = await startWeir(t, { upstreams, routes })
  return async (host: string, target: string): Promise<string> => {
    const { status, text } = await fetchRaw(weir.port, { target, headers: [['Host', host]] })
    return status === 200 ? text : String(status)
  }
}

test('host exact, wildcard and any; the first route that matches wins', async (t) => {
  const answer = await routed(t, 'abcd', [
    { host: 'shop.example', upstream: 'a' },
    { host: '*.shop.example', upstream: 'b' },
    { host: 'api.shop.example', upstream: 'c' },
    { upstream: 'd' },
  ])
  assert.equal(await answer('shop.example', '/'), 'a')
  assert.equal(await answer('shop.example:8080', '/x?y'), 'a')
  assert.equal(await answer('SHOP.Example', '/'), 'a')
  assert.equal(await answer('www.shop.example', '/'), 'b')
  assert.equal(await answer('a.b.shop.example:80', '/'), 'b')
  assert.equal(await answer('api.shop.example', '/'), 'b')
  assert.equal(await answer('notshop.example', '/'), 'd')
  assert.equal(await answer('shop.example.evil', '/'), 'd')
  assert.equal(await answer('[::1]:8080', '/'), 'd')
})

test('path exact, prefix and any; the query does not count, and no spelling slips past', async (t) => {
  const answer = await routed(t, 'abc', [
    { path: '/exact', upstream: 'a' },
    { path: '/api/*', upstream: 'b' },
    { upstream: 'c' },
  ])
  assert.equal(await answer('x', '/exact'), 'a')
  assert.equal(await answer('x', '/exact?q=/api/'), 'a')
  assert.equal(await answer('x', '/exact/'), 'c')
  assert.equal(await answer('x', '/Exact'), 'c')
  assert.equal(await answer('x', '/api'), 'b')
  assert.equal(await answer('x', '/api?x'), 'b')
  assert.equal(await answer('x', '/api/'), 'b')
  assert.equal(await answer('x', '/api/v1/users'), 'b')
  assert.equal(await answer('x', '/apis'), 'c')
  for (const spelling of [
    '//api/',
    '/./api/x',
    '/x/../api/x',
    '/%61pi/x',
    '/api%2fx',
    '/x/%2e%2E/api',
    '/%2e/api',
    '/api\\x',
    '/x\\..\\api\\x',
    '/api%5cx',
    '/%5Capi',
  ]) {
    assert.equal(await answer('x', spelling), 'b', spelling)
  }
  assert.equal(await answer('x', '/api/../other'), 'c')
  assert.equal(await answer('x', '/api//../other'), 'c', 'empty segments are merged first')
})

test('backslash, escaped or not: a slash to a route, forwarded as it came, or as a slash where the path is cleaned', async (t) => {
  const { origin, fetch } = await proxied(t, ok(), {
    config: {
      routes: [
        { path: '/admin/*', upstream: 'app', access: { deny: ['127.0.0.0/8'] } },
        { path: '/clean/*', upstream: 'app', forwardPath: 'cleaned' },
        { upstream: 'app' },
      ],
    },
  })
  const status = async (target: string) => (await fetch({ target })).status
  for (const guarded of [
    '/admin\\secret',
    '/x\\..\\admin\\secret',
    '/x/..\\admin/secret?q=\\',
    '/admin%5csecret',
    '/%5Cadmin/secret',
  ])
    assert.equal(await status(guarded), 403, guarded)
  // Two paths to two servers: whichever one is guarded, the other is not.
  for (const doubtful of ['/x%5c..%5cadmin', '/admin/x%5c..%5c..%5cy', '/x/a%5cb/../../admin'])
    assert.equal(await status(doubtful), 400, doubtful)
  assert.equal(await status('/x\\y?q=\\'), 200)
  assert.equal(await status('/clean\\x\\..\\y?q=\\'), 200)
  assert.equal(await status('/x%5cy?q=%5c..%5c'), 200)
  assert.equal(await status('/clean/x%5Cy'), 200)
  assert.deepEqual(
    origin.requests.map(({ target }) => target),
    ['/x\\y?q=\\', '/clean/y?q=\\', '/x%5cy?q=%5c..%5c', '/clean/x/y'],
  )
})

test('host in another spelling does not slip past its route, and is forwarded as it came', async (t) => {
  const { origin, fetch } = await proxied(t, ok(), {
    config: {
      routes: [
        { host: 'admin.example', upstream: 'app', access: { deny: ['127.0.0.0/8'] } },
        { host: 'shop.example', upstream: 'app' },
        { path: '/all', upstream: 'app' },
      ],
    },
  })
  const status = async (host: string, target = '/', more: [string, string][] = []) =>
    (await fetch({ target, headers: [['Host', host], ...more] })).status
  const handshake: [string, string][] = [
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ]
  for (const host of ['admin.example', '%61dmin.example', '%41DMIN%2eexample.:80', 'adm%C2%ADin.example']) {
    assert.equal(await status(host, '/all'), 403, host)
    assert.equal(await status(host, '/all', handshake), 403, `${host}, WebSocket`)
  }
  assert.equal(await status('%zzadmin.example', '/all'), 400)
  assert.equal(await status('%73hop.example:80'), 200)
  assert.equal(await status('sho%70.exampl'), 404)
  assert.equal(headerValue(origin.only().headers, 'host'), '%73hop.example:80')
})

test('host and path of a route must both match', async (t) => {
  const answer = await routed(t, 'ab', [
    { host: 'a.example', path: '/only', upstream: 'a' },
    { host: 'b.example', path: '/b/*', upstream: 'b' },
  ])
  assert.equal(await answer('a.example', '/only'), 'a')
  assert.equal(await answer('a.example', '/b/'), '404')
  assert.equal(await answer('b.example', '/b/'), 'b')
  assert.equal(await answer('b.example', '/only'), '404')
  assert.equal(await answer('c.example', '/only'), '404')
})

test('upstream alone and no routes: everything goes to it', async (t) => {
  const { fetch } = await proxied(t, ok('all'))
  assert.equal((await fetch({ target: '/anything', headers: [['Host', 'any.example']] })).text, 'all')
})

test('respond route answers by itself, whatever the method, and keeps the connection', async (t) => {
  const { origin, connect } = await proxied(t, ok(), {
    config: {
      routes: [
        { path: '/isolated', respond: { status: 200 } },
        { path: '/gone', respond: { status: 410, headers: { 'X-Why': 'moved on' }, body: 'gone\n' } },
        { path: '/empty', respond: { status: 204 } },
        { upstream: 'app' },
      ],
    },
  })
  const client = await connect()
  const isolated = await client.exchange({ target: '/isolated' })
  assert.deepEqual([isolated.status, isolated.text, isolated.headers('content-length')], [200, '', ['0']])
  const gone = await client.exchange({ method: 'DELETE', target: '/gone?x' })
  assert.deepEqual([gone.status, gone.text, gone.header('x-why')], [410, 'gone\n', 'moved on'])
  const head = await client.exchange({ method: 'HEAD', target: '/gone' })
  assert.deepEqual([head.status, head.headers('content-length'), head.bodyBytes], [410, ['5'], 0])
  const posted = await client.exchange({ method: 'POST', target: '/gone', body: 'a body that nobody wants' })
  assert.equal(posted.status, 410)
  const again = posted.header('connection') === 'close' ? await connect() : client
  assert.equal((await again.exchange({ target: '/empty' })).status, 204)
  assert.equal(origin.count, 0)
})

test('no route is 404 and leaves the connection usable', async (t) => {
  const { origin, connect } = await proxied(t, ok(), {
    config: { routes: [{ path: '/known', upstream: 'app' }] },
  })
  const client = await connect()
  const answer = await client.exchange({ target: '/unknown' })
  assert.equal(answer.status, 404)
  assert.equal(JSON.parse(answer.text).error, 'no_route')
  assert.equal((await client.exchange({ target: '/known' })).status, 200)
  assert.equal(origin.count, 1)
})

test('error body is JSON unless the client does not take it', async (t) => {
  const { connect } = await proxied(t, ok(), { config: { routes: [{ path: '/known', upstream: 'app' }] } })
  const client = await connect()
  const ask = (accept: string | null) =>
    client.exchange({ target: '/unknown', headers: accept === null ? [] : [['Accept', accept]] })
  for (const accept of [
    null,
    '*/*',
    'application/json',
    'text/html, application/json;q=0.5',
    'application/*',
  ]) {
    const answer = await ask(accept)
    assertJson(answer, `Accept: ${accept}`)
  }
  for (const accept of ['text/plain', 'text/html', 'image/png, text/*', 'text/html, application/json;q=0']) {
    const answer = await ask(accept)
    assert.match(answer.header('content-type') ?? '', plain, `Accept: ${accept}`)
    assert.match(answer.text, /no route/, `Accept: ${accept}`)
    assert.throws(() => JSON.parse(answer.text))
  }
})

test('error answer to HEAD has a length and no body', async (t) => {
  const { connect } = await proxied(t, ok(), { config: { routes: [{ path: '/known', upstream: 'app' }] } })
  const client = await connect()
  const head = await client.exchange({ method: 'HEAD', target: '/unknown' })
  const get = await client.exchange({ target: '/unknown' })
  assert.deepEqual([head.status, head.bodyBytes], [404, 0])
  assert.deepEqual(head.headers('content-length'), get.headers('content-length'))
})

test('several listeners carry the same routes', async (t) => {
  const origin = await startOrigin(t, ok('same'))
  const host = '127.0.0.1'
  const weir = await startWeir(t, {
    listen: [
      { host, port: 0 },
      { host, port: 0 },
    ],
    upstreams: { app: upstreamOf([origin]) },
  })
  assert.equal(weir.ports.length, 2)
  for (const port of weir.ports) assert.equal((await fetchRaw(port)).text, 'same')
})

test('smallest configuration: a port and an array of URLs', async (t) => {
  const origin = await startOrigin(t, ok('small'))
  const weir = await startWeir(t, { listen: 0, upstreams: { app: [origin.url] } })
  const client = await RawClient.connect(weir.port)
  t.after(() => client.close())
  assert.equal((await client.exchange()).text, 'small')
})

function assertJson(answer: ClientResponse, what: string): void {
  assert.match(answer.header('content-type') ?? '', json, what)
  assert.equal(JSON.parse(answer.text).error, 'no_route', what)
  assert.deepEqual(answer.headers('content-length'), [String(answer.bodyBytes)], what)
}
