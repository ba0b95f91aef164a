/** Sticky sessions and consistent hashing, with real workers: who comes back finds the same endpoint. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import WebSocket, { WebSocketServer } from 'ws'
import { Certificates } from '../support/certificates.ts'
import { type Origin, startOrigin } from '../support/origin.ts'
import { ok } from '../support/origin-behaviours.ts'
import { upstreamOf } from '../support/proxied.ts'
import { type ClientResponse, fetchRaw } from '../support/raw-client.ts'
import { startWeir, type Weir, type WeirConfig } from '../support/weir.ts'

const listen = { host: '127.0.0.1', port: 0 }
const balance = { policy: 'sticky', cookie: 'weir' }

/** Origins that answer with their names. */
async function origins(t: TestContext, names: string): Promise<Origin[]> {
  return Promise.all([...names].map((name) => startOrigin(t, ok(name))))
}

function config(of: readonly Origin[], settings: object = {}, more: WeirConfig = {}): WeirConfig {
  return { listen, upstreams: { app: upstreamOf(of, { balance, ...settings }) }, ...more }
}

const withCookie = (weir: Weir, cookie: string) => fetchRaw(weir.port, { headers: [['cookie', cookie]] })

/** `name=value` of the cookie that an answer sets. */
function cookieOf(answer: ClientResponse): string {
  const [cookie] = (answer.header('set-cookie') ?? '').split(';') as [string]
  assert.match(cookie, /^weir=/)
  return cookie
}

async function reload(weir: Weir, to: WeirConfig): Promise<void> {
  const from = weir.log.lines.length
  weir.rewriteConfig(to)
  weir.signal('SIGHUP')
  await weir.waitForLog((line) => line.msg === 'configuration reloaded', 'the reload', from)
}

test('the cookie is set once and honoured by every worker, after a reload, and by a worker’s replacement', async (t) => {
  const of = await origins(t, 'abc')
  const weir = await startWeir(t, config(of, {}, { workers: 2 }))
  const first = await fetchRaw(weir.port)
  assert.match(first.header('set-cookie') ?? '', /^weir=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)
  const cookie = cookieOf(first)
  /** On connections of their own, so that both workers are asked. */
  const staysThere = async (): Promise<void> => {
    for (const answer of await Promise.all(Array.from({ length: 40 }, () => withCookie(weir, cookie)))) {
      assert.deepEqual([answer.text, answer.header('set-cookie')], [first.text, undefined])
    }
  }
  await staysThere()
  const served = (await weir.stats()).map((line) => line.outcomes.completed ?? 0)
  assert.ok(
    served.every((count) => count > 0),
    `both workers have served: ${served}`,
  )

  const fourth = await startOrigin(t, ok('d'))
  await reload(weir, config([fourth, ...of.toReversed()], {}, { workers: 2 }))
  await staysThere()

  const from = weir.log.lines.length
  process.kill(weir.workerPids()[0]!, 'SIGKILL')
  await weir.waitForLog((line) => line.msg === 'worker started', 'a new worker', from)
  await weir.waitForStats((sum) => sum.inFlight === 0, 'a new worker that answers')
  await staysThere()
  await weir.atRest()
})

test('clients without a cookie are spread by the fallback', async (t) => {
  const weir = await startWeir(t, config(await origins(t, 'abc')))
  const answers: string[] = []
  for (let time = 0; time < 6; time++) answers.push((await fetchRaw(weir.port)).text)
  assert.deepEqual(answers.toSorted(), ['a', 'a', 'b', 'b', 'c', 'c'])
})

test('a forged cookie, one signed with another secret, and one of an endpoint that is gone count for nothing', async (t) => {
  const of = await origins(t, 'ab')
  const secret = 'the secret of the first Weir'
  const weir = await startWeir(t, config(of, { balance: { ...balance, secret } }))
  const good = cookieOf(await fetchRaw(weir.port))
  const forged = `${good.slice(0, -1)}${good.endsWith('A') ? 'E' : 'A'}`
  for (const cookie of [forged, 'weir=', 'weir=app/http://127.0.0.1:1', `weir=${good.slice(5, 20)}`]) {
    assert.notEqual((await withCookie(weir, cookie)).header('set-cookie'), undefined, cookie)
  }
  assert.equal((await withCookie(weir, good)).header('set-cookie'), undefined)

  // Another Weir with the same secret knows it, one with its own does not.
  const twin = await startWeir(t, config(of, { balance: { ...balance, secret } }))
  assert.equal((await withCookie(twin, good)).header('set-cookie'), undefined)
  const stranger = await startWeir(t, config(of))
  assert.notEqual((await withCookie(stranger, good)).header('set-cookie'), undefined)

  const named = (await withCookie(weir, good)).text
  await reload(weir, config(await origins(t, 'cd'), { balance: { ...balance, secret } }))
  const moved = await withCookie(weir, good)
  assert.notEqual(moved.text, named)
  assert.equal((await withCookie(weir, cookieOf(moved))).text, moved.text)
})

