/** Bodies of every framing and size, both ways. The gigabyte stands in transfer.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, sha256, streamSha256 } from '../support/bytes.ts'
import type { Behaviour } from '../support/origin.ts'
import {
  chunked,
  delayed,
  earlyInPieces,
  echoBody,
  ok,
  respond,
  sink,
  stream,
} from '../support/origin-behaviours.ts'
import { proxied } from '../support/proxied.ts'
import { Gate, waitFor } from '../support/wait.ts'
import { headerValue, headerValues } from '../support/wire.ts'

const small = 5
const large = 5_000_000

/** A body of `total` bytes in pieces of uneven sizes, for chunked uploads. */
function pieces(total: number): Buffer[] {
  const body = bytes(total)
  const parts: Buffer[] = []
  for (let at = 0, size = 1; at < total; at += size, size = (size * 7) % 70_001)
    parts.push(body.subarray(at, at + size))
  return parts
}

test('response of each framing and size arrives whole on one connection', async (t) => {
  const sizes = [0, 1, 15_999, 16_000, 16_001, 65_536, large]
  const { connect } = await proxied(
    t,
    Object.fromEntries(
      sizes.flatMap((size) => [
        [`/length/${size}`, stream(size, 'length')],
        [`/chunked/${size}`, stream(size, 'chunked')],
      ]),
    ),
  )
  const client = await connect()
  for (const size of sizes) {
    for (const framing of ['length', 'chunked']) {
      const answer = await client.exchange({ target: `/${framing}/${size}` })
      assert.deepEqual(
        [answer.bodyBytes, answer.sha256, answer.ended],
        [size, streamSha256(size), 'complete'],
        `${framing} ${size}`,
      )
    }
  }
})

test('response in many tiny chunks arrives whole', async (t) => {
  const { fetch } = await proxied(t, chunked(Array.from({ length: 5_000 }, (_, i) => `${i},`)))
  const answer = await fetch()
  assert.equal(answer.text, Array.from({ length: 5_000 }, (_, i) => `${i},`).join(''))
})

test('first bytes of a response do not wait for the rest', async (t) => {
  const { origin, connect } = await proxied(t, async (exchange) => {
    await exchange.head(200, [['transfer-encoding', 'chunked']])
    await exchange.chunk('first')
    await exchange.closed // the rest never comes
  })
  const client = await connect()
  await client.request()
  let first = ''
  const response = client.response({
    onBody: (piece) => {
      first = piece.toString()
      client.close()
    },
  })
  await response
  assert.equal(first, 'first')
  assert.equal(origin.count, 1)
})

for (const [size, name] of [
  [0, 'empty'],
  [small, 'small'],
  [large, 'large'],
] as const) {
  test(`${name} upload with Content-Length arrives whole, with its length`, async (t) => {
    const { origin, fetch } = await proxied(t, sink())
    const answer = await fetch({ method: 'POST', body: bytes(size) })
    assert.equal(answer.text, `${size} ${streamSha256(size)}`)
    assert.deepEqual(headerValues(origin.only().headers, 'content-length'), [String(size)])
    assert.deepEqual(headerValues(origin.only().headers, 'transfer-encoding'), [])
  })

  test(`${name} chunked upload arrives whole, framed once`, async (t) => {
    const { origin, fetch } = await proxied(t, sink())
    const answer = await fetch({ method: 'POST', body: pieces(size) })
    assert.equal(answer.text, `${size} ${streamSha256(size)}`)
    const { headers } = origin.only()
    const framings = [
      ...headerValues(headers, 'content-length'),
      ...headerValues(headers, 'transfer-encoding'),
    ]
    assert.equal(framings.length, 1, `framed by ${framings}`)
  })
}

test('POST without body or framing arrives as one without body', async (t) => {
  const { origin, connect } = await proxied(t, ok())
  const client = await connect()
  await client.send('POST / HTTP/1.1\r\nhost: test\r\n\r\n')
  assert.equal((await client.response()).status, 200)
  assert.deepEqual([origin.only().bodyBytes, origin.only().complete], [0, true])
})

