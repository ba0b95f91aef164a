/** The raw client against a server that says exactly what each test writes. */
import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { sha256 } from '../../support/bytes.ts'
import { fetchRaw, RawClient, requestHead } from '../../support/raw-client.ts'

async function serve(t: TestContext, onRequest: (socket: Socket, request: string) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (data) => onRequest(socket, data.toString('latin1')))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

test('requestHead adds host and framing but nothing else', () => {
  assert.equal(requestHead({}), 'GET / HTTP/1.1\r\nhost: test\r\n\r\n')
  assert.equal(
    requestHead({ method: 'POST', target: '/x', headers: [['Host', 'a']], body: 'é' }),
    'POST /x HTTP/1.1\r\nHost: a\r\ncontent-length: 2\r\n\r\n',
  )
  assert.match(requestHead({ body: ['a'] }), /\r\ntransfer-encoding: chunked\r\n/)
})

test('request with pieces arrives chunked', async (t) => {
  const seen: string[] = []
  const port = await serve(t, (socket, request) => {
    seen.push(request)
    if (seen.join('').endsWith('0\r\n\r\n')) socket.write('HTTP/1.1 204 No Content\r\n\r\n')
  })
  const answer = await fetchRaw(port, { method: 'POST', body: ['ab', '', 'cde'] })
  assert.equal(answer.status, 204)
  assert.ok(seen.join('').endsWith('\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n'))
})

test('response of each framing is read to its end', async (t) => {
  const answers: Record<string, string> = {
    '/length': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    '/chunked':
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nt: 1\r\n\r\n',
    '/interim':
      'HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  }
  const port = await serve(t, (socket, request) => socket.write(answers[request.split(' ')[1]!]!))
  const client = await RawClient.connect(port)
  t.after(() => client.close())
  for (const target of Object.keys(answers)) {
    const answer = await client.exchange({ target }) // all on one connection: each must end where it should
    assert.deepEqual([answer.status, answer.text, answer.ended], [200, 'hello', 'complete'], target)
    assert.equal(answer.sha256, sha256('hello'))
    assert.equal(answer.interim.length, target === '/interim' ? 1 : 0)
  }
})

test('response in single bytes is read as if in one piece', async (t) => {
  const bytes =
    'HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nset-cookie:  b \r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n'
  const port = await serve(t, async (socket) => {
    socket.setNoDelay(true)
    for (const byte of bytes) await new Promise((resolve) => socket.write(byte, resolve))
  })
  const answer = await fetchRaw(port)
  assert.deepEqual(answer.headers('set-cookie'), ['a', 'b'])
  assert.equal(answer.header('SET-COOKIE'), 'a')
  assert.equal(answer.text, '0123456789')
})

test('response to HEAD, 204 and 304 has no body whatever its length says', async (t) => {
  const port = await serve(t, (socket, request) => {
    const status = request.startsWith('HEAD') ? '200 OK' : request.split(' ')[1]!.slice(1)
    socket.write(`HTTP/1.1 ${status} X\r\nContent-Length: 9\r\n\r\n`)
  })
  for (const [method, target] of [
    ['HEAD', '/'],
    ['GET', '/204'],
    ['GET', '/304'],
  ] as const) {
    assert.equal((await fetchRaw(port, { method, target })).bodyBytes, 0, `${method} ${target}`)
  }
})

test('response without framing ends with the connection', async (t) => {
  const port = await serve(t, (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end'))
  const answer = await fetchRaw(port)
  assert.deepEqual([answer.text, answer.ended], ['until the end', 'complete'])
})

test('response cut short is reported as such', async (t) => {
  const port = await serve(t, (socket, request) => {
    if (request.includes('/length')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello')
    if (request.includes('/chunked'))
      socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
    if (request.includes('/reset')) socket.resetAndDestroy()
    if (request.includes('/nothing')) socket.end()
    if (request.includes('/head')) socket.end('HTTP/1.1 200 OK\r\nContent-')
    if (request.includes('/chunk-size'))
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n')
  })
  for (const target of ['/length', '/chunked']) {
    const answer = await fetchRaw(port, { target })
    assert.deepEqual([answer.text, answer.ended], ['hello', 'truncated'], target)
  }
  await assert.rejects(fetchRaw(port, { target: '/reset' }), { kind: 'reset' })
  await assert.rejects(fetchRaw(port, { target: '/nothing' }), { kind: 'closed' })
  await assert.rejects(fetchRaw(port, { target: '/head' }), { kind: 'truncated' })
  await assert.rejects(fetchRaw(port, { target: '/chunk-size' }), { kind: 'malformed' })
})

test('response that never comes is a timeout', async (t) => {
  const port = await serve(t, () => undefined)
  const client = await RawClient.connect(port)
  t.after(() => client.close())
  client.wire.patienceMs = 30
  await assert.rejects(client.exchange(), { kind: 'timeout' })
})

test('closed tells FIN from RST, and what came before', async (t) => {
  const port = await serve(t, (socket, request) => {
    if (request === 'fin') socket.end('bye')
    else socket.resetAndDestroy()
  })
  for (const [how, unread] of [
    ['fin', 'bye'],
    ['reset', ''],
  ] as const) {
    const client = await RawClient.connect(port)
    await client.send(how)
    assert.deepEqual(await client.closed(), { how, unread })
  }
})

test('reader that pauses stops the sender', async (t) => {
  let accepted = 0
  const total = 30_000_000
  const port = await serve(t, (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
    const fill = () => {
      while (accepted < total) {
        accepted += 100_000
        if (!socket.write(Buffer.alloc(100_000))) return void socket.once('drain', fill)
      }
    }
    fill()
  })
  const client = await RawClient.connect(port)
  t.after(() => client.close())
  await client.request()
  const response = client.response({
    pace: { pauses: [{ atByte: 1, ms: 300 }] },
    onBody: () => seen.push(accepted),
  })
  const seen: number[] = []
  assert.equal((await response).bodyBytes, total)
  assert.ok(seen[1]! < total, `the sender got rid of everything (${seen[1]} bytes) while the reader paused`)
})
