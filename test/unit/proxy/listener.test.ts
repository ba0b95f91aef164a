import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Listener, listenerKey } from '../../../src/proxy/listener.ts'
import { loopback } from '../../support/fakes/plans.ts'
import { WatchedBinding } from '../../support/fakes/running-data-plane.ts'
import { unusedPort } from '../../support/origin.ts'
import { fetchRaw } from '../../support/raw-client.ts'
import { waitFor } from '../../support/wait.ts'
import { headerValue } from '../../support/wire.ts'

/** An address for documentation (RFC 5737): no machine has it. */
const foreign = { host: '203.0.113.1', port: 8080 }

function setUp(t: TestContext) {
  const watched = new WatchedBinding()
  const listener = new Listener(watched.binding, (res) => res.end('hello'))
  t.after(() => listener.end())
  return { watched, listener }
}

/** Does anything accept on this port? */
async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const connected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  })
  socket.destroy()
  return connected
}

async function openConnection(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

test('applied_accepts and answers on every listener', async (t) => {
  const { watched, listener } = setUp(t)
  const other = await unusedPort()
  assert.equal(listener.apply([loopback(0), loopback(other)]), null)
  for (const port of watched.ports) assert.equal((await fetchRaw(port)).text, 'hello')
})

for (const method of ['GET', 'get', 'HEAD', 'POST', 'GETS', 'PURGE']) {
  test(`${method}_handed on with its method, as it was sent`, async (t) => {
    const watched = new WatchedBinding()
    const listener = new Listener(watched.binding, (res, _request, _by, told) =>
      res.writeHeader('x-method', told).end(),
    )
    t.after(() => listener.end())
    listener.apply([loopback(0)])
    const { head } = await fetchRaw(watched.ports[0] as number, { method })
    assert.equal(headerValue(head.headers, 'x-method'), method)
  })
}

const targets = [
  '/isolated',
  '/a/b',
  '/isolated?x=/a/b',
  '/isolated/',
  '/isolatedx',
  '/ISOLATED',
  '//isolated',
  '/a',
  '/a/b/c',
  '/a/./b',
  '/',
]
for (const method of ['GET', 'POST']) {
  test(`${method}, paths that the binding’s router knows_handed on as they were sent, like all others`, async (t) => {
    const watched = new WatchedBinding()
    const listener = new Listener(watched.binding, (res, _request, _by, _method, path) => res.end(path))
    t.after(() => listener.end())
    listener.apply([loopback(0)], ['/isolated', '/a/b'])
    for (const target of targets) {
      const { text } = await fetchRaw(watched.ports[0] as number, { method, target })
      assert.equal(text, target.split('?')[0])
    }
  })
}

test('handshake for a path that the binding’s router knows_goes where handshakes go', async (t) => {
  const { watched, listener } = setUp(t)
  listener.enableWebSockets(() => ({ upgrade: (res) => void res.end('a handshake') }))
  listener.apply([loopback(0)], ['/isolated'])
  const headers = [['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ==']] as const
  for (const target of ['/isolated', '/'])
    assert.equal((await fetchRaw(watched.ports[0] as number, { target, headers })).text, 'a handshake')
})

test('applied again_opens what is new, closes what is gone, leaves the rest alone', async (t) => {
  const { watched, listener } = setUp(t)
  const [a, b, c] = [await unusedPort(), await unusedPort(), await unusedPort()]
  listener.apply([loopback(a), loopback(b)])
  listener.apply([loopback(b), loopback(c)])
  assert.deepEqual(watched.ports, [a, b, c])
  assert.deepEqual(watched.closed, [a])
  assert.deepEqual([await isOpen(a), await isOpen(b), await isOpen(c)], [false, true, true])
})

test('the same listener twice in the list_opened once', async (t) => {
  const { watched, listener } = setUp(t)
  const port = await unusedPort()
  assert.equal(listener.apply([loopback(port), loopback(port)]), null)
  assert.deepEqual(watched.ports, [port])
})

test('one cannot be bound_named, what was opened for the list is closed, what was open before stays', async (t) => {
  const { watched, listener } = setUp(t)
  const [before, beside] = [await unusedPort(), await unusedPort()]
  listener.apply([loopback(before)])
  assert.deepEqual(listener.apply([loopback(beside), foreign]), { listener: foreign, reason: null })
  assert.deepEqual(watched.closed, [beside])
  assert.deepEqual([await isOpen(before), await isOpen(beside)], [true, false])
})

/** A Unix socket's listener, by its mode. */
function unixListener(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'a.sock')
  return { folder, path, at: (mode: number) => ({ host: `unix:${path}`, port: 0, unix: { path, mode } }) }
}

for (const umask of [0, 0o077]) {
  test(`Unix socket, umask ${umask.toString(8)}_has its mode, at no time more than that, and the umask stays`, (t) => {
    const { watched, listener } = setUp(t)
    const { path, at } = unixListener(t)
    const before = process.umask(umask)
    t.after(() => process.umask(before))
    const bound: number[] = []
    watched.onUnixBound = () => bound.push(statSync(path).mode & 0o777)
    assert.equal(listener.apply([at(0o600)]), null)
    assert.equal(listener.apply([at(0o666)]), null)
    assert.deepEqual(
      bound.map((mode, index) => mode & ~[0o600, 0o666][index]!),
      [0, 0],
    )
    assert.equal(statSync(path).mode & 0o777, 0o666)
    assert.equal(process.umask(), umask)
  })
}

