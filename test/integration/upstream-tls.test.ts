/** Endpoints behind https: who is trusted, by which name, and how often a connection is made. Real servers, real handshakes. */
import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { TLSSocket, TlsOptions } from 'node:tls'
import { Certificates, pem } from '../support/certificates.ts'
import { fetchRaw } from '../support/raw-client.ts'
import { waitFor } from '../support/wait.ts'
import { startWeir } from '../support/weir.ts'

interface SecureOrigin {
  readonly url: string
  readonly byName: string
  /** Of each connection: whether its session was resumed, and the name that was asked for. */
  readonly handshakes: { readonly resumed: boolean; readonly name: string | false }[]
  readonly requests: IncomingMessage[]
}

const plain = (_request: IncomingMessage, response: ServerResponse) => void response.end('secure')

async function secureOrigin(
  t: TestContext,
  options: TlsOptions,
  answer: (request: IncomingMessage, response: ServerResponse) => void = plain,
): Promise<SecureOrigin> {
  const handshakes: SecureOrigin['handshakes'] = []
  const requests: IncomingMessage[] = []
  const server = createServer(options, (request, response) => {
    requests.push(request)
    answer(request, response)
  })
  server.on('secureConnection', (socket: TLSSocket & { servername?: string | false }) =>
    handshakes.push({ resumed: socket.isSessionReused(), name: socket.servername ?? false }),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `https://127.0.0.1:${port}`, byName: `https://localhost:${port}`, handshakes, requests }
}

/** Weir in front of one https endpoint. */
function before(t: TestContext, url: string, tls?: object, settings: object = {}) {
  const app = { endpoints: [url], health: false, ...(tls === undefined ? undefined : { tls }), ...settings }
  return startWeir(t, { upstreams: { app } })
}

test('an endpoint is verified by default, and trusted by its own authority or not at all where asked', async (t) => {
  const files = new Certificates(t)
  const { cert, key } = files.selfSigned('origin', 'localhost')
  const { cert: other } = files.selfSigned('other', 'localhost')
  const origin = await secureOrigin(t, { cert: pem(cert), key: pem(key) })
  for (const [tls, status] of [
    [undefined, 502],
    [{ ca: other }, 502],
    [{ ca: cert }, 200],
    [{ ca: cert, servername: 'localhost' }, 200],
    [{ ca: cert, servername: 'elsewhere.example' }, 502],
    [{ verify: false }, 200],
  ] as const) {
    const weir = await before(t, origin.url, tls)
    const answer = await fetchRaw(weir.port, { method: 'POST', body: 'x' })
    assert.equal(answer.status, status, JSON.stringify(tls))
    if (status === 502) assert.equal(JSON.parse(answer.text).error, 'connect_failed')
    else assert.equal(answer.text, 'secure')
    await weir.atRest()
  }
  assert.equal(origin.requests.length, 3)
})

test('the name asked for is the endpoint’s or the configured one, never the client’s Host, and one connection serves all', async (t) => {
  const files = new Certificates(t)
  const { cert, key } = files.selfSigned('origin', 'localhost')
  const origin = await secureOrigin(t, { cert: pem(cert), key: pem(key) })
  for (const [url, tls, name] of [
    [origin.byName, { ca: cert }, 'localhost'],
    [origin.url, { ca: cert }, false],
    [origin.url, { ca: cert, servername: 'localhost' }, 'localhost'],
  ] as const) {
    origin.handshakes.length = 0
    const weir = await before(t, url, tls, { connections: 1 })
    for (const host of ['a.example', 'b.example', 'a.example', 'localhost']) {
      const answer = await fetchRaw(weir.port, { headers: [['Host', host]] })
      assert.equal(answer.status, 200)
      assert.equal(origin.requests.at(-1)?.headers.host, host)
    }
    assert.deepEqual(origin.handshakes, [{ resumed: false, name }])
  }
})

test('sessions are resumed when a connection is made anew', async (t) => {
  const files = new Certificates(t)
  const { cert, key } = files.selfSigned('origin', 'localhost')
  const origin = await secureOrigin(t, { cert: pem(cert), key: pem(key) }, (_request, response) => {
    response.setHeader('connection', 'close')
    response.end('secure')
  })
  const weir = await before(t, origin.url, { ca: cert })
  for (let count = 0; count < 4; count++) assert.equal((await fetchRaw(weir.port)).status, 200)
  assert.equal(origin.handshakes.length, 4)
  assert.ok(origin.handshakes.slice(1).some(({ resumed }) => resumed))
})

test('a client certificate is shown to an endpoint that requires one', async (t) => {
  const files = new Certificates(t)
  const { cert, key } = files.selfSigned('origin', 'localhost')
  const client = files.selfSigned('client', 'weir')
  const options = {
    cert: pem(cert),
    key: pem(key),
    ca: pem(client.cert),
    requestCert: true,
    rejectUnauthorized: true,
  }
  const origin = await secureOrigin(t, options)
  const without = await before(t, origin.url, { ca: cert })
  assert.equal((await fetchRaw(without.port)).status, 502)
  const weir = await before(t, origin.url, { ca: cert, ...client })
  assert.equal((await fetchRaw(weir.port)).text, 'secure')
})

test('the health check trusts as the workers do', async (t) => {
  const files = new Certificates(t)
  const { cert, key } = files.selfSigned('origin', 'localhost')
  const origin = await secureOrigin(t, { cert: pem(cert), key: pem(key) })
  const health = { path: '/up', interval: '50ms', unhealthyAfter: 1 }
  const weir = await before(t, origin.url, { ca: cert }, { health })
  await waitFor(() => origin.requests.filter(({ url }) => url === '/up').length >= 3, {
    what: 'three checks',
  })
  assert.equal((await fetchRaw(weir.port)).status, 200)
  const distrusting = await before(t, origin.url, undefined, { health })
  await waitFor(async () => (await fetchRaw(distrusting.port)).status === 503, {
    what: 'the endpoint to be out',
  })
})

test('authorities are read again at a reload, and connections made by the old ones are left', async (t) => {
  const files = new Certificates(t)
  const { cert, key } = files.selfSigned('origin', 'localhost')
  const ca = files.path('ca.pem')
  copyFileSync(cert, ca)
  const origin = await secureOrigin(t, { cert: pem(cert), key: pem(key) })
  const weir = await before(t, origin.url, { ca })
  const reload = async () => {
    const from = weir.log.lines.length
    weir.signal('SIGHUP')
    await weir.waitForLog(({ msg }) => msg === 'configuration reloaded', 'the reload', from)
  }
  assert.equal((await fetchRaw(weir.port)).status, 200)
  copyFileSync(files.selfSigned('other', 'localhost').cert, ca)
  await reload()
  assert.equal((await fetchRaw(weir.port)).status, 502)
  copyFileSync(cert, ca)
  await reload()
  assert.equal((await fetchRaw(weir.port)).status, 200)
})
