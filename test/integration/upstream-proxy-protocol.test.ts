/** PROXY headers towards endpoints: what raw servers see of them, with and without TLS. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { Certificates, pem } from '../support/certificates.ts'
import { fetchRaw, RawClient } from '../support/raw-client.ts'
import { waitFor } from '../support/wait.ts'
import { startWeir } from '../support/weir.ts'

const v2Signature = '\r\n\r\n\0\r\nQUIT\n'
const v2Tcp4 = `${v2Signature}\x21\x11\0\x0c`
const v2Local = `${v2Signature}\x20\0\0\0`
const loopback = {
  v1: 'PROXY TCP4 127.0.0.1 0.0.0.0 0 0\r\n',
  v2: `${v2Tcp4}\x7f\0\0\x01${'\0'.repeat(8)}`,
} as const
const nobody = { v1: 'PROXY UNKNOWN\r\n', v2: v2Local } as const

interface Seen {
  header: string
  /** What followed it, decrypted. */
  text: string
}

interface RawOrigin {
  readonly port: number
  readonly connections: Seen[]
}

/** Takes the first `header.length` bytes of each connection for the header, and answers each request behind it. */
async function rawOrigin(
  t: TestContext,
  headerLength: (start: Buffer) => number,
  secure: { cert: string; key: string } | null = null,
): Promise<RawOrigin> {
  const connections: Seen[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const seen: Seen = { header: '', text: '' }
    connections.push(seen)
    sockets.add(socket)
    socket.on('error', () => {})
    const onStart = () => {
      const start: Buffer | null = socket.read()
      if (start === null) return
      socket.removeListener('readable', onStart)
      const length = headerLength(start)
      seen.header = start.subarray(0, length).toString('latin1')
      if (start.length > length) socket.unshift(start.subarray(length))
      serve(secure === null ? socket : overTls(socket, secure), seen)
    }
    socket.on('readable', onStart)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port: (server.address() as AddressInfo).port, connections }
}

function overTls(socket: Socket, { cert, key }: { cert: string; key: string }): Socket {
  return new TLSSocket(socket, { isServer: true, cert: pem(cert), key: pem(key) })
}

function serve(socket: Socket, seen: Seen): void {
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    seen.text += chunk.toString('latin1')
    // Without `Connection: close`: it is Weir that must close.
    if (seen.text.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
  })
}

/** Of a header, as a receiver would tell it (sections 2.1 and 2.2). */
const lengthOf = {
  v1: (start: Buffer) => start.indexOf('\r\n') + 2,
  v2: (start: Buffer) => 16 + start.readUInt16BE(14),
} as const

for (const version of ['v1', 'v2'] as const) {
  test(`PROXY ${version}_each request has a connection of its own that begins with the client’s address`, async (t) => {
    const origin = await rawOrigin(t, lengthOf[version])
    const app = {
      endpoints: [`http://127.0.0.1:${origin.port}`],
      health: false,
      connections: 1,
      proxyProtocol: version,
    }
    const weir = await startWeir(t, { upstreams: { app } })
    const client = await RawClient.connect(weir.port)
    for (let count = 1; count <= 5; count++) {
      assert.equal((await client.exchange()).text, 'ok')
      assert.equal(origin.connections.length, count)
    }
    client.close()
    for (const { header, text: sent } of origin.connections) {
      assert.equal(header, loopback[version])
      assert.match(sent, /^GET \/ HTTP\/1\.1\r\n/)
      assert.match(sent, /\r\nconnection: close\r\n/i)
      assert.equal(sent.split('HTTP/1.1').length, 2, 'one request')
    }
    await weir.atRest()
    const [stats] = await weir.stats()
    assert.equal(stats?.inFlight, 0)
  })

  test(`PROXY ${version} with https_the header comes before TLS, from requests and checks alike`, async (t) => {
    const { cert, key } = new Certificates(t).selfSigned('origin', 'localhost')
    const origin = await rawOrigin(t, lengthOf[version], { cert, key })
    const app = {
      endpoints: [`https://localhost:${origin.port}`],
      health: { path: '/up', interval: '50ms' },
      tls: { ca: cert },
      proxyProtocol: version,
    }
    const weir = await startWeir(t, { upstreams: { app } })
    const checks = () => origin.connections.filter(({ text: sent }) => sent.startsWith('GET /up '))
    await waitFor(() => checks().length >= 2, { what: 'two checks' })
    assert.equal((await fetchRaw(weir.port, { target: '/own' })).text, 'ok')
    const own = origin.connections.filter(({ text: sent }) => sent.startsWith('GET /own '))
    assert.deepEqual(
      own.map(({ header }) => header),
      [loopback[version]],
    )
    for (const { header } of checks()) assert.equal(header, nobody[version])
  })

  test(`PROXY ${version}_a check by connection names nobody`, async (t) => {
    const origin = await rawOrigin(t, lengthOf[version])
    const app = {
      endpoints: [`http://127.0.0.1:${origin.port}`],
      health: { interval: '50ms' },
      proxyProtocol: version,
    }
    await startWeir(t, { upstreams: { app } })
    await waitFor(() => origin.connections.filter(({ header }) => header !== '').length >= 2, {
      what: 'two checks',
    })
    assert.equal(origin.connections[0]?.header, nobody[version])
  })
}

test('a client that has no address_UNKNOWN', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'weir-unix-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const socketPath = join(directory, 'weir.sock')
  const origin = await rawOrigin(t, lengthOf.v1)
  const app = { endpoints: [`http://127.0.0.1:${origin.port}`], health: false, proxyProtocol: 'v1' }
  await startWeir(t, { listen: `unix:${socketPath}`, upstreams: { app } })
  const sent = request({ socketPath, agent: false })
  sent.end()
  const [answer] = await once(sent, 'response')
  assert.equal(await text(answer), 'ok')
  assert.equal(origin.connections[0]?.header, nobody.v1)
})

test('an endpoint that resets behind the header, within the TLS handshake_502, and nothing is left over', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.resetAndDestroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const app = {
    endpoints: [`https://127.0.0.1:${port}`],
    health: false,
    connections: 1,
    proxyProtocol: 'v2',
    // Otherwise the only endpoint would be ejected after five times, and requests refused at the gate.
    outliers: false,
    timeouts: { connect: '0s' },
  }
  const weir = await startWeir(t, { upstreams: { app } })
  for (let count = 0; count < 20; count++) {
    const answer = await fetchRaw(weir.port, { method: 'POST', body: 'x' })
    assert.deepEqual([answer.status, JSON.parse(answer.text).error], [502, 'connect_failed'])
  }
  await weir.atRest()
})
