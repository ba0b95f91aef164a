/** Listeners with TLS: clients of all kinds, certificates by name, a reload, client certificates, and the way to https. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { renameSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { Certificates, pem } from '../support/certificates.ts'
import { ok } from '../support/origin-behaviours.ts'
import { proxied } from '../support/proxied.ts'
import { fetchRaw } from '../support/raw-client.ts'
import { waitFor } from '../support/wait.ts'
import { headerValue } from '../support/wire.ts'

interface Answer {
  readonly status: number
  readonly text: string
}

/** One request over TLS, on a connection of its own unless there is an agent. */
async function fetchTls(port: number, options: object = {}): Promise<Answer> {
  const sent = request({ host: '127.0.0.1', port, rejectUnauthorized: false, agent: false, ...options })
  sent.end()
  const [answer] = await once(sent, 'response')
  return { status: answer.statusCode, text: await text(answer) }
}

/** The name on the certificate that this client is shown. */
async function nameShown(port: number, options: ConnectionOptions = {}): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
  await once(socket, 'secureConnect')
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return `${subject.CN}`
}

function listenWith(tls: object): object {
  return { host: '127.0.0.1', port: 0, tls }
}

test('client over TLS_verified by it, answered by the endpoint, which is told of https', async (t) => {
  const own = new Certificates(t).selfSigned('own', 'own.test')
  const { origin, weir } = await proxied(t, ok('hello'), { config: { listen: listenWith(own) } })
  const answer = await fetchTls(weir.port, {
    ca: pem(own.cert),
    servername: 'own.test',
    rejectUnauthorized: true,
  })
  assert.deepEqual(answer, { status: 200, text: 'hello' })
  assert.equal(headerValue(origin.only().headers, 'x-forwarded-proto'), 'https')
  const url = `https://own.test:${weir.port}/`
  const resolve = `own.test:${weir.port}:127.0.0.1`
  const curl = ['-s', '--max-time', '20', '--cacert', own.cert, '--resolve', resolve, url]
  // Not the synchronous one: the origin runs in this process.
  assert.equal((await promisify(execFile)('curl', curl)).stdout, 'hello')
  await weir.atRest()
})

test('several certificates_chosen by the name that is asked for, the first for all others', async (t) => {
  const made = new Certificates(t)
  const first = made.selfSigned('first', 'first.test')
  const certificates = [
    { serverNames: ['a.test', 'Also-A.test'], ...made.selfSigned('a', 'a.test') },
    { serverNames: ['*.wild.test'], ...made.selfSigned('wild', 'wild.test') },
  ]
  const { weir } = await proxied(t, ok('hello'), {
    config: { listen: listenWith({ ...first, certificates }) },
  })
  const shown = (servername: string) => nameShown(weir.port, { servername })
  assert.equal(await shown('a.test'), 'a.test')
  assert.equal(await shown('also-a.test'), 'a.test')
  assert.equal(await shown('x.wild.test'), 'wild.test')
  assert.equal(await shown('other.test'), 'first.test')
  assert.equal(await nameShown(weir.port), 'first.test')
  for (const servername of ['a.test', 'x.wild.test', 'other.test'])
    assert.deepEqual(await fetchTls(weir.port, { servername }), { status: 200, text: 'hello' })
})

test('reload with other certificates in the same files_new connections get them, an open one goes on', async (t) => {
  const made = new Certificates(t)
  const own = made.selfSigned('own', 'old.test')
  const { weir } = await proxied(t, ok('hello'), { config: { workers: 2, listen: listenWith(own) } })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  let sockets = 0
  agent.on('keylog', () => undefined)
  const createConnection = agent.createConnection.bind(agent)
  agent.createConnection = (...args) => {
    sockets++
    return createConnection(...args)
  }
  assert.equal((await fetchTls(weir.port, { agent })).text, 'hello')
  made.selfSigned('own', 'new.test')
  weir.signal('SIGHUP')
  // A worker that has not reread yet may still accept: from some moment on there is only the new one.
  let inSuccession = 0
  await waitFor(
    async () => {
      // Very rarely the kernel resets one that waited in the old listen socket (native-notes/13-tls.md).
      const shown = await nameShown(weir.port).catch(() => '')
      inSuccession = shown === 'new.test' ? inSuccession + 1 : 0
      return inSuccession === 20
    },
    { what: 'the new certificate' },
  )
  assert.equal((await fetchTls(weir.port, { agent })).text, 'hello')
  assert.equal(sockets, 1, 'the connection was kept')
  await weir.atRest()
})

