/** `limits.connectionRequests` and `connectionAge`: when the binding that runs here is told to close, and what it says then. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import WebSocket, { WebSocketServer } from 'ws'
import { loadBinding } from '../../src/native/uws.ts'
import { slotCount } from '../../src/proxy/connection-slots.ts'
import { Certificates } from '../support/certificates.ts'
import type { LogPredicate } from '../support/log-lines.ts'
import { chunked, held, ok, sink } from '../support/origin-behaviours.ts'
import { proxied, upstreamOf } from '../support/proxied.ts'
import { type ClientRequest, RawClient } from '../support/raw-client.ts'
import { Gate, waitFor } from '../support/wait.ts'
import { runCommand, startWeir, type WeirConfig } from '../support/weir.ts'

const { version, namesConnections } = loadBinding()

/** @param connectionRequests on one connection */
function limited(connectionRequests: number, config: WeirConfig = {}): { config: WeirConfig } {
  return { config: { limits: { connectionRequests }, ...config } }
}

const site = {
  '/': ok('hello'),
  '/chunked': chunked(['a', 'b'.repeat(20_000)]),
  '/sink': sink(),
}

const routes = [
  { path: '/fixed', respond: { status: 200, body: 'fixed' } },
  { path: '/empty', respond: { status: 204 } },
  { path: '/', upstream: 'app' },
  { path: '/chunked', upstream: 'app' },
  { path: '/sink', upstream: 'app' },
]

/** What may be the last request. */
const lastOnes: readonly (readonly [string, ClientRequest])[] = [
  ['a proxied answer of known length', {}],
  ['one of unknown length', { target: '/chunked' }],
  ['a HEAD', { method: 'HEAD' }],
  ['an upload', { method: 'POST', target: '/sink', body: 'x'.repeat(1_000) }],
  ['a fixed answer', { target: '/fixed' }],
  ['a fixed answer without a body', { target: '/empty' }],
  ['no route', { target: '/nowhere' }],
]

for (const [what, last] of lastOnes) {
  test(`the last answer says so_${what}`, async (t) => {
    const { connect, fetch, weir } = await proxied(t, site, limited(3, { routes }))
    const [client, other] = [await connect(), await connect()]
    for (const target of ['/', '/fixed']) {
      assert.equal((await client.exchange({ target })).header('connection'), undefined)
      assert.equal((await other.exchange({ target })).header('connection'), undefined)
    }
    const answer = await client.exchange(last)
    assert.equal(answer.header('connection'), 'close')
    assert.equal(answer.ended, 'complete')
    assert.deepEqual(await client.closed(), { how: 'fin', unread: '' })
    assert.equal((await fetch()).header('connection'), undefined)
    await weir.atRest()
  })
}

test('many connections at once_each is counted by itself', async (t) => {
  const { connect } = await proxied(t, site, limited(5))
  const clients = await Promise.all(Array.from({ length: 200 }, connect))
  for (let turn = 1; turn <= 5; turn++) {
    const answers = await Promise.all(clients.map((client) => client.exchange()))
    for (const answer of answers) {
      assert.equal(answer.header('connection'), turn === 5 ? 'close' : undefined, `request ${turn}`)
    }
  }
  await Promise.all(clients.map((client) => client.closed()))
})

test('more connections than slots_none carries more than it may, and all are served', async (t) => {
  const { connect, weir } = await proxied(t, site, limited(40, { routes }))
  const count = slotCount + slotCount / 2
  const clients: RawClient[] = []
  while (clients.length < count) clients.push(...(await Promise.all(Array.from({ length: 64 }, connect))))
  const carried = await Promise.all(
    clients.map(async (client) => {
      for (let requests = 1; ; requests++) {
        const answer = await client.exchange({ target: '/fixed' })
        assert.equal(answer.text, 'fixed')
        if (answer.header('connection') === 'close') return requests
      }
    }),
  )
  assert.ok(Math.max(...carried) <= 40, `${Math.max(...carried)} requests on one connection`)
  if (namesConnections) assert.ok(carried.every((requests) => requests === 40))
  await weir.waitForStats((sum) => sum.connections === 0, 'no connection left')
})