test('Unix socket that is gone before it has its mode_named with the reason, and closed, like all of the list', async (t) => {
  const { watched, listener } = setUp(t)
  const { path, at } = unixListener(t)
  const beside = await unusedPort()
  watched.onUnixBound = () => rmSync(path)
  const unbound = listener.apply([at(0o600), loopback(beside)])
  assert.deepEqual(unbound, { listener: at(0o600), reason: 'its mode cannot be set (ENOENT)' })
  assert.deepEqual(watched.unix, { opened: 1, closed: 1 })
  assert.deepEqual([watched.closed, await isOpen(beside)], [[beside], false])
})

test('Unix socket whose path cannot be removed any more_its listener goes all the same', (t) => {
  const { watched, listener } = setUp(t)
  const { folder, path, at } = unixListener(t)
  assert.equal(listener.apply([at(0o600)]), null)
  // Not to be removed as a file, whoever asks.
  rmSync(path)
  mkdirSync(path)
  assert.equal(listener.apply([]), null)
  assert.deepEqual(watched.unix, { opened: 1, closed: 1 })
  assert.ok(statSync(join(folder, 'a.sock')).isDirectory())
})

test('one cannot be bound beside a Unix socket whose mode changes_the socket that was open is still reached', async (t) => {
  const { listener } = setUp(t)
  const { path, at } = unixListener(t)
  assert.equal(listener.apply([at(0o600)]), null)
  assert.deepEqual(listener.apply([at(0o660), foreign]), { listener: foreign, reason: null })
  const socket = connect(path)
  await once(socket, 'connect')
  socket.destroy()
  assert.equal(listener.apply([at(0o660)]), null)
  assert.equal(statSync(path).mode & 0o777, 0o660)
})

test('certificate that cannot be used_that is the reason', (t) => {
  const { listener } = setUp(t)
  const certificate = {
    serverNames: [],
    certFile: '/nonexistent.pem',
    keyFile: '/nonexistent.key',
    passphrase: null,
  }
  const tls = { certificates: [certificate], clientCaFile: null, minVersion: '1.2', contentHash: '' } as const
  const secured = { ...loopback(0), tls }
  const reason = 'its certificate or its key cannot be used'
  assert.deepEqual(listener.apply([secured]), { listener: secured, reason })
})

test('stopped_accepts no more, open connections live on', async (t) => {
  const { watched, listener } = setUp(t)
  listener.apply([loopback(0)])
  const port = watched.ports[0] as number
  const socket = await openConnection(port)
  listener.stop()
  await waitFor(async () => !(await isOpen(port)), { what: 'the listener to be closed' })
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  assert.match(answer.toString(), /hello/)
  socket.destroy()
})

test('stopped_what has connected by then is accepted', async (t) => {
  const { watched, listener } = setUp(t)
  listener.apply([loopback(0)])
  const client = `
    const socket = require('node:net').connect(${watched.ports[0]}, '127.0.0.1')
    socket.on('connect', () => {
      require('node:fs').writeSync(1, 'connected')
      socket.write('GET / HTTP/1.1\\r\\nhost: a\\r\\n\\r\\n')
    })
    socket.on('data', (data) => { console.error(String(data)); process.exit() })
    socket.on('error', (error) => { console.error(error.code); process.exit() })`
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [told, answer] = ['told', 'answer'].map((name) => join(folder, name)) as [string, string]
  const child = spawn(process.execPath, ['-e', client], {
    stdio: ['ignore', openSync(told, 'w'), openSync(answer, 'w')],
  })
  // This thread looks at nothing else meanwhile: the connection waits in the listen socket.
  const giveUpAt = performance.now() + 20_000
  while (readFileSync(told, 'utf8') === '' && performance.now() < giveUpAt);
  listener.stop()
  await once(child, 'exit')
  assert.match(readFileSync(answer, 'utf8'), /hello/)
})

test('stopped, stopped again and ended_each listen socket is closed exactly once', async (t) => {
  const { watched, listener } = setUp(t)
  listener.apply([loopback(0), loopback(await unusedPort())])
  listener.stop()
  listener.stop()
  listener.apply([])
  listener.end()
  assert.deepEqual(watched.closed.toSorted(), watched.ports.toSorted())
})

test('ended_open connections are closed', async (t) => {
  const { watched, listener } = setUp(t)
  listener.apply([loopback(0)])
  const socket = await openConnection(watched.ports[0] as number)
  socket.on('error', () => undefined)
  await waitFor(() => listener.connections === 1, { what: 'the connection to be counted' })
  const closed = once(socket, 'close')
  listener.end()
  await closed
})

test('connections_counted up and down', async (t) => {
  const { watched, listener } = setUp(t)
  listener.apply([loopback(0)])
  const sockets = await Promise.all([1, 2, 3].map(() => openConnection(watched.ports[0] as number)))
  await waitFor(() => listener.connections === 3, {
    what: () => `3 connections, not ${listener.connections}`,
  })
  for (const socket of sockets) socket.destroy()
  await waitFor(() => listener.connections === 0, { what: () => `none, not ${listener.connections}` })
})

test('key_host and port', () => {
  assert.notEqual(listenerKey({ host: '::', port: 80 }), listenerKey({ host: '0.0.0.0', port: 80 }))
  assert.equal(listenerKey(loopback(80)), listenerKey(loopback(80)))
})