test('reload with a file that is no certificate_refused, the old one stays', async (t) => {
  const made = new Certificates(t)
  const own = made.selfSigned('own', 'old.test')
  const { weir } = await proxied(t, ok('hello'), { config: { listen: listenWith(own) } })
  const other = made.selfSigned('other', 'other.test')
  execFileSync('cp', [other.key, own.key])
  weir.signal('SIGHUP')
  const line = await weir.waitForLog(({ msg }) => msg === 'configuration error', 'the refusal')
  assert.equal(line.path, 'listen.tls.key')
  assert.equal(await nameShown(weir.port), 'old.test')
})

test('worker that dies while its key is missing_its replacement is tried again until the key is back', async (t) => {
  const made = new Certificates(t)
  const own = made.selfSigned('own', 'own.test')
  const { weir } = await proxied(t, ok('hello'), { config: { workers: 1, listen: listenWith(own) } })
  const aside = made.path('aside.key')
  renameSync(own.key, aside)
  process.kill(weir.workerPid(), 'SIGKILL')
  await weir.waitForLog(({ msg }) => msg.endsWith('it will be tried again'), 'the replacement to fail')
  renameSync(aside, own.key)
  const answer = await waitFor(() => fetchTls(weir.port).catch(() => null), { what: 'an answer' })
  assert.deepEqual(answer, { status: 200, text: 'hello' })
  await weir.atRest()
})

test('reload with a key that only the binding cannot use_refused with the reason, the old one stays', async (t) => {
  const made = new Certificates(t)
  const own = made.selfSigned('own', 'old.test')
  const { weir } = await proxied(t, ok('hello'), { config: { workers: 2, listen: listenWith(own) } })
  // BoringSSL takes no exponent above 33 bits (native-notes/13-tls.md).
  const rsa = [
    '-algorithm',
    'RSA',
    '-pkeyopt',
    'rsa_keygen_bits:2048',
    '-pkeyopt',
    'rsa_keygen_pubexp:36893488147419103363',
  ]
  execFileSync('openssl', ['genpkey', ...rsa, '-out', own.key], { stdio: 'ignore' })
  execFileSync('openssl', ['req', '-x509', '-key', own.key, '-out', own.cert, '-subj', '/CN=new.test'])
  const workers = weir.workerPids()
  weir.signal('SIGHUP')
  const { msg } = await weir.waitForLog(({ msg }) => msg.includes('reload refused'), 'the refusal')
  const reason = `cannot listen on 127.0.0.1:${weir.port}: its certificate or its key cannot be used`
  assert.equal(msg, `${reason}: reload refused, the running configuration stays`)
  assert.equal(await nameShown(weir.port), 'old.test')
  made.selfSigned('own', 'next.test')
  weir.signal('SIGHUP')
  await weir.waitForLog(({ msg }) => msg === 'configuration reloaded', 'the reload')
  assert.equal(await nameShown(weir.port), 'next.test')
  assert.deepEqual(weir.workerPids(), workers)
  await weir.atRest()
})

test('clientCa_no certificate is 400 and the end, a strange one fails the handshake, a good one passes', async (t) => {
  const made = new Certificates(t)
  const own = made.selfSigned('own', 'own.test')
  const named = { serverNames: ['named.test'], ...made.selfSigned('named', 'named.test') }
  const ca = made.selfSigned('ca', 'ca.test')
  const good = made.signedBy(ca, 'good', 'good client')
  const strange = made.selfSigned('strange', 'strange client')
  const { origin, weir } = await proxied(t, ok('hello'), {
    config: {
      listen: listenWith({ ...own, certificates: [named], clientCa: ca.cert }),
      routes: [{ path: '/fixed', respond: { status: 200 } }, { upstream: 'app' }],
    },
  })
  for (const servername of ['own.test', 'named.test']) {
    for (const path of ['/', '/fixed']) {
      const refused = await fetchTls(weir.port, { servername, path })
      assert.equal(refused.status, 400)
      assert.match(refused.text, /no_client_certificate/)
    }
    assert.equal(origin.requests.length, 0)
    const client = { servername, key: pem(good.key), cert: pem(good.cert) }
    assert.deepEqual(await fetchTls(weir.port, client), { status: 200, text: 'hello' })
    const wrong = { servername, key: pem(strange.key), cert: pem(strange.cert) }
    await assert.rejects(fetchTls(weir.port, wrong))
    origin.requests.length = 0
  }
  const handshake =
    'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  for (const fields of ['', handshake]) {
    const socket = connect({ host: '127.0.0.1', port: weir.port, rejectUnauthorized: false })
    socket.write(`GET / HTTP/1.1\r\nhost: a\r\n${fields}\r\n`)
    assert.match(await text(socket as TLSSocket), /^HTTP\/1\.1 400 /, 'and the connection ends')
  }
  assert.equal(origin.requests.length, 0)
  await weir.atRest()
})