test('age_the first request after it gets the last answer', async (t) => {
  const config = { limits: { connectionAge: '2s' } }
  const { connect } = await proxied(t, site, { config })
  const client = await connect()
  const opened = performance.now()
  let answers = 0
  await waitFor(
    async () => {
      answers++
      return (await client.exchange()).header('connection') === 'close'
    },
    { what: 'the last answer', everyMs: 50 },
  )
  assert.ok(performance.now() - opened >= 1_900, 'not before its time')
  assert.ok(answers > 1)
  await client.closed()
})

test('an upgraded connection carries nothing more: it takes no part in the count of others', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  t.after(() => {
    for (const each of server.clients) each.terminate()
    server.close()
  })
  const { port } = server.address() as { port: number }
  const app = { endpoints: [`http://127.0.0.1:${port}`], health: false }
  const weir = await startWeir(t, {
    upstreams: { app },
    routes: [routes[1]!, { upstream: 'app' }],
    ...limited(2).config,
  })
  const sockets: WebSocket[] = []
  t.after(() => {
    for (const socket of sockets) socket.terminate()
  })
  while (sockets.length < slotCount + 8) {
    const some = Array.from({ length: 40 }, () => new WebSocket(`ws://127.0.0.1:${weir.port}/`))
    sockets.push(...some)
    await Promise.all(some.map((socket) => once(socket, 'open')))
  }
  const client = await RawClient.connect(weir.port)
  t.after(() => client.close())
  assert.equal((await client.exchange({ target: '/empty' })).header('connection'), undefined)
  assert.equal((await client.exchange({ target: '/empty' })).header('connection'), 'close')
  for (const socket of sockets) socket.terminate()
  await weir.waitForStats((sum) => sum.connections === 0, 'no connection left')
})

test('a limit that a reload brings, and takes away_holds for connections that come after it', async (t) => {
  const { connect, origin, weir } = await proxied(t, site, limited(0))
  const reload = async (connectionRequests: number) => {
    const from = weir.log.lines.length
    weir.rewriteConfig({ upstreams: { app: upstreamOf([origin]) }, limits: { connectionRequests } })
    weir.signal('SIGHUP')
    await weir.waitForLog(({ msg }) => msg === 'configuration reloaded', 'the reload', from)
  }
  const before = await connect()
  for (let count = 0; count < 5; count++)
    assert.equal((await before.exchange()).header('connection'), undefined)
  await reload(2)
  const between = await connect()
  assert.equal((await between.exchange()).header('connection'), undefined)
  await reload(0)
  for (let count = 0; count < 5; count++)
    assert.equal((await between.exchange()).header('connection'), undefined)
  await reload(2)
  const after = await connect()
  assert.equal((await after.exchange()).header('connection'), undefined)
  assert.equal((await after.exchange()).header('connection'), 'close')
})

test('drain, with connections in slots_the last answers say so, and Weir ends', async (t) => {
  const gate = new Gate()
  const behaviours = { '/': ok('hello'), '/slow': held(gate, ok('late')) }
  const { connect, weir } = await proxied(t, behaviours, limited(100))
  const client = await connect()
  await client.exchange()
  await client.request({ target: '/slow' })
  await gate.reached(1)
  const stopped = weir.stop()
  await waitFor(() => isRefused(weir.port), { what: 'the listener to be closed' })
  gate.open()
  const answer = await client.response()
  assert.deepEqual([answer.text, answer.header('connection')], ['late', 'close'])
  assert.equal(await stopped, 0)
})

async function isRefused(port: number): Promise<boolean> {
  try {
    const client = await RawClient.connect(port)
    client.close()
    return false
  } catch {
    return true
  }
}

