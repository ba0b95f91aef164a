/** `pipelining` above 1: several requests in flight on one connection to the origin. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { Dice } from '../support/dice.ts'
import { runLoad } from '../support/load.ts'
import { delayed, echoHead, held, ok } from '../support/origin-behaviours.ts'
import type { OriginExchange } from '../support/origin-exchange.ts'
import { proxied, upstreamOf } from '../support/proxied.ts'
import { Gate, waitFor } from '../support/wait.ts'
import { startWeir } from '../support/weir.ts'

test('pipelining 4 sends three requests ahead, on one connection', async (t) => {
  const gate = new Gate()
  const behind: string[] = []
  const { origin, connect } = await proxied(
    t,
    async (exchange: OriginExchange) => {
      if (exchange.record.ordinal === 1) {
        await waitFor(() => heads(exchange) === 3, {
          what: () => `three requests behind the first: ${heads(exchange)}`,
        })
        behind.push(exchange.wire.peek().toString('latin1'))
        gate.open()
      }
      await echoHead(exchange)
    },
    { upstream: { connections: 1, pipelining: 4 } },
  )
  const clients = await Promise.all(Array.from({ length: 6 }, () => connect()))
  const answers = await Promise.all(clients.map((client, n) => client.exchange({ target: `/${n}` })))
  await gate.pass()
  for (const [n, answer] of answers.entries()) assert.match(answer.text, new RegExp(`^GET /${n} `))
  assert.equal(behind.length, 1)
  assert.equal(origin.connections.total, 1)
})

test('pipelining 1 sends none ahead', async (t) => {
  const gate = new Gate()
  const { origin, weir, connect } = await proxied(t, held(gate, ok()), { upstream: { connections: 2 } })
  const clients = await Promise.all([1, 2, 3, 4].map(() => connect()))
  const answers = clients.map((client) => client.exchange())
  await weir.waitForStats((sum) => sum.queued === 2, 'two requests waiting in Weir')
  await waitFor(() => origin.count >= 2, { what: 'the two others at the origin' })
  assert.deepEqual([origin.count, origin.connections.total], [2, 2])
  gate.open()
  for (const answer of answers) assert.equal((await answer).status, 200)
})

test('nobody waits behind a slow answer while another connection can be had, and then in turn', async (t) => {
  const gate = new Gate()
  const { origin, connect } = await proxied(
    t,
    { '/slow': held(gate, ok('slow')), '*': echoHead },
    { upstream: { connections: 2, pipelining: 16 } },
  )
  const [slow, next, slowToo, last] = await Promise.all([1, 2, 3, 4].map(() => connect()))
  const answers = [slow!.exchange({ target: '/slow' })]
  await gate.reached(1)
  for (const n of [1, 2, 3]) {
    const { text } = await next!.exchange({ target: `/${n}` })
    assert.match(text, new RegExp(`^GET /${n} `), 'while the slow one is held')
  }
  assert.equal(origin.connections.total, 2)
  answers.push(slowToo!.exchange({ target: '/slow' }))
  await gate.reached(2)
  // Both connections are held: it is sent ahead, and is answered when what stands before it is.
  answers.push(last!.exchange({ target: '/last' }))
  gate.open()
  const texts = (await Promise.all(answers)).map(({ text }) => text)
  assert.deepEqual(texts.slice(0, 2), ['slow', 'slow'])
  assert.match(texts[2]!, /^GET \/last /)
  assert.equal(origin.connections.total, 2)
})

test('pipelining 4 under load does not mix answers', async (t) => {
  const { origin, weir } = await proxied(
    t,
    { '/slow/*': delayed(2, echoHead), '*': echoHead },
    { upstream: { connections: 4, pipelining: 4 } },
  )
  const target = (n: number) => (n % 50 === 0 ? `/slow/${n}` : `/${n}`)
  const load = await runLoad({
    port: weir.port,
    connections: 32,
    requests: 5_000,
    request: (n) => ({ target: target(n) }),
    onResponse: (answer, n) =>
      answer.text.startsWith(`GET ${target(n)} `) ? undefined : 'an answer to another request',
  })
  assert.deepEqual(load.errors, {})
  assert.deepEqual(load.statuses, { 200: 5_000 })
  assert.ok(origin.connections.total <= 4, `${origin.connections.total} connections`)
  await weir.atRest()
})

test('pipelining 4 with uploads does not mix answers', async (t) => {
  const { weir } = await proxied(
    t,
    async (exchange) => {
      const body = await exchange.text()
      await exchange.respond({ body })
    },
    { upstream: { connections: 4, pipelining: 4 } },
  )
  const body = (n: number) => (n % 2 ? `${n};`.repeat(10_000) : String(n))
  const load = await runLoad({
    port: weir.port,
    connections: 16,
    requests: 500,
    request: (n) => (n % 3 ? { method: n % 2 ? 'POST' : 'PUT', body: body(n) } : { target: `/${n}` }),
    onResponse: (answer, n) =>
      answer.text === (n % 3 ? body(n) : '') ? undefined : 'an answer to another request',
  })
  assert.deepEqual(load.errors, {})
  await weir.atRest()
})

test('pipelining 4 and an origin that breaks off: only idempotent requests are sent again', async (t) => {
  const { origin, weir } = await proxied(
    t,
    async (exchange) => {
      if (exchange.record.ordinal % 20 === 0) return void exchange.wire.socket.destroy()
      await exchange.drain()
      await exchange.respond({ body: exchange.record.target })
    },
    { upstream: { connections: 2, pipelining: 4 } },
  )
  const posts = await runLoad({
    port: weir.port,
    connections: 8,
    requests: 400,
    request: (n) => ({ method: 'POST', target: `/post/${n}`, body: 'x' }),
  })
  assert.ok((posts.statuses[502] ?? 0) > 0, 'the origin has broken off some')
  const seen = origin.requests.map((request) => request.target)
  assert.equal(new Set(seen).size, seen.length, 'a POST has been sent twice')
  await weir.atRest()
})

/** What an answer with this body looks like, in one of several ways. */
const framings: ((body: string) => string)[] = [
  (body) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  (body) =>
    `HTTP/1.1 200 OK\r\nX-A: b\r\nConnection: keep-alive\r\nKeep-Alive: timeout=60\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  (body) => `HTTP/1.1 200 OK\r\nContent-Length:${body.length}\r\nX-Empty:\r\n\r\n${body}`,
  (body) =>
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  (body) =>
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
]

test('answers of every framing, several in one read and cut anywhere: each to its own request', async (t) => {
  const dice = new Dice(t)
  const inOneGo = 8
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {})
    let received = ''
    let turn = Promise.resolve()
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1')
      const targets = [...received.matchAll(/^GET (\S+) /gm)].map(([, target]) => target as string)
      if (!received.endsWith('\r\n\r\n') || targets.length < inOneGo) return
      received = ''
      const answers = targets
        // Looks like an answer: nothing may begin in the middle of one.
        .map((target) => `${target} HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`)
        .map((body) => (framings[dice.below(framings.length)] as (body: string) => string)(body))
        .join('')
      const cut = dice.below(answers.length)
      turn = turn.then(async () => {
        await new Promise((resolve) => socket.write(answers.slice(0, cut), 'latin1', resolve))
        // No condition tells that the other side has read it: now and then it has not, and then this is one read.
        await new Promise((resolve) => setTimeout(resolve, 1))
        socket.write(answers.slice(cut), 'latin1')
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const app = upstreamOf([{ url: `http://127.0.0.1:${port}` }], { connections: 1, pipelining: inOneGo })
  const weir = await startWeir(t, { upstreams: { app } })
  const load = await runLoad({
    port: weir.port,
    connections: inOneGo,
    requests: 200 * inOneGo,
    request: (n) => ({ target: `/${n}` }),
    onResponse: (answer, n) =>
      answer.text.startsWith(`/${n} HTTP/1.1 200 OK`)
        ? undefined
        : `an answer to another request: ${answer.text}`,
  })
  assert.deepEqual(load.errors, {})
  assert.deepEqual(load.statuses, { 200: 200 * inOneGo })
  await weir.atRest()
})

/** Heads that have arrived behind the one that is being served. */
function heads(exchange: OriginExchange): number {
  return exchange.wire.peek().toString('latin1').split('\r\n\r\n').length - 1
}