test('clientCa, no certificate and a body that is still sent_the rest is taken behind the answer, then the connection is closed', async (t) => {
  const made = new Certificates(t)
  const clientCa = made.selfSigned('ca', 'ca.test').cert
  const listen = listenWith({ ...made.selfSigned('own', 'own.test'), clientCa })
  const { origin, weir } = await proxied(t, ok('hello'), { config: { listen } })
  for (const framing of ['content-length: 1000000', 'connection: close\r\ncontent-length: 1000000']) {
    const socket = connect({ host: '127.0.0.1', port: weir.port, rejectUnauthorized: false })
    let answer = ''
    socket.setEncoding('latin1').on('data', (piece: string) => {
      answer += piece
    })
    const closed = new Promise<Error | null>((resolve) => {
      socket.once('error', resolve).once('close', () => resolve(null))
    })
    const send = (piece: string) =>
      new Promise<void>((resolve, reject) =>
        socket.write(piece, (error) => (error == null ? resolve() : reject(error))),
      )
    await send(`POST / HTTP/1.1\r\nhost: a\r\n${framing}\r\n\r\n${'x'.repeat(50_000)}`)
    await waitFor(() => answer.includes('no_client_certificate'), { what: 'the answer' })
    for (let sent = 50_000; sent < 1_000_000; sent += 50_000) await send('x'.repeat(50_000))
    assert.equal(await closed, null)
    assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*\r\nconnection: close\r\n/i)
  }
  await weir.waitForStats(({ connections }) => connections === 0, 'no connection left')
  assert.equal(origin.requests.length, 0)
  await weir.atRest()
})

test('minVersion 1.3_a client of 1.2 is refused, on every name; by default it is not', async (t) => {
  const made = new Certificates(t)
  const own = made.selfSigned('own', 'own.test')
  const certificates = [{ serverNames: ['a.test'], ...made.selfSigned('a', 'a.test') }]
  const listen = [listenWith({ ...own, certificates, minVersion: '1.3' }), listenWith(own)]
  const { weir } = await proxied(t, ok('hello'), { config: { listen } })
  const [strict, usual] = weir.ports as [number, number]
  for (const servername of ['own.test', 'a.test']) {
    await assert.rejects(nameShown(strict, { servername, maxVersion: 'TLSv1.2' }))
    assert.equal(await nameShown(strict, { servername }), servername)
  }
  assert.equal(await nameShown(usual, { maxVersion: 'TLSv1.2' }), 'own.test')
})

test('encrypted key_opened with its passphrase', async (t) => {
  const made = new Certificates(t)
  const own = made.selfSigned('own', 'own.test')
  const key = made.encrypted(own, 'own', 'open sesame')
  const listen = listenWith({ cert: own.cert, key, passphrase: 'open sesame' })
  const { weir } = await proxied(t, ok('hello'), { config: { listen } })
  assert.deepEqual(await fetchTls(weir.port), { status: 200, text: 'hello' })
})

test('redirectToHttps_308 to the same URL, without an endpoint; what is malformed is still 400', async (t) => {
  const listen = { host: '127.0.0.1', port: 0, redirectToHttps: 8443 }
  const { origin, weir } = await proxied(t, ok('hello'), { config: { listen } })
  const answer = await fetchRaw(weir.port, { target: '/a?b=%20', headers: [['host', 'www.test:80']] })
  assert.equal(answer.status, 308)
  assert.equal(answer.header('location'), 'https://www.test:8443/a?b=%20')
  const bad = await fetchRaw(weir.port, { headers: [['host', 'a/b@c']] })
  assert.equal(bad.status, 400)
  assert.equal(origin.requests.length, 0)
  await weir.atRest()
})
