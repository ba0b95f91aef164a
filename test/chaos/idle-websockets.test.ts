/**
 * Many bridged WebSockets that do nothing: what each costs the worker, and that none stays when the clients have gone.
 *
 * `WEIR_WEBSOCKETS=10000 WEIR_WORKERS=2 node test/run.ts chaos/idle-websockets` gives the figures of native-notes/15-websockets.md. A
 * worker needs two file descriptors for each, so 10,000 in one need a limit above 20,000.
 */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { upstreamOf } from '../support/proxied.ts'
import { type StatsLine, startWeir } from '../support/weir.ts'

const count = Number(process.env.WEIR_WEBSOCKETS ?? 1_000)
const workers = Number(process.env.WEIR_WORKERS ?? 1)
const atOnce = 50
const kibibyte = 1_024

async function origin(t: TestContext): Promise<string> {
  const child = fork(join(import.meta.dirname, '../support/socket-origin-child.ts'), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  t.after(() => child.kill('SIGKILL'))
  const [port] = await once(child, 'message')
  return `http://127.0.0.1:${port}`
}

const handshake =
  'GET / HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'

/** A frame `ping!` from the client, masked with zeros, and what an echo of it looks like. */
const frame = Buffer.from([0x81, 0x85, 0, 0, 0, 0, ...Buffer.from('ping!')])
const echoed = Buffer.from([0x81, 0x05, ...Buffer.from('ping!')])

async function open(port: number, sockets: Socket[]): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => undefined)
  socket.write(handshake)
  let answer = ''
  while (!answer.includes('\r\n\r\n')) answer += String((await once(socket, 'data'))[0])
  assert.match(answer, /^HTTP\/1\.1 101 /)
}

function sum(lines: readonly StatsLine[], of: 'webSockets' | 'rssBytes' | 'heapUsedBytes'): number {
  return lines.reduce((total, line) => total + line[of], 0)
}

test(`${count} idle WebSockets: less than 64 KiB each in ${workers} worker(s), and nothing is left of them`, async (t) => {
  const sockets: Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  const upstreams = { app: upstreamOf([{ url: await origin(t) }]) }
  const weir = await startWeir(t, { upstreams, workers })
  for (let warm = 0; warm < 20; warm++) await open(weir.port, sockets)
  const before = await weir.stats()
  for (let opened = 0; opened < count; opened += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, () => open(weir.port, sockets)))
  }
  const after = await weir.stats()
  assert.equal(sum(after, 'webSockets'), count + 20)
  const each = (of: 'rssBytes' | 'heapUsedBytes') => (sum(after, of) - sum(before, of)) / count / kibibyte
  t.diagnostic(
    `${each('rssBytes').toFixed(1)} KiB of memory each, ${each('heapUsedBytes').toFixed(1)} KiB of them on the heap`,
  )
  assert.ok(each('rssBytes') < 64)
  // They all still work.
  for (const socket of [sockets[0]!, sockets[count / 2]!, sockets.at(-1)!]) {
    socket.write(frame)
    assert.deepEqual((await once(socket, 'data'))[0], echoed)
  }
  for (const socket of sockets) socket.destroy()
  await weir.waitForStats((total) => total.inFlight === 0 && total.connections === 0, 'nothing to be left')
  assert.equal(sum(await weir.stats(), 'webSockets'), 0)
})
