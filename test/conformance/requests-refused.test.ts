/**
 * Requests that end at Weir, and what it says to them, after RFC 9110, 9112 and 6455. What two servers could read in two ways stands
 * in ../integration/refusals.test.ts too.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { ok, raw, respond } from '../support/origin-behaviours.ts'
import { proxied } from '../support/proxied.ts'

const host = 'Host: test\r\n'
const get = (headers = '', target = '/') => `GET ${target} HTTP/1.1\r\n${host}${headers}\r\n`
const post = (headers: string, body: string) => `POST / HTTP/1.1\r\n${host}${headers}\r\n${body}`
const sha256 = (text: string) => createHash('sha256').update(text, 'latin1').digest('hex')

const upgrade = 'Upgrade: websocket\r\nConnection: Upgrade\r\n'
const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
const version = 'Sec-WebSocket-Version: 13\r\n'

const refused: readonly (readonly [rfc: string, what: string, sent: string, status: number])[] = [
  ...[
    ...[
      'a:b',
      'a:80:80',
      ':80',
      'a:+80',
      '::1',
      '[::1',
      '[::1]x',
      '[::1]:x',
      '[zz]',
      '[]',
      '[1.2.3.4]',
      '[[::1]]',
    ],
    ...['[::1%25lo]', 'a[b]', 'a]b', 'a%', 'a%zz', 'a|b', '"a"', '\xe9', 'a\xe9b'],
  ].map((host) => ['9112 3.2', `the Host ${host}`, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 400] as const),
  ['9110 5.5', 'the second of two values, which is not UTF-8', get('X-A: a\r\nX-A: a\xe9b\r\n'), 400],
  ['9110 10.1.1', 'an unknown expectation', post('Expect: x\r\nContent-Length: 1\r\n', 'a'), 417],
  [
    '9110 10.1.1',
    'an unknown expectation among others',
    post('Expect: 100-continue, x=y\r\nContent-Length: 1\r\n', 'a'),
    417,
  ],
  ['9112 3', 'a target of 32 KiB', get('', `/${'a'.repeat(32_767)}`), 414],
  ['6585 5', 'a head of 32 KiB', get(`X-A: ${'a'.repeat(32_768)}\r\n`), 431],
  ['6455 4.2.1', 'a WebSocket without a key', get(upgrade + version), 400],
  ['6455 4.2.1', 'a WebSocket with a short key', get(`${upgrade + version}Sec-WebSocket-Key: x\r\n`), 400],
  [
    '6455 4.2.1',
    'a WebSocket with a key of another alphabet',
    get(`${upgrade + version}Sec-WebSocket-Key: ${'!'.repeat(24)}\r\n`),
    400,
  ],
  [
    '6455 4.2.1',
    'a WebSocket with a key of 18 bytes',
    get(`${upgrade + version}Sec-WebSocket-Key: ${'a'.repeat(24)}\r\n`),
    400,
  ],
  ['6455 11.3.1', 'a WebSocket with two keys', get(upgrade + version + key + key), 400],
  [
    '6455 11.3.5',
    'a WebSocket with two versions',
    get(`${upgrade + version + key}Sec-WebSocket-Version: 8\r\n`),
    400,
  ],
  ['6455 4.4', 'a WebSocket of version 8', get(`${upgrade + key}Sec-WebSocket-Version: 8\r\n`), 426],
]

test('what must not be forwarded is refused, closes and reaches no origin', async (t) => {
  const { origin, weir, connect } = await proxied(t, ok())
  for (const [rfc, what, sent, status] of refused) {
    const name = `${rfc}: ${what}`
    const client = await connect()
    await client.send(sent)
    assert.equal((await client.response()).status, status, name)
    assert.equal((await client.closed()).unread, '', name)
    assert.deepEqual(origin.requests, [], name)
  }
  await weir.atRest()
})

test('RFC 9110, 7.6.2: with Max-Forwards 0 the request ends here', async (t) => {
  const routes = [{ path: '/isolated', respond: { status: 403 } }, { upstream: 'app' }]
  const { origin, weir, connect } = await proxied(t, ok(), { config: { routes } })
  for (const [method, target, status] of [
    ['OPTIONS', '/', 200],
    ['OPTIONS', '/isolated', 403],
    ['TRACE', '/', 501],
  ] as const) {
    const client = await connect()
    for (const value of ['0', '000']) {
      const answer = await client.exchange({ method, target, headers: [['Max-Forwards', value]] })
      assert.deepEqual([answer.status, answer.header('content-length')], [status, '0'], method)
    }
  }
  assert.deepEqual(origin.requests, [])
  await weir.atRest()
})

test('RFC 9110, 10.1.1: 100 Continue comes for the expectation in any case, before the body and not by itself', async (t) => {
  const behaviours = {
    '*': ok('fine'),
    '/bare': respond({ status: 204 }),
    '/hint': raw('HTTP/1.1 103 E\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhinted'),
  }
  const { origin, weir, connect } = await proxied(t, behaviours, {
    config: { limits: { bodyBytes: '1KiB' } },
  })
  for (const expectation of ['100-continue', '100-Continue', '100-CONTINUE'])
    for (const [target, framing, body, status, text] of [
      ['/', 'Content-Length: 3', 'abc', 200, 'fine'],
      ['/', 'Transfer-Encoding: chunked', '3\r\nabc\r\n0\r\n\r\n', 200, 'fine'],
      ['/bare', 'Content-Length: 3', 'abc', 204, ''],
      ['/hint', 'Content-Length: 3', 'abc', 200, 'hinted'],
      ['/', 'Transfer-Encoding: chunked', `800\r\n${'a'.repeat(2_048)}\r\n0\r\n\r\n`, 413, null],
    ] as const) {
      const name = `${expectation} ${target} ${framing} ${status}`
      const client = await connect()
      await client.send(`POST ${target} HTTP/1.1\r\n${host}Expect: ${expectation}\r\n${framing}\r\n\r\n`)
      assert.equal((await client.wire.head())?.raw.toString(), 'HTTP/1.1 100 Continue\r\n\r\n', name)
      await client.send(body)
      const answer = await client.response()
      assert.equal(answer.status, status, name)
      if (text !== null) assert.equal(answer.text, text, name)
      if (status === 200) assert.equal(origin.requests.at(-1)!.bodySha256, sha256('abc'), name)
      client.close()
    }
  await weir.atRest()
})