test('body of GET and DELETE arrives and the connection to the origin is kept', async (t) => {
  const { origin, fetch } = await proxied(t, sink())
  for (const method of ['GET', 'DELETE', 'OPTIONS']) {
    for (const body of ['hello', ['hel', 'lo']]) {
      assert.equal((await fetch({ method, body })).text, `5 ${sha256('hello')}`, method)
    }
  }
  assert.equal(origin.connections.total, 1)
})

test('upload in single bytes arrives whole', async (t) => {
  const { connect } = await proxied(t, sink())
  const client = await connect()
  await client.send('POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 100\r\n\r\n')
  for (const byte of bytes(100)) {
    await new Promise<void>((resolve) => client.wire.socket.write(Buffer.of(byte), () => resolve()))
  }
  assert.equal((await client.response()).text, `100 ${streamSha256(100)}`)
})

test('body both ways at the same time arrives whole', async (t) => {
  const { connect } = await proxied(t, echoBody)
  const client = await connect()
  const [, answer] = await Promise.all([
    client.request({ method: 'POST', body: pieces(large) }),
    client.response(),
  ])
  assert.deepEqual([answer.bodyBytes, answer.sha256], [large, streamSha256(large)])
})

test('Expect: 100-continue is answered and the body arrives', async (t) => {
  const { origin, connect } = await proxied(t, sink())
  const client = await connect()
  await client.send('PUT / HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n')
  await client.send('hello')
  const answer = await client.response()
  assert.equal(answer.text, `5 ${sha256('hello')}`)
  assert.deepEqual(headerValues(origin.only().headers, 'expect'), [])
})

test('answer before the end of the upload reaches the client', async (t) => {
  const { connect } = await proxied(t, (exchange) => {
    exchange.closing = true
    return exchange.respond({ status: 413, headers: [['connection', 'close']], body: 'too much' })
  })
  const client = await connect()
  await client.send('POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 1000000\r\n\r\n')
  await client.send(bytes(50_000))
  const answer = await client.response()
  assert.deepEqual([answer.status, answer.text], [413, 'too much'])
})

for (const framing of ['chunked', 'length'] as const) {
  test(`answer in pieces before the end of the upload (${framing}): the rest is taken, then the connection is closed, and nothing more is served`, async (t) => {
    const { connect, origin, weir } = await proxied(t, earlyInPieces(['too ', 'much'], framing))
    const [own, other, silent] = [await connect(), await connect(), await connect()]
    for (const client of [own, other, silent]) {
      await client.send('POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 1000000\r\n\r\n')
      await client.send(bytes(50_000))
      const answer = await client.response()
      assert.deepEqual([answer.status, answer.text, answer.ended], [413, 'too much', 'complete'])
      assert.equal(answer.header('connection'), 'close')
    }
    for (const client of [own, other]) {
      for (let count = 0; count < 9; count++) assert.ok(await client.send(bytes(100_000)), 'still taken')
      await client.send(bytes(50_000))
    }
    await other.request()
    assert.equal((await other.closed()).unread, '', 'another request is not served')
    // The binding has no timer for it: without Weir's it would stay for ever.
    assert.deepEqual(await own.closed(), { how: 'fin', unread: '' })
    // Who has stopped has as long as the binding gives.
    await silent.closed(20_000)
    await weir.waitForStats(({ connections }) => connections === 0, 'no connection left')
    assert.equal(origin.count, 3)
  })
}

test('many bodies at once do not mix', async (t) => {
  const { connect } = await proxied(t, delayed(1, echoBody))
  await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const client = await connect()
      for (let i = 0; i < 10; i++) {
        const body = `${n}/${i};`.repeat(5_000)
        const [, answer] = await Promise.all([client.request({ method: 'POST', body }), client.response()])
        assert.equal(answer.sha256, sha256(body), `connection ${n}, request ${i}`)
      }
    }),
  )
})

