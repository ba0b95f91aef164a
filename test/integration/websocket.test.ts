/** WebSockets through Weir: a real server and a real client (`ws`), and raw bytes for handshakes that are wrong. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, createServer as createNetServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import WebSocket, { type ClientOptions, WebSocketServer } from 'ws'
import { Certificates, pem } from '../support/certificates.ts'
import { upstreamOf } from '../support/proxied.ts'
import { fetchRaw, RawClient } from '../support/raw-client.ts'
import { Gate, waitFor, within } from '../support/wait.ts'
import { type StatsLine, startWeir, type WeirConfig } from '../support/weir.ts'

interface SocketOrigin {
  readonly url: string
  /** The server's ends, in order. */
  readonly sockets: WebSocket[]
  readonly handshakes: IncomingMessage[]
}

/** What the server says by target, instead of agreeing. */
const answers: Readonly<Record<string, string>> = {
  '/forbidden':
    'HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nWWW-Authenticate: Test\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n' +
    'Connection: close\r\nContent-Length: 3\r\n\r\nno\n',
  '/cut': 'HTTP/1.1 403 Forbidden\r\nContent-Length: 30\r\n\r\nno\n',
  '/nonsense': 'nonsense\r\n\r\n',
  '/long-refusal': `HTTP/1.1 403 Forbidden\r\nX-Long: ${'a'.repeat(15_000)}\r\nContent-Length: 0\r\n\r\n`,
  // Accepts the key of `handshake`, were it that one; Weir sends one of its own.
  '/odd':
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
}

