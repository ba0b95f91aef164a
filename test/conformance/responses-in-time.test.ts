/** Responses whose bytes come one after the other: what is passed on when (RFC 9112, sections 7 and 9). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proxied } from '../support/proxied.ts'
import { type RawClient, statusOf } from '../support/raw-client.ts'
import { headerValues } from '../support/wire.ts'

test('server-sent events: each passes before the next one is sent', async (t) => {
  let release: (() => void) | null = null
  const { connect, weir } = await proxied(t, async (exchange) => {
    await exchange.head(200, [
      ['content-type', 'text/event-stream'],
      ['transfer-encoding', 'chunked'],
    ])
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      await exchange.chunk(event)
      await new Promise<void>((resolve) => {
        release = resolve
      })
    }
    await exchange.endChunks()
  })
  const client = await connect()
  await client.request()
  const events: string[] = []
  const answer = await client.response({
    // The origin sends the next event only when this one has arrived.
    onBody: (piece) => {
      events.push(piece.toString())
      release?.()
    },
  })
  assert.equal(answer.ended, 'complete')
  assert.deepEqual(events, ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n'])
  await weir.atRest()
})

/** What the origin ends with behind its interim responses, and what the client gets. */
const finals: readonly (readonly [
  what: string,
  method: string,
  bytes: string | null,
  status: number,
  text: string,
])[] = [
  ['a length', 'GET', 'HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok', 200, 'ok'],
  [
    'chunks',
    'GET',
    'HTTP/1.1 404 N\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    404,
    'ok',
  ],
  ['no fields', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 200, 'ok'],
  ['no body', 'GET', 'HTTP/1.1 204 N\r\nX-A: 1\r\n\r\n', 204, ''],
  ['HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 7\r\n\r\n', 200, ''],
  [
    'another one in the same read',
    'GET',
    'HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    200,
    'ok',
  ],
  ['nothing', 'GET', null, 502, ''],
  ['nothing, for HEAD', 'HEAD', null, 502, ''],
]

for (const [what, method, bytes, status, text] of finals) {
  test(`interim responses pass before the answer has come (RFC 8297, section 2), ${what}`, async (t) => {
    let arrived = (): void => {}
    const hints = [
      '103 Early Hints\r\nLink: </a>',
      '102 Processing',
      '103 Early Hints\r\nLink: </b>\r\nX-B: \xe9',
    ]
    const { connect, weir } = await proxied(
      t,
      async (exchange) => {
        if (exchange.path !== '/hints') return exchange.respond({ body: 'next' })
        for (const hint of hints) {
          const seen = new Promise<void>((resolve) => {
            arrived = resolve
          })
          await exchange.write(`HTTP/1.1 ${hint}\r\n\r\n`)
          await seen
        }
        if (bytes === null) exchange.reset()
        else await exchange.write(bytes)
      },
      { upstream: { retries: { attempts: 0 } } },
    )
    const client: RawClient = await connect()
    await client.request({ target: '/hints', method })
    const links: string[] = []
    for (const _ of hints) {
      const head = await client.wire.head()
      links.push(`${statusOf(head!)} ${headerValues(head!.headers, 'link')}`)
      arrived()
    }
    assert.deepEqual(links, ['103 </a>', '102 ', '103 </b>'])
    const answer = await client.response({ method })
    assert.deepEqual([answer.status, answer.ended], [status, 'complete'])
    if (status !== 502) assert.equal(answer.text, text)
    assert.match(answer.head.startLine, /^HTTP\/1\.1 \d{3} [A-Z][A-Za-z ]+$/)
    assert.equal(answer.headers('date').length, 1)
    if (status !== 502)
      assert.equal(answer.header('x-a'), what === 'no fields' || what.startsWith('another') ? undefined : '1')
    assert.equal((await client.exchange()).text, 'next', 'the connection goes on')
    await weir.atRest()
  })
}