test('answer to a request with a body that the origin ignores leaves the connection usable', async (t) => {
  const { connect } = await proxied(t, respond({ status: 404, body: 'no' }))
  const client = await connect()
  for (let i = 0; i < 5; i++)
    assert.equal((await client.exchange({ method: 'POST', body: bytes(100_000) })).status, 404)
})

/** An echo of known length: it begins with the first byte, and takes no more than is taken from it. */
const echoLength: Behaviour = async (exchange) => {
  const length = headerValue(exchange.record.headers, 'content-length') as string
  await exchange.head(200, [['content-length', length]])
  for await (const piece of exchange.body()) await exchange.write(piece)
}

/** Waits until something that has begun goes no further: everything in between is full. */
async function standsStill(bytesMoved: () => number, what: string): Promise<void> {
  let before = -1
  let still = 0
  await waitFor(
    () => {
      const now = bytesMoved()
      still = now > 0 && now === before ? still + 1 : 0
      before = now
      return still >= 3
    },
    { what: () => `${what} to stand still; ${before} bytes so far`, everyMs: 200, timeoutMs: 60_000 },
  )
}

for (const [framing, echo] of [
  ['chunked', echoBody],
  ['length', echoLength],
] as const) {
  // Everything is full then, both ways: the upload is paused, and the answer waits for the client.
  test(`body both ways, and the client reads when it cannot send any more: arrives whole (${framing})`, async (t) => {
    const total = 100_000_000
    const { connect, origin } = await proxied(t, echo)
    const client = await connect()
    let sent = false
    const sending = client.request({ method: 'POST', body: bytes(total) }).finally(() => {
      sent = true
    })
    await standsStill(() => origin.bytesWritten(), 'the answer')
    assert.ok(!sent, 'not all of it fits in between')
    const answer = await client.response({ onBody: () => {} })
    await sending
    assert.deepEqual(
      [answer.bodyBytes, answer.sha256, answer.ended],
      [total, streamSha256(total), 'complete'],
    )
  })
}

/** Answers without end, and takes some 4 MB/s of the body once the gate is open. */
const floods =
  (framing: 'chunked' | 'length', gate: Gate): Behaviour =>
  async (exchange) => {
    const frame = framing === 'chunked' ? ['transfer-encoding', 'chunked'] : ['content-length', '1000000000']
    await exchange.head(200, [frame as [string, string]])
    const reading = gate.pass().then(() => exchange.drain({ bytesPerSecond: 4_000_000 }))
    const piece = bytes(8_000)
    while (!exchange.isClosed) {
      await (framing === 'chunked' ? exchange.chunk(piece) : exchange.write(piece))
    }
    await reading
  }

for (const framing of ['chunked', 'length'] as const) {
  // What the client does not take stands in the binding's buffer as well, which it tries to write behind each read of the upload.
  test(`client that sends at full speed and reads nothing is held back, not cut off (${framing})`, async (t) => {
    const gate = new Gate()
    const { connect, origin, weir } = await proxied(t, floods(framing, gate))
    const client = await connect()
    const total = 100_000_000
    const piece = bytes(100_000)
    await client.send(`POST / HTTP/1.1\r\nhost: test\r\ncontent-length: ${total}\r\n\r\n`)
    await client.send(piece)
    await standsStill(() => origin.bytesWritten(), 'the answer')
    let sent = piece.length
    const send = async () => {
      for (; sent < total; sent += piece.length) await client.send(piece)
    }
    send().catch(() => {}) // never through: the test's end takes the connection away
    gate.open()
    const record = origin.only()
    await waitFor(() => record.bodyBytes > 12_000_000 || client.wire.isClosed, {
      what: 'some of the upload at the origin',
    })
    t.diagnostic(`${sent} bytes sent, ${record.bodyBytes} at the origin`)
    assert.equal((await weir.stats())[0]?.inFlight, 1, 'it is still there')
  })
}