test('the endpoint dies: the session moves, with a new cookie, and stays where it went', async (t) => {
  const of = await origins(t, 'ab')
  const weir = await startWeir(t, config(of))
  const first = await fetchRaw(weir.port)
  await of['ab'.indexOf(first.text)]!.stop()
  const moved = await withCookie(weir, cookieOf(first))
  assert.equal(moved.status, 200)
  assert.notEqual(moved.text, first.text)
  // The first attempt was refused, so the endpoint is passed over by now: its cookie is worth nothing.
  const next = await withCookie(weir, cookieOf(first))
  assert.equal((await withCookie(weir, cookieOf(next))).text, moved.text)
})

test('draining: who has a cookie still comes, nobody else does', async (t) => {
  const of = await origins(t, 'ab')
  const weir = await startWeir(t, config(of))
  const first = await fetchRaw(weir.port)
  const endpoints = of.map(({ url }, index) => ({ url, drain: index === 'ab'.indexOf(first.text) }))
  await reload(weir, config(of, { endpoints }))
  for (let time = 0; time < 5; time++) {
    assert.equal((await withCookie(weir, cookieOf(first))).text, first.text)
    assert.notEqual((await fetchRaw(weir.port)).text, first.text)
  }
  await weir.atRest()
})

test('over TLS the cookie is Secure', async (t) => {
  const { cert, key } = new Certificates(t).selfSigned('own', 'own.test')
  const weir = await startWeir(
    t,
    config(await origins(t, 'a'), {}, { listen: { ...listen, tls: { cert, key } } }),
  )
  const asked = get({ host: '127.0.0.1', port: weir.port, rejectUnauthorized: false })
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  answer.resume()
  assert.match(answer.headers['set-cookie']?.[0] ?? '', /^weir=.*; Secure$/)
})

test('a WebSocket goes where the cookie says, and its handshake sets one where there is none', async (t) => {
  const urls: string[] = []
  for (const name of ['a', 'b']) {
    const server = createServer((_request, response) => void response.end(name))
    const sockets = new WebSocketServer({ server })
    sockets.on('connection', (socket) => socket.send(name))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      for (const client of sockets.clients) client.terminate()
      server.close()
      server.closeAllConnections()
    })
    urls.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  }
  const weir = await startWeir(t, config(urls.map((url) => ({ url }) as Origin)))
  const first = await fetchRaw(weir.port)
  for (let time = 0; time < 4; time++) {
    const socket = new WebSocket(`ws://127.0.0.1:${weir.port}/`, { headers: { cookie: cookieOf(first) } })
    const said = await new Promise<string>((resolve, reject) => {
      socket.once('message', (data) => resolve(String(data)))
      socket.once('error', reject)
    })
    socket.terminate()
    assert.equal(said, first.text)
  }
  const newcomer = new WebSocket(`ws://127.0.0.1:${weir.port}/`)
  const [[{ headers }], [home]] = await Promise.all([once(newcomer, 'upgrade'), once(newcomer, 'message')])
  newcomer.terminate()
  const [given] = headers['set-cookie'] as string[]
  assert.match(given as string, /^weir=/)
  const again = await fetchRaw(weir.port, {
    headers: [['cookie', (given as string).split(';')[0] as string]],
  })
  assert.equal(again.text, String(home))
})

test('hash by header: one user, one endpoint, in both workers; users are spread', async (t) => {
  const byUser = { policy: 'hash', by: { header: 'X-User' }, loadFactor: 1000 }
  const weir = await startWeir(t, config(await origins(t, 'abc'), { balance: byUser }, { workers: 2 }))
  const asked = (user: number) => fetchRaw(weir.port, { headers: [['x-user', `user ${user}`]] })
  const homes: string[] = []
  for (let user = 0; user < 30; user++) {
    const answers = new Set((await Promise.all([1, 2, 3, 4].map(() => asked(user)))).map(({ text }) => text))
    assert.equal(answers.size, 1, `user ${user} was sent to ${[...answers]}`)
    homes.push(...answers)
  }
  assert.deepEqual(new Set(homes), new Set(['a', 'b', 'c']))
})

for (const [by, requests] of [
  ['address', ['/1', '/2', '/3']],
  ['path', ['/same?1', '/same?2', '/same']],
  [{ query: 'id' }, ['/1?id=7', '/2?x=1&id=7', '/?id=7&y']],
] as const) {
  test(`hash by ${JSON.stringify(by)}: what has it in common goes to one endpoint`, async (t) => {
    const weir = await startWeir(t, config(await origins(t, 'abcd'), { balance: { policy: 'hash', by } }))
    const answers: string[] = []
    for (const target of requests) answers.push((await fetchRaw(weir.port, { target })).text)
    assert.equal(new Set(answers).size, 1, answers.join())
  })
}
