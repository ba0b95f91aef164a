/** What Weir knows of undici's insides, looked for in the undici that is installed. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ConnectionPool } from '../../../src/proxy/pool.ts'
import { keepAliveKind, type Parser, parserOf } from '../../../src/proxy/undici-parser.ts'
import { timeouts } from '../../support/fakes/plans.ts'
import { requestBy } from '../../support/undici-request.ts'
import { waitFor } from '../../support/wait.ts'

/** A server that answers each request's head with the next of these pieces, one after the other as they are read. */
async function serverOf(t: TestContext, ...pieces: readonly string[]): Promise<string> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {})
    socket.on('data', () => void send(socket, pieces))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`
}

async function send(socket: Socket, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    await new Promise((resolve) => socket.write(piece, resolve))
    // No condition tells that the other side has read it: a turn of each loop is nearly always enough for two reads.
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** What undici makes its own, as `connect` gave it. */
function socketOf(client: object): object {
  const symbol = Object.getOwnPropertySymbols(client).find(({ description }) => description === 'socket')
  assert.ok(symbol !== undefined, 'undici has another name for a client’s socket')
  return Reflect.get(client, symbol) as object
}

test('a connection that idles_has a parser whose timer is Weir’s, and is marked as used', async (t) => {
  const origin = await serverOf(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  const pool = new ConnectionPool(origin, { connections: 1, pipelining: 1, timeouts })
  t.after(() => pool.close())
  const { client } = pool.acquire()
  const { body } = await requestBy(client, { path: '/', method: 'GET' })
  assert.equal(await body.text(), 'ok')
  const socket = socketOf(client)
  const parser = parserOf(socket)
  assert.ok(parser)
  assert.ok(Object.hasOwn(parser, 'setTimeout'), 'taken over')
  await waitFor(() => parser.timeoutType === keepAliveKind, { what: 'the idle time to begin' })
  assert.ok(Array.isArray(parser.headers))
  const marks = Object.getOwnPropertySymbols(socket).filter(
    ({ description }) => description === 'kSocketUsed',
  )
  assert.equal(marks.length, 1)
  assert.equal(Reflect.get(socket, marks[0] as symbol), true)
})

test('a response that is whole_undici has it without its parser having parsed', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=9\r\n\r\n'
  const origin = await serverOf(t, `${head}ok`)
  const pool = new ConnectionPool(origin, { connections: 1, pipelining: 1, timeouts })
  t.after(() => pool.close())
  const { client } = pool.acquire()
  await (await requestBy(client, { path: '/', method: 'GET' })).body.dump()
  const parser = parserOf(socketOf(client)) as Parser & { execute(chunk: Buffer): void }
  let parsed = 0
  parser.execute = () => {
    parsed++
  }
  for (let count = 0; count < 3; count++) {
    const { statusCode, body } = await requestBy(client, { path: '/', method: 'GET' })
    assert.deepEqual([statusCode, await body.text()], [200, 'ok'])
  }
  assert.equal(parsed, 0)
  assert.equal(parser.keepAlive, '', 'it is another response’s from now on')
})

test('a head in many reads, with other connections read between_whole', async (t) => {
  const name = 'X-Long-Name-That-Is-Cut'
  const head = `HTTP/1.1 200 OK\r\nX-A: first\r\n${name}: a value that is cut too\r\nContent-Length: 2\r\n\r\nok`
  const pieces = head.match(/[\s\S]{1,9}/g) as string[]
  const origin = await serverOf(t, ...pieces)
  const noise = await serverOf(t, `HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n${'#'.repeat(300)}`)
  const plan = { connections: 1, pipelining: 1, timeouts }
  const [cut, whole] = [new ConnectionPool(origin, plan), new ConnectionPool(noise, plan)]
  t.after(() => {
    cut.close()
    whole.close()
  })
  let over = false
  const wanted = cut.acquire()
  const busy = whole.acquire()
  const answer = requestBy(wanted.client, { path: '/', method: 'GET' }).finally(() => {
    over = true
  })
  let others = 0
  while (!over) {
    await (await requestBy(busy.client, { path: '/', method: 'GET' })).body.dump()
    others++
  }
  const { headers, body } = await answer
  await body.dump()
  assert.ok(others > 1)
  assert.equal(headers['x-a'], 'first')
  assert.equal(headers[name.toLowerCase()], 'a value that is cut too')
})

test('trailers in many reads, with other connections read between_whole', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n'
  const trailers = 'X-Trailer-That-Is-Cut: a value that is cut too\r\nX-B: 2\r\n\r\n'
  const origin = await serverOf(t, head, ...(trailers.match(/[\s\S]{1,9}/g) as string[]))
  const noise = await serverOf(t, `HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n${'#'.repeat(300)}`)
  const plan = { connections: 1, pipelining: 1, timeouts }
  const [cut, whole] = [new ConnectionPool(origin, plan), new ConnectionPool(noise, plan)]
  t.after(() => {
    cut.close()
    whole.close()
  })
  const [wanted, busy] = [cut.acquire(), whole.acquire()]
  // As an attempt says while its response is being read.
  wanted.reader = { resume: () => undefined }
  let over = false
  const answer = requestBy(wanted.client, { path: '/', method: 'GET' }).then(
    async ({ body, trailers: found }) => {
      await body.dump()
      over = true
      return found
    },
  )
  while (!over) await (await requestBy(busy.client, { path: '/', method: 'GET' })).body.dump()
  const found = (await answer) as Record<string, string>
  assert.deepEqual({ ...found }, { 'x-trailer-that-is-cut': 'a value that is cut too', 'x-b': '2' })
})

test('a connection that stands_what undici keeps of it can be looked up fast, and says when the connection has gone', async (t) => {
  const origin = await serverOf(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  const pool = new ConnectionPool(origin, { connections: 1, pipelining: 1, timeouts })
  const { client } = pool.acquire()
  const { body } = await requestBy(client, { path: '/', method: 'GET' })
  assert.equal(await body.text(), 'ok')
  const symbol = Object.getOwnPropertySymbols(client).find(
    ({ description }) => description === 'http context',
  )
  assert.ok(symbol !== undefined, 'undici has another name for it')
  const context = Reflect.get(client, symbol) as { destroyed: boolean }
  assert.equal(context.constructor.name, 'PlainContext')
  assert.equal(context.destroyed, false)
  await client.destroy()
  assert.equal(context.destroyed, true)
})
