/** More connections than `limits.connections`: those above are closed as they come, those within are served. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { Certificates } from '../support/certificates.ts'
import { ok } from '../support/origin-behaviours.ts'
import { isAlive } from '../support/process-info.ts'
import { proxied } from '../support/proxied.ts'

const max = 20

test('connections above the limit are closed, thousands of times, and their places come back', async (t) => {
  const all = await proxied(t, ok('served'), { config: { limits: { connections: max } } })
  const pid = all.weir.workerPid()
  const within = await Promise.all(Array.from({ length: max }, () => all.connect()))
  await all.weir.waitForStats((sum) => sum.connections === max, 'all within the limit connected')

  for (let round = 0; round < 20; round++) {
    const above = await Promise.all(Array.from({ length: 100 }, () => refused(all.weir.port)))
    assert.deepEqual(new Set(above), new Set(['']), 'none gets a byte')
  }
  for (const client of within) assert.equal((await client.exchange()).text, 'served')
  for (const client of within) client.close()
  await all.weir.waitForStats((sum) => sum.connections === 0, 'no connection left')
  assert.equal((await all.fetch()).text, 'served')
  assert.ok(isAlive(pid) && all.weir.workerPid() === pid)
})

/** What a client gets that asks and is closed. */
function refused(port: number): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', () => undefined)
    socket.on('data', (piece) => {
      received += piece
    })
    socket.on('close', () => resolve(received))
    socket.write('GET / HTTP/1.1\r\nhost: test\r\n\r\n')
  })
}

test('connections above the limit over TLS are closed before the handshake', async (t) => {
  const own = new Certificates(t).selfSigned('own', 'own.test')
  const listen = { host: '127.0.0.1', port: 0, tls: own }
  const all = await proxied(t, ok('served'), { config: { listen, limits: { connections: max } } })
  const pid = all.weir.workerPid()
  const options = { host: '127.0.0.1', port: all.weir.port, rejectUnauthorized: false }
  const within = await Promise.all(Array.from({ length: max }, () => tlsClient(options)))
  assert.deepEqual(new Set(within.map(({ secure }) => secure)), new Set([true]))
  for (let round = 0; round < 5; round++) {
    const above = await Promise.all(Array.from({ length: 100 }, () => tlsClient(options)))
    assert.deepEqual(new Set(above.map(({ secure }) => secure)), new Set([false]))
  }
  for (const { socket } of within) socket.destroy()
  await all.weir.waitForStats((sum) => sum.connections === 0, 'no connection left')
  const last = await tlsClient(options)
  assert.equal(last.secure, true)
  last.socket.destroy()
  assert.ok(isAlive(pid) && all.weir.workerPid() === pid)
})

/** Connected once the handshake is done, or closed before. */
function tlsClient(options: ConnectionOptions): Promise<{ socket: TLSSocket; secure: boolean }> {
  return new Promise((resolve) => {
    const socket = connectTls(options)
    socket.on('error', () => undefined).resume()
    socket.once('secureConnect', () => resolve({ socket, secure: true }))
    socket.once('close', () => resolve({ socket, secure: false }))
  })
}