/** The `Connection` header of so many answers on one connection of this agent's. */
async function connectionHeaders(
  send: () => ReturnType<typeof request>,
  count: number,
): Promise<(string | undefined)[]> {
  const said: (string | undefined)[] = []
  for (let sent = 0; sent < count; sent++) {
    const [answer] = (await once(send().end(), 'response')) as [IncomingMessage]
    await text(answer)
    said.push(answer.headers.connection)
  }
  return said
}

test('Unix socket_two connections, each counted by itself', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'weir-unix-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const socketPath = join(directory, 'weir.sock')
  await proxied(t, site, limited(3, { listen: `unix:${socketPath}` }))
  const agents = [1, 2].map(() => new Agent({ keepAlive: true, maxSockets: 1 }))
  const all = await Promise.all(
    agents.map((agent) => connectionHeaders(() => request({ socketPath, agent }), 3)),
  )
  assert.deepEqual(all, [
    [undefined, undefined, 'close'],
    [undefined, undefined, 'close'],
  ])
})

test('behind a TCP load balancer_it is its connections that are counted, whatever clients it names', async (t) => {
  const listen = { host: '127.0.0.1', port: 0, proxyProtocol: { from: ['127.0.0.0/8'] } }
  const { connect } = await proxied(t, site, limited(2, { listen }))
  const [a, b] = [await connect(), await connect()]
  const header = Buffer.concat([
    Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex'),
    Buffer.from([203, 0, 113, 7, 10, 0, 0, 1, 0x04, 0xd2, 0, 80]),
  ])
  for (const client of [a, b]) {
    await client.send(header)
    assert.equal((await client.exchange()).header('connection'), undefined)
  }
  for (const client of [a, b]) assert.equal((await client.exchange()).header('connection'), 'close')
})

test('the way to https_counts like any answer', async (t) => {
  const own = new Certificates(t).selfSigned('own', 'own.test')
  const listen = [
    { host: '127.0.0.1', port: 0, redirectToHttps: 443 },
    { host: '127.0.0.1', port: 0, tls: own },
  ]
  const { connect } = await proxied(t, site, limited(2, { listen }))
  const client = await connect()
  const first = await client.exchange()
  assert.deepEqual([first.status, first.header('connection')], [308, undefined])
  assert.equal((await client.exchange()).header('connection'), 'close')
  await client.closed()
})

test('TLS_counted where the binding tells ports; else said at the start and by `weir check`', async (t) => {
  const own = new Certificates(t).selfSigned('own', 'own.test')
  const listen = { host: '127.0.0.1', port: 0, tls: own }
  const config = limited(3, { listen })
  const { weir } = await proxied(t, site, config)
  const agent = new SecureAgent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false })
  const said = await connectionHeaders(() => secureRequest({ host: '127.0.0.1', port: weir.port, agent }), 3)
  agent.destroy()
  const isWarning: LogPredicate = ({ level, msg }) =>
    level === 40 && msg.includes('limits.connectionRequests')
  const directory = mkdtempSync(join(tmpdir(), 'weir-check-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'config.json')
  writeFileSync(file, JSON.stringify({ ...config.config, upstreams: { app: ['http://127.0.0.1:9'] } }))
  const check = await runCommand('check', '--config', file)
  assert.deepEqual([check.code, check.stdout], [0, `${file} is valid\n`])
  if (namesConnections) {
    assert.deepEqual(said, [undefined, undefined, 'close'])
    assert.equal(weir.log.lines.filter(isWarning).length, 0)
    assert.equal(check.stderr, '')
  } else {
    assert.deepEqual(said, [undefined, undefined, undefined])
    const { msg } = await weir.waitForLog(isWarning, 'the warning')
    assert.ok(msg.includes(`127.0.0.1:${weir.port}`) && msg.includes(version), msg)
    assert.match(check.stderr, /^warning: limits\.connectionRequests .*no effect on 127\.0\.0\.1:0/)
  }
})
