/**
 * Answers that are over before the client's upload is: closing at once would reset the connection, and a client that is still sending
 * would lose the answer with it (RFC 9112, section 9.6). The rest of the upload is taken and dropped, for a while; then the connection is closed.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { bytes } from '../support/bytes.ts'
import type { Behaviour } from '../support/origin.ts'
import { silent } from '../support/origin-behaviours.ts'
import type { Response } from '../support/origin-exchange.ts'
import { type ProxiedOptions, proxied } from '../support/proxied.ts'
import type { ClientResponse, RawClient } from '../support/raw-client.ts'
import { waitFor } from '../support/wait.ts'

const uploadBytes = 1_000_000
const firstBytes = 50_000
const length = `content-length: ${uploadBytes}\r\n`

/** The whole answer in one write, as soon as the head of the request is there; its body is read all the same, behind the answer. */
function early(response: Response): Behaviour {
  return async (exchange) => {
    exchange.closing = true
    await exchange.respond({ status: 413, ...response })
    await exchange.drain()
  }
}

/** 413 of a length that only the end of the connection tells. */
const earlyUntilClose: Behaviour = async (exchange) => {
  await exchange.write('HTTP/1.1 413 Too Much\r\nconnection: close\r\n\r\ntoo much')
  exchange.finish()
}

/** RST, with the first of the body. */
const earlyReset: Behaviour = async (exchange) => {
  for await (const _ of exchange.body()) return exchange.reset()
}

interface Case {
  readonly what: string
  readonly origin: Behaviour
  readonly options?: ProxiedOptions
  /** Of the request, in place of `length`. */
  readonly head?: string
  /** That of the answer; Weir's own bodies are looked at by what they contain. */
  readonly status?: number
  readonly body: RegExp
  readonly contentLength?: string
  /** The upload comes in chunks. */
  readonly chunked?: true
}

const cases: readonly Case[] = [
  { what: 'of known length', origin: early({ body: 'too much' }), body: /^too much$/, contentLength: '8' },
  { what: 'of one byte', origin: early({ body: 'x' }), body: /^x$/ },
  { what: 'of no bytes', origin: early({ body: '' }), body: /^$/, contentLength: '0' },
  { what: 'that ends with its connection', origin: earlyUntilClose, body: /^too much$/ },
  { what: 'without a body', origin: early({ status: 204 }), status: 204, body: /^$/ },
  {
    what: 'to a client that closes itself',
    origin: early({ body: 'too much' }),
    head: `connection: close\r\n${length}`,
    body: /^too much$/,
    contentLength: '8',
  },
  {
    what: "of Weir's own, by the length",
    origin: silent,
    options: { config: { limits: { bodyBytes: '900KiB' } } },
    head: 'content-length: 1000000\r\n',
    body: /body_too_large/,
  },
  {
    what: "of Weir's own, to a client that closes itself",
    origin: silent,
    options: { config: { limits: { bodyBytes: '900KiB' } } },
    head: 'connection: close\r\ncontent-length: 1000000\r\n',
    body: /body_too_large/,
  },
  {
    what: "of Weir's own, on its way",
    origin: earlyReset,
    status: 502,
    body: /endpoint_reset/,
  },
]

const fixed = { path: '/', respond: { status: 413, body: 'fixed' } }
const withoutEndpoint: readonly Case[] = [
  {
    what: 'where no route is',
    origin: silent,
    options: { config: { routes: [{ path: '/x', upstream: 'app' }] } },
    status: 404,
    body: /no_route/,
    chunked: true,
  },
  {
    what: 'that is fixed',
    origin: silent,
    options: { config: { routes: [fixed, { upstream: 'app' }] } },
    body: /^fixed$/,
    chunked: true,
  },
  {
    what: 'that is fixed, to a client that closes itself',
    origin: silent,
    options: { config: { routes: [fixed, { upstream: 'app' }] } },
    head: `connection: close\r\n${length}`,
    body: /^fixed$/,
    contentLength: '5',
  },
  {
    what: 'that is fixed, long, to a client that closes itself',
    origin: silent,
    options: {
      config: {
        routes: [{ path: '/', respond: { status: 413, body: 'y'.repeat(40_000) } }, { upstream: 'app' }],
      },
    },
    head: `connection: close\r\n${length}`,
    body: /^y{40000}$/,
    contentLength: '40000',
  },
  {
    what: 'that is fixed, without a body',
    origin: silent,
    options: { config: { routes: [{ path: '/', respond: { status: 204 } }, { upstream: 'app' }] } },
    status: 204,
    body: /^$/,
    chunked: true,
  },
  {
    what: 'that forbids',
    origin: silent,
    options: { config: { access: { deny: ['127.0.0.1'] } } },
    status: 403,
    body: /forbidden/,
    chunked: true,
  },
  {
    what: 'that leads to https',
    origin: silent,
    options: { config: { listen: { host: '127.0.0.1', port: 0, redirectToHttps: true } } },
    status: 308,
    body: /^$/,
    contentLength: '0',
  },
]

/** One piece of the upload. */
function piece({ chunked }: Case, count: number): Buffer {
  if (chunked === undefined) return bytes(count)
  return Buffer.concat([Buffer.from(`${count.toString(16)}\r\n`), bytes(count), Buffer.from('\r\n')])
}

