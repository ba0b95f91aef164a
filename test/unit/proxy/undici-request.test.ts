import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Client, type DispatchHandler } from '../../../src/native/undici.ts'
import { dispatch, type Outgoing } from '../../../src/proxy/undici-request.ts'

/** A server that keeps the heads of the requests that it gets. */
async function keeper(t: TestContext): Promise<{ heads: string[]; client: Client }> {
  const heads: string[] = []
  const server = createServer((socket) => {
    let text = ''
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      text += bytes.latin1Slice()
      while (text.includes('\r\n\r\n')) {
        const end = text.indexOf('\r\n\r\n') + 4
        heads.push(text.slice(0, end))
        text = text.slice(end)
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const client = new Client(`http://127.0.0.1:${port}`, { pipelining: 2 })
  t.after(async () => {
    await client.destroy()
    server.close()
  })
  return { heads, client }
}

function sent(client: Client, outgoing: Outgoing): Promise<void> {
  return new Promise((resolve, reject) => {
    const handler = {
      onConnect: () => {},
      onHeaders: () => true,
      onData: () => true,
      onComplete: () => resolve(),
      onError: reject,
    }
    const { method, target: path } = outgoing
    const options = { method: method as 'GET', path, blocking: false, reset: false, body: null }
    dispatch(client, options, handler as unknown as DispatchHandler, outgoing)
  })
}

function outgoing(headers: string[]): Outgoing {
  return { method: 'GET', target: '/a?b', host: 'example.com', headers, contentLength: -1 }
}

test('the same fields again and again_each head has them line by line, and other fields in between their own', async (t) => {
  const { heads, client } = await keeper(t)
  const fields = ['user-agent', 'a test', 'x-wide', '\xe9', 'x-empty', '', 'x-last', '1']
  const start = 'GET /a?b HTTP/1.1\r\nhost: example.com\r\nconnection: keep-alive\r\n'
  const head = `${start}user-agent: a test\r\nx-wide: \xe9\r\nx-empty: \r\nx-last: 1\r\n\r\n`
  for (let times = 0; times < 64; times++) {
    await sent(client, outgoing([...fields]))
    await sent(client, outgoing(['x-time', `${times}`]))
    await sent(client, outgoing([]))
  }
  assert.equal(heads.length, 3 * 64)
  for (let times = 0; times < 64; times++) {
    assert.equal(heads[3 * times], head)
    assert.equal(heads[3 * times + 1], `${start}x-time: ${times}\r\n\r\n`)
    assert.equal(heads[3 * times + 2], `${start}\r\n`)
  }
})

test('a client whose connection is used_says nothing of being busy, and no drain', async (t) => {
  const { client } = await keeper(t)
  const drains: unknown[] = []
  client.on('drain', () => drains.push('drain'))
  for (let times = 0; times < 3; times++) await sent(client, outgoing([]))
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(drains, [])
})

test('undici refuses a request, and the handler throws at that_the next one, of whoever, is its own', async (t) => {
  const { client } = await keeper(t)
  await client.destroy()
  const handler = {
    onError: () => {
      throw new TypeError('a defect')
    },
  }
  const secret = outgoing(['authorization', 'secret'])
  assert.throws(() => dispatch(client, { method: 'GET', path: '/' }, handler, secret), /a defect/)
  // What any client of undici shows of a request that it makes.
  const other = { host: null, headers: [], contentLength: null }
  channel('undici:request:create').publish({ request: other })
  assert.deepEqual(other, { host: null, headers: [], contentLength: null })
})