/** @param onSocket what the server does with a socket; it echoes if that is not given */
async function socketOrigin(
  t: TestContext,
  onSocket: (socket: WebSocket) => void = echo,
  host = '127.0.0.1',
): Promise<SocketOrigin> {
  const sockets: WebSocket[] = []
  const handshakes: IncomingMessage[] = []
  const server = createServer((_request, response) => void response.end('plain'))
  const protocols = (offered: Set<string>) => (offered.has('second') ? 'second' : false)
  const wss = new WebSocketServer({ noServer: true, handleProtocols: protocols, autoPong: true })
  wss.on('headers', (headers, { url }) => {
    if (url === '/fields')
      headers.push('Set-Cookie: a=1', 'X-Hop: 1', 'Connection: X-Hop', 'Set-Cookie: b=\xe9', 'Date: never')
    if (url === '/many-fields') headers.push(`X-Long: ${'a'.repeat(15_000)}`)
  })
  server.on('upgrade', (request, socket, head) => {
    handshakes.push(request)
    socket.on('error', () => {})
    const instead = answers[request.url as string]
    if (instead !== undefined) {
      socket.end(instead)
      return
    }
    wss.handleUpgrade(request, socket, head, (accepted) => {
      sockets.push(accepted)
      onSocket(accepted)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  t.after(() => {
    for (const socket of sockets) socket.terminate()
    server.closeAllConnections()
    server.close()
  })
  const name = host.includes(':') ? `[${host}]` : host
  return { url: `http://${name}:${(server.address() as AddressInfo).port}`, sockets, handshakes }
}

function echo(socket: WebSocket): void {
  socket.on('message', (data, binary) => socket.send(data, { binary }))
}

async function bridged(t: TestContext, onSocket?: (socket: WebSocket) => void, config: WeirConfig = {}) {
  const origin = await socketOrigin(t, onSocket)
  const weir = await startWeir(t, { upstreams: { app: upstreamOf([origin]) }, ...config })
  const connect = async (path = '/', protocols: string[] = []) => {
    const client = new WebSocket(`ws://127.0.0.1:${weir.port}${path}`, protocols, { autoPong: true })
    t.after(() => client.terminate())
    await once(client, 'open')
    return client
  }
  return { origin, weir, connect }
}

test('100,000 messages of mixed sizes go through and come back, in order and unchanged', async (t) => {
  const { weir, connect } = await bridged(t)
  const client = await connect()
  const total = 100_000
  const window = 64
  const sent = createHash('sha256')
  const received = createHash('sha256')
  let next = 0
  let back = 0
  const send = (): void => {
    const size = next % 1_000 === 999 ? 100_000 : (next * 37) % 300
    const message = Buffer.alloc(size, next % 127)
    sent.update(`${next % 2} ${size} `).update(message)
    client.send(message, { binary: next % 2 === 0 && size > 0 })
    next++
  }
  await new Promise<void>((resolve) => {
    client.on('message', (data: Buffer) => {
      received.update(`${back % 2} ${data.length} `).update(data)
      back++
      if (next < total) send()
      else if (back === total) resolve()
    })
    while (next < window) send()
  })
  assert.equal(received.digest('hex'), sent.digest('hex'))
  client.close()
  await weir.atRest()
})

test('text stays text, binary binary, fragments become one message', async (t) => {
  const { connect } = await bridged(t)
  const client = await connect()
  const got: [string, boolean][] = []
  client.on('message', (data: Buffer, binary) => got.push([data.toString(), binary]))
  client.send('grüße')
  client.send(Buffer.from('bytes'))
  client.send('one, ', { fin: false })
  client.send('two', { fin: true })
  client.send('')
  await waitFor(() => got.length === 4, { what: 'four messages' })
  assert.deepEqual(got, [
    ['grüße', false],
    ['bytes', true],
    ['one, two', false],
    ['', false],
  ])
})

test('the endpoint chooses the subprotocol, and gets the client’s fields and target as they are', async (t) => {
  const { origin, connect } = await bridged(t)
  assert.equal((await connect('/a//b?c=%2e', ['first', 'second'])).protocol, 'second')
  assert.equal((await connect('/', [])).protocol, '')
  const [{ url, headers }] = origin.handshakes as [IncomingMessage]
  assert.equal(url, '/a//b?c=%2e')
  assert.equal(headers['x-forwarded-for'], '127.0.0.1')
  assert.equal(headers['sec-websocket-protocol']?.replaceAll(' ', ''), 'first,second')
  assert.equal(headers['sec-websocket-extensions'], undefined)
})

test('close codes and reasons go both ways', async (t) => {
  const { origin, weir, connect } = await bridged(t)
  for (const [code, reason] of [
    [1000, 'bye'],
    [4321, 'mine'],
    [1011, ''],
    [undefined, ''],
  ] as const) {
    const byClient = await connect()
    const atOrigin = once(origin.sockets.at(-1)!, 'close')
    byClient.close(code, reason)
    const [gotCode, gotReason] = await atOrigin
    assert.deepEqual([gotCode, String(gotReason)], [code ?? 1005, reason])

    const client = await connect()
    const atClient = once(client, 'close')
    origin.sockets.at(-1)!.close(code, reason)
    const [backCode, backReason] = await atClient
    assert.deepEqual([backCode, String(backReason)], [code ?? 1005, reason])
  }
  const client = await connect()
  const broken = once(origin.sockets.at(-1)!, 'close')
  client.terminate()
  assert.equal((await broken)[0], 1006)
  const other = await connect()
  const cut = once(other, 'close')
  origin.sockets.at(-1)!.terminate()
  assert.equal((await cut)[0], 1006)
  await weir.atRest()
})

test('ping and pong go both ways', async (t) => {
  const { origin, connect } = await bridged(t)
  const client = await connect()
  const server = origin.sockets.at(-1)!
  const atServer = once(server, 'ping')
  const answered = once(client, 'pong')
  client.ping('from client')
  assert.equal(String((await atServer)[0]), 'from client')
  assert.equal(String((await answered)[0]), 'from client')
  const atClient = once(client, 'ping')
  const back = once(server, 'pong')
  server.ping('from server')
  assert.equal(String((await atClient)[0]), 'from server')
  assert.equal(String((await back)[0]), 'from server')
})

const handshake: [string, string][] = [
  ['Host', 'test'],
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
]
const current: [string, string] = ['Sec-WebSocket-Version', '13']

test('a refusal of the endpoint’s is passed on as it is; a wrong version gets 426; without Upgrade it is a request', async (t) => {
  const { weir } = await bridged(t)
  const forbidden = await fetchRaw(weir.port, { target: '/forbidden', headers: [...handshake, current] })
  assert.deepEqual([forbidden.status, forbidden.text], [403, 'no\n'])
  assert.deepEqual(
    [forbidden.header('www-authenticate'), forbidden.header('content-type'), forbidden.headers('set-cookie')],
    ['Test', 'text/plain', ['a=1', 'b=2']],
  )
  const cut = await fetchRaw(weir.port, { target: '/cut', headers: [...handshake, current] })
  assert.deepEqual([cut.status, JSON.parse(cut.text).error], [502, 'endpoint_reset'])
  const nonsense = await fetchRaw(weir.port, { target: '/nonsense', headers: [...handshake, current] })
  assert.deepEqual([nonsense.status, JSON.parse(nonsense.text).error], [502, 'bad_response'])
  const old = await fetchRaw(weir.port, { headers: [...handshake, ['Sec-WebSocket-Version', '8']] })
  assert.deepEqual([old.status, old.header('sec-websocket-version')], [426, '13'])
  for (const missing of ['Upgrade', 'Connection']) {
    const headers = [...handshake.filter(([name]) => name !== missing), current]
    const ordinary = await fetchRaw(weir.port, { headers })
    assert.deepEqual([ordinary.status, ordinary.text], [200, 'plain'])
  }
  const long = await fetchRaw(weir.port, { target: '/long-refusal', headers: [...handshake, current] })
  assert.deepEqual([long.status, JSON.parse(long.text).error], [502, 'bad_response'])
  const line = await weir.waitForLog(({ target }) => target === '/long-refusal', 'its line')
  assert.match(
    String(line.reason),
    /^the head has 1[45]\d{3} bytes, and no more than 14000 can be passed on$/,
  )
  const faulty = await fetchRaw(weir.port, { target: '/../x', headers: [...handshake, current] })
  assert.equal(faulty.status, 400)
  await weir.atRest()
  const [{ outcomes }] = (await weir.stats()) as [StatsLine]
  assert.deepEqual(outcomes, {
    completed: 3,
    endpoint_reset: 1,
    bad_response: 2,
    websocket_version: 1,
    bad_request: 1,
  })
})

test('what else an agreement says reaches the client, first WebSocket of the worker or not; too much of it is a bad answer', async (t) => {
  const { weir } = await bridged(t)
  for (let count = 0; count < 3; count++) {
    const client = new WebSocket(`ws://127.0.0.1:${weir.port}/fields`)
    const [[{ rawHeaders }]] = (await Promise.all([once(client, 'upgrade'), once(client, 'open')])) as [
      [IncomingMessage],
      unknown,
    ]
    const fields = rawHeaders.join('|')
    assert.match(fields, /^Set-Cookie\|a=1\|Set-Cookie\|b=\xc3\xa9\|/, 'bytes as `ws` has sent them, UTF-8')
    assert.doesNotMatch(fields, /x-hop/i)
    assert.equal(rawHeaders.filter((name) => name.toLowerCase() === 'date').length, 1)
    client.send('hello')
    assert.equal(String((await once(client, 'message'))[0]), 'hello')
  }
  const answer = await fetchRaw(weir.port, { target: '/many-fields', headers: [...handshake, current] })
  assert.deepEqual([answer.status, JSON.parse(answer.text).error], [502, 'bad_response'])
  const line = await weir.waitForLog(({ outcome }) => outcome === 'bad_response', 'its line')
  assert.match(
    String(line.reason),
    /^the head has 1[45]\d{3} bytes, and no more than 14000 can be passed on$/,
  )
})

test('an agreement to another handshake is a bad answer', async (t) => {
  const { weir } = await bridged(t)
  const answer = await fetchRaw(weir.port, { target: '/odd', headers: [...handshake, current] })
  assert.deepEqual([answer.status, JSON.parse(answer.text).error], [502, 'bad_response'])
  await weir.atRest()
})

test('an endpoint that cannot be reached: another is tried, and without another it is 502', async (t) => {
  const origin = await socketOrigin(t)
  const dead = { url: 'http://127.0.0.1:9' }
  const weir = await startWeir(t, { upstreams: { app: upstreamOf([dead, origin]) } })
  for (let count = 0; count < 3; count++) {
    const client = new WebSocket(`ws://127.0.0.1:${weir.port}/`)
    await once(client, 'open')
    client.close()
  }
  await weir.atRest()
  const nobody = await startWeir(t, { upstreams: { app: upstreamOf([dead]) } })
  const failed = await fetchRaw(nobody.port, { headers: [...handshake, current] })
  assert.deepEqual([failed.status, JSON.parse(failed.text).error], [502, 'connect_failed'])
  await nobody.atRest()
})

const interfaces = Object.values(networkInterfaces()).flat()
const skip = interfaces.some((one) => one?.address === '::1') ? false : 'no IPv6 on this machine'

test('an endpoint that is an IPv6 address, with TLS or without: it is reached, and not ejected', {
  skip,
}, async (t) => {
  const origin = await socketOrigin(t, undefined, '::1')
  const files = new Certificates(t)
  const { cert, key } = files.selfSigned('other', 'other.test')
  const server = createSecureServer({ cert: pem(cert), key: pem(key) })
  new WebSocketServer({ server }).on('connection', echo)
  await new Promise<void>((resolve) => server.listen(0, '::1', resolve))
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  const secure = { url: `https://[::1]:${(server.address() as AddressInfo).port}` }
  // By name, since Node 22.23 finds no IPv6 address in a certificate that has it.
  const tls = { ca: cert, servername: 'other.test' }
  for (const app of [upstreamOf([origin]), upstreamOf([secure], { tls })]) {
    const weir = await startWeir(t, { upstreams: { app } })
    const client = new WebSocket(`ws://127.0.0.1:${weir.port}/`)
    t.after(() => client.terminate())
    await once(client, 'open')
    const back = once(client, 'message')
    client.send('hello')
    assert.equal(String((await back)[0]), 'hello')
    client.close()
    await weir.atRest()
    const [{ endpoints }] = (await weir.stats()) as [StatsLine]
    assert.deepEqual(
      endpoints.map(({ outlier }) => outlier),
      ['in'],
    )
  }
})

test('an endpoint that does not answer the handshake: 504, and a client that leaves meanwhile leaves nothing', async (t) => {
  const silent = createServer()
  silent.on('upgrade', (_request, socket) => void socket.on('error', () => {}))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  t.after(() => silent.close())
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  const patient = await startWeir(t, { upstreams: { app: upstreamOf([{ url }]) } })
  const leaver = await RawClient.connect(patient.port)
  await leaver.request({ headers: [...handshake, current] })
  await patient.waitForStats((sum) => sum.inFlight === 1, 'a handshake under way')
  leaver.close()
  await patient.atRest()
  const timeouts = { connect: '1s', headers: '200ms' }
  const hasty = await startWeir(t, { upstreams: { app: upstreamOf([{ url }], { timeouts }) } })
  const late = await fetchRaw(hasty.port, { headers: [...handshake, current] })
  assert.deepEqual([late.status, JSON.parse(late.text).error], [504, 'headers_timeout'])
  await hasty.atRest()
})

test('limits: too many are refused, and there is room again when one has gone', async (t) => {
  const { weir, connect } = await bridged(t, undefined, { websocket: { connections: 1 } })
  const client = await connect()
  const second = await fetchRaw(weir.port, { headers: [...handshake, current] })
  assert.deepEqual([second.status, JSON.parse(second.text).error], [503, 'websockets_full'])
  const [line] = (await weir.stats()) as [StatsLine]
  assert.deepEqual([line.inFlight, line.webSockets], [1, 1])
  client.close()
  await weir.atRest()
  assert.equal((await connect()).readyState, WebSocket.OPEN)
})

test('idle: a client that says nothing, not even a pong, is closed, and one that answers pings is not', async (t) => {
  const { origin, weir, connect } = await bridged(t, undefined, { websocket: { idle: '8s' } })
  const answers = await connect()
  let pings = 0
  answers.on('ping', () => pings++)
  const silent = new WebSocket(`ws://127.0.0.1:${weir.port}/`, [], { autoPong: false })
  t.after(() => silent.terminate())
  await once(silent, 'open')
  const atOrigin = once(origin.sockets.at(-1)!, 'close')
  const closed = once(silent, 'close')
  assert.equal((await within(closed, 30_000, 'the end of the silent client'))[0], 1006)
  assert.equal((await atOrigin)[0], 1006)
  await waitFor(() => pings > 1, { what: 'a second ping', timeoutMs: 30_000 })
  const back = once(answers, 'message')
  answers.send('still here')
  assert.equal(String((await back)[0]), 'still here')
  const [{ outcomes }] = (await weir.stats()) as [StatsLine]
  assert.deepEqual(outcomes, { client_stalled: 1 })
})

test('limits: a message that is too long ends the WebSocket, either way', async (t) => {
  const { origin, weir, connect } = await bridged(t, undefined, { websocket: { payload: '1KiB' } })
  const client = await connect()
  const atOrigin = once(origin.sockets.at(-1)!, 'close')
  const fits = once(client, 'message')
  client.send(Buffer.alloc(1_024))
  assert.equal(((await fits)[0] as Buffer).length, 1_024)
  const cut = once(client, 'close')
  client.send(Buffer.alloc(1_025))
  // The binding cuts the client off; the endpoint is told why.
  assert.equal((await cut)[0], 1006)
  assert.equal((await atOrigin)[0], 1009)
  await weir.atRest()
  const next = await connect()
  const closed = once(next, 'close')
  const originToo = once(origin.sockets.at(-1)!, 'close')
  origin.sockets.at(-1)!.send(Buffer.alloc(1_025))
  assert.equal((await closed)[0], 1009)
  assert.equal((await originToo)[0], 1009)
  await weir.atRest()
  const [{ outcomes }] = (await weir.stats()) as [StatsLine]
  assert.deepEqual(outcomes, { body_too_large: 1, response_truncated: 1 })
})

test('WebSockets take no places: with all of them taken a handshake still goes through, and the other way round', async (t) => {
  const gate = new Gate()
  const server = createServer(async (request, response) => {
    if (request.url === '/held') await gate.pass()
    response.end('plain')
  })
  const wss = new WebSocketServer({ server })
  wss.on('connection', echo)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  t.after(() => server.closeAllConnections())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const weir = await startWeir(t, { upstreams: { app: upstreamOf([{ url }], { connections: 1 }) } })
  const held = fetchRaw(weir.port, { target: '/held' })
  await gate.reached(1)
  const client = new WebSocket(`ws://127.0.0.1:${weir.port}/`)
  t.after(() => client.terminate())
  await once(client, 'open')
  gate.open()
  assert.equal((await held).status, 200)
  assert.equal((await fetchRaw(weir.port)).status, 200)
  client.close()
  await weir.atRest()
})

test('a client that does not read: its endpoint is paused, and nothing is lost', async (t) => {
  const message = Buffer.alloc(65_536, 7)
  const total = 600
  const { origin, weir, connect } = await bridged(t, () => {})
  const client = await connect()
  client.pause()
  const server = origin.sockets.at(-1)!
  for (let count = 0; count < total; count++) server.send(message)
  await waitFor(() => server.bufferedAmount > 0, { what: 'the endpoint to be held up' })
  let bytes = 0
  client.on('message', (data: Buffer) => {
    bytes += data.length
  })
  client.resume()
  await waitFor(() => bytes === total * message.length, { what: 'every message' })
  client.close()
  await weir.atRest()
})

test('an endpoint that does not read: its client is closed with 1013, and the worker holds a bounded amount', async (t) => {
  const { origin, weir, connect } = await bridged(t, (socket) => socket.pause(), {
    websocket: { payload: '1MiB' },
  })
  const client = await connect()
  const [before] = (await weir.stats()) as [StatsLine]
  const closed = once(client, 'close')
  const message = Buffer.alloc(262_144)
  let open = true
  void closed.then(() => {
    open = false
  })
  for (let sent = 0; open && sent < 1_000; sent++) {
    await new Promise((resolve) => client.send(message, resolve))
  }
  assert.equal((await closed)[0], 1013)
  const [after] = (await weir.stats()) as [StatsLine]
  const grown = after.rssBytes - before.rssBytes
  assert.ok(grown < 64 * 1024 ** 2, `grown by ${grown} bytes`)
  origin.sockets.at(-1)!.terminate()
  await weir.atRest()
})

test('over TLS on both sides: the endpoint is verified, and a wrong authority is 502', async (t) => {
  const files = new Certificates(t)
  const { cert, key } = files.selfSigned('weir', 'weir.test')
  const named = files.selfSigned('named', 'named.test')
  const other = files.selfSigned('other', 'localhost')
  const server = createSecureServer({ cert: pem(other.cert), key: pem(other.key) })
  const wss = new WebSocketServer({ server })
  wss.on('connection', echo)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const listen = {
    host: '127.0.0.1',
    port: 0,
    tls: { cert, key, certificates: [{ serverNames: ['named.test'], ...named }] },
  }
  const secure = (tls: object) =>
    startWeir(t, {
      listen,
      upstreams: { app: { endpoints: [`https://localhost:${port}`], health: false, tls } },
    })
  const weir = await secure({ ca: other.cert })
  for (const servername of ['weir.test', 'named.test']) {
    const ca = pem(servername === 'weir.test' ? cert : named.cert)
    const client = new WebSocket(`wss://127.0.0.1:${weir.port}/`, [], { ca, servername } as ClientOptions)
    await once(client, 'open')
    const back = once(client, 'message')
    client.send('secret')
    assert.equal(String((await back)[0]), 'secret')
    client.close()
  }
  await weir.atRest()
  const wary = await secure({ ca: cert })
  const client = new WebSocket(`wss://127.0.0.1:${wary.port}/`, { rejectUnauthorized: false })
  client.on('error', () => undefined)
  const [, response] = await once(client, 'unexpected-response')
  assert.equal((response as IncomingMessage).statusCode, 502)
  client.terminate()
  await wary.atRest()
})

test('an endpoint on a Unix socket, and one that wants a PROXY header', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'weir-websocket-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'app.sock')
  const server = createServer()
  new WebSocketServer({ server }).on('connection', echo)
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  const headers: string[] = []
  // Takes the header's line off, and hands the connection on.
  const behindHeader = createNetServer((socket) => {
    socket.once('readable', () => {
      const start = String(socket.read())
      const end = start.indexOf('\r\n') + 2
      headers.push(start.slice(0, end))
      socket.unshift(Buffer.from(start.slice(end)))
      server.emit('connection', socket)
    })
  })
  await new Promise<void>((resolve) => behindHeader.listen(0, '127.0.0.1', resolve))
  t.after(() => behindHeader.close())
  const url = `http://127.0.0.1:${(behindHeader.address() as AddressInfo).port}`
  for (const app of [upstreamOf([{ url: `unix:${path}` }]), upstreamOf([{ url }], { proxyProtocol: 'v1' })]) {
    const weir = await startWeir(t, { upstreams: { app } })
    const client = new WebSocket(`ws://127.0.0.1:${weir.port}/`)
    await once(client, 'open')
    const back = once(client, 'message')
    client.send('hello')
    assert.equal(String((await back)[0]), 'hello')
    client.close()
    await weir.atRest()
  }
  assert.deepEqual(headers, ['PROXY TCP4 127.0.0.1 0.0.0.0 0 0\r\n'])
})

test('a WebSocket counts among the connections while it lives, and not afterwards', async (t) => {
  const { weir, connect } = await bridged(t, undefined, { limits: { connections: 2 } })
  for (let round = 0; round < 4; round++) {
    const clients = [await connect(), await connect()]
    await weir.waitForStats((sum) => sum.connections === 2, 'two connections')
    for (const client of clients) client.close()
    await weir.waitForStats((sum) => sum.connections === 0, 'no connection')
  }
})

test('draining closes both sides with 1001', async (t) => {
  const { origin, weir, connect } = await bridged(t)
  const client = await connect()
  const ends = Promise.all([once(client, 'close'), once(origin.sockets.at(-1)!, 'close')])
  const ended = weir.stop()
  const [[atClient], [atOrigin]] = await ends
  assert.deepEqual([atClient, atOrigin], [1001, 1001])
  await ended
})
