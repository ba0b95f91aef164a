/** Limits on what a request may have (RFC 9110, sections 15.5.14 and 15.5.15; RFC 6585, section 5). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { earlyInPieces, ok } from '../support/origin-behaviours.ts'
import { proxied } from '../support/proxied.ts'

const limits = { headBytes: '2KiB', headers: 8, targetBytes: '64B', bodyBytes: '1KiB' }
const routes = [{ path: '/isolated', respond: { status: 200 } }, { upstream: 'app' }]
const head = 'Host: test\r\n'

const cases: readonly [what: string, sent: string, status: number][] = [
  ['a target at the limit', `GET /${'x'.repeat(63)} HTTP/1.1\r\n${head}\r\n`, 200],
  ['a target above', `GET /${'x'.repeat(64)} HTTP/1.1\r\n${head}\r\n`, 414],
  ['a query above', `GET /isolated?${'x'.repeat(64)} HTTP/1.1\r\n${head}\r\n`, 414],
  ['as many headers as may be', `GET / HTTP/1.1\r\n${head}${'X-A: b\r\n'.repeat(7)}\r\n`, 200],
  ['one header more', `GET / HTTP/1.1\r\n${head}${'X-A: b\r\n'.repeat(8)}\r\n`, 431],
  [
    'one header more to a fixed answer',
    `GET /isolated HTTP/1.1\r\n${head}${'X-A: b\r\n'.repeat(8)}\r\n`,
    431,
  ],
  ['a head above', `GET / HTTP/1.1\r\n${head}X-A: ${'b'.repeat(2048)}\r\n\r\n`, 431],
  ['a body at the limit', `POST / HTTP/1.1\r\n${head}Content-Length: 1024\r\n\r\n${'a'.repeat(1024)}`, 200],
  ['a length above', `POST / HTTP/1.1\r\n${head}Content-Length: 1025\r\n\r\n`, 413],
  [
    'chunks at the limit',
    `POST / HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n400\r\n${'a'.repeat(1024)}\r\n0\r\n\r\n`,
    200,
  ],
  [
    'chunks above',
    `POST / HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n401\r\n${'a'.repeat(1025)}\r\n0\r\n\r\n`,
    413,
  ],
]

test('what is over a limit is refused with its own status, closes and reaches no origin', async (t) => {
  const { origin, weir, connect } = await proxied(t, ok(), { config: { limits, routes } })
  for (const [what, sent, status] of cases) {
    const before = origin.count
    const client = await connect()
    await client.send(sent)
    const answer = await client.response()
    assert.equal(answer.status, status, what)
    if (status !== 200) {
      await client.closed()
      assert.equal(origin.count, before, what)
    }
    client.close()
  }
  await weir.atRest()
})

test('a chunked body that passes the limit on its way is cut off with 413, and the origin has no whole one', async (t) => {
  const { origin, weir, connect } = await proxied(t, ok(), { config: { limits, routes } })
  const client = await connect()
  const chunk = `200\r\n${'a'.repeat(512)}\r\n`
  await client.send(`POST / HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`)
  await client.send(chunk)
  await client.send(chunk)
  assert.equal((await client.response()).status, 413)
  await client.closed()
  await weir.atRest()
  assert.ok(origin.requests.every(({ complete }) => !complete))
})

for (const framing of ['chunked', 'length'] as const) {
  test(`a body that passes the limit when its early answer (${framing}) is over: the worker lives on`, async (t) => {
    const { weir, connect, fetch } = await proxied(t, earlyInPieces(['too ', 'much'], framing), {
      config: { limits, routes },
    })
    const pid = weir.workerPid()
    const client = await connect()
    const chunk = `200\r\n${'a'.repeat(512)}\r\n`
    await client.send(`POST / HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`)
    await client.send('1\r\na\r\n')
    const answer = await client.response()
    assert.deepEqual([answer.status, answer.text, answer.ended], [413, 'too much', 'complete'])
    for (let count = 0; count < 4; count++) await client.send(chunk)
    await client.send('0\r\n\r\n')
    await client.closed()
    assert.equal((await fetch({ target: '/isolated' })).status, 200)
    await weir.atRest()
    assert.equal(weir.workerPid(), pid, 'the worker that began is the one that ended')
    assert.equal(weir.log.named('worker died: it will be replaced').length, 0)
  })
}