async function begin(t: TestContext, each: Case) {
  const { origin, options, chunked } = each
  const { head = chunked === undefined ? length : 'transfer-encoding: chunked\r\n' } = each
  const all = await proxied(t, origin, options)
  const upload = async (client: RawClient): Promise<ClientResponse> => {
    await client.send(`POST / HTTP/1.1\r\nhost: test\r\n${head}\r\n`)
    await client.send(piece(each, firstBytes))
    return client.response({ method: 'POST' })
  }
  return { ...all, upload }
}

for (const each of [...cases, ...withoutEndpoint]) {
  const { what, status = 413, body, contentLength } = each
  test(`answer ${what} before the end of the upload: the rest is taken, then the connection is closed, and nothing more is served`, async (t) => {
    const { connect, origin, weir, upload } = await begin(t, each)
    const [own, other] = [await connect(), await connect()]
    for (const client of [own, other]) {
      const answer = await upload(client)
      assert.deepEqual([answer.status, answer.ended], [status, 'complete'])
      assert.match(answer.text, body)
      assert.equal(answer.header('connection'), 'close')
      if (contentLength !== undefined) assert.equal(answer.header('content-length'), contentLength)
    }
    for (const client of [own, other]) {
      for (let sent = firstBytes; sent < uploadBytes; sent += 50_000) {
        assert.ok(await client.send(piece(each, 50_000)), `still taken behind ${sent} bytes`)
      }
    }
    if (each.chunked) for (const client of [own, other]) await client.send('0\r\n\r\n')
    await other.request()
    assert.equal((await other.closed()).unread, '', 'another request is not served')
    assert.deepEqual(await own.closed(), { how: 'fin', unread: '' })
    await weir.waitForStats(({ connections }) => connections === 0, 'no connection left')
    await weir.atRest()
    assert.ok(origin.count <= 2)
  })
}

test('client that stops its upload at an early answer: its connection is closed all the same', async (t) => {
  const { connect, weir, upload } = await begin(t, cases[0] as Case)
  const silent = await connect()
  assert.equal((await upload(silent)).status, 413)
  await silent.closed(20_000)
  await weir.waitForStats(({ connections }) => connections === 0, 'no connection left')
})

test('client that waits for 100 Continue and is refused: its connection is closed at once', async (t) => {
  const { connect } = await proxied(t, silent, { config: { limits: { bodyBytes: '1KiB' } } })
  const client = await connect()
  // Not in lower case, where the binding answers by itself before it asks.
  await client.send(`POST / HTTP/1.1\r\nhost: test\r\nexpect: 100-Continue\r\n${length}\r\n`)
  assert.equal((await client.response()).status, 413)
  await client.closed(5_000)
})

for (const [whose, each] of [
  ["Weir's own", cases.find(({ what }) => what === "of Weir's own, by the length") as Case],
  ["an endpoint's", cases[0] as Case],
] as const) {
  test(`early answer of ${whose} behind others that the client has not read: whole`, async (t) => {
    const { connect, weir } = await begin(t, {
      ...each,
      options: {
        config: {
          ...each.options?.config,
          routes: [
            { path: '/fixed', respond: { status: 200, body: 'x'.repeat(12_000) } },
            { upstream: 'app' },
          ],
        },
      },
    })
    const client = await connect()
    client.wire.socket.pause()
    const many = 800
    await client.send('GET /fixed HTTP/1.1\r\nhost: test\r\n\r\n'.repeat(many))
    await client.send(`POST / HTTP/1.1\r\nhost: test\r\n${each.head ?? length}\r\n`)
    await client.send(bytes(1_000))
    // All of it has been understood; nothing has been read.
    await weir.waitForStats(({ inFlight }) => inFlight === 0, 'all to be answered')
    client.wire.socket.resume()
    for (let count = 0; count < many; count++) assert.equal((await client.response()).status, 200)
    const answer = await client.response()
    assert.deepEqual([answer.status, answer.ended], [413, 'complete'])
    assert.match(answer.text, each.body)
  })
}

test('long fixed answer behind others that the client has not read, to one that still sends: whole, then closed, and nothing more is served', async (t) => {
  const { connect, weir } = await proxied(t, silent, {
    config: {
      routes: [
        { path: '/fixed', respond: { status: 200, body: 'x'.repeat(12_000) } },
        { path: '/long', respond: { status: 413, body: 'y'.repeat(60_000) } },
        { upstream: 'app' },
      ],
    },
  })
  const client = await connect()
  client.wire.socket.pause()
  const many = 800
  await client.send('GET /fixed HTTP/1.1\r\nhost: test\r\n\r\n'.repeat(many))
  await client.send('POST /long HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n')
  const isAnswered = async () => (await weir.stats())[0]?.outcomes.responded === many + 1
  await waitFor(isAnswered, { what: 'all to be answered', everyMs: 20 })
  await client.send('0\r\n\r\n')
  client.wire.socket.resume()
  for (let count = 0; count < many; count++) assert.equal((await client.response()).status, 200)
  const answer = await client.response()
  assert.deepEqual([answer.status, answer.ended, answer.header('connection')], [413, 'complete', 'close'])
  assert.equal(answer.text, 'y'.repeat(60_000))
  await client.request()
  assert.equal((await client.closed(20_000)).unread, '', 'another request is not served')
  await weir.waitForStats(({ connections }) => connections === 0, 'no connection left')
  await weir.atRest()
})
