/** Listeners that are no plain TCP port: Unix sockets, and ports behind a load balancer that speaks the PROXY protocol. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { ok } from '../support/origin-behaviours.ts'
import { proxied } from '../support/proxied.ts'
import { launchWeir } from '../support/weir.ts'
import { headerValue, headerValues } from '../support/wire.ts'

function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'weir-unix-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

async function fetchUnix(socketPath: string): Promise<string> {
  const sent = request({ socketPath, agent: false })
  sent.end()
  const [answer] = await once(sent, 'response')
  return text(answer)
}

test('Unix socket with several workers_answers with the permissions asked for, beside a port, and after a reload', async (t) => {
  const path = join(folder(t), 'weir.sock')
  const listen = [
    { unix: path, mode: '0660' },
    { host: '127.0.0.1', port: 0 },
  ]
  const { origin, weir } = await proxied(t, ok('hello'), { config: { workers: 2, listen } })
  for (let index = 0; index < 10; index++) assert.equal(await fetchUnix(path), 'hello')
  assert.equal(statSync(path).mode & 0o777, 0o660)
  const { headers } = origin.requests[0] as (typeof origin.requests)[number]
  assert.deepEqual(headerValues(headers, 'x-forwarded-for'), [])
  assert.equal(headerValue(headers, 'x-forwarded-proto'), 'http')
  const from = weir.log.lines.length
  weir.signal('SIGHUP')
  await weir.waitForLog(({ msg }) => msg === 'configuration reloaded', 'the reload', from)
  assert.equal(await fetchUnix(path), 'hello')
  assert.equal(await weir.stop(), 0)
  assert.equal(existsSync(path), false, 'removed at the end')
})

test('something else stands at the path_refused, and left alone', async (t) => {
  const path = join(folder(t), 'file')
  writeFileSync(path, 'precious')
  const weir = launchWeir(t, { listen: `unix:${path}`, upstreams: { app: ['http://127.0.0.1:9'] } })
  assert.equal(await weir.exited, 1)
  assert.match(await weir.stderr(), /something else than a socket/)
  assert.ok(existsSync(path))
})

/** A header of version 2 for TCP over IPv4: a stream from 203.0.113.7 port 1234 to 10.0.0.1 port 80. */
const proxyHeader = Buffer.concat([
  Buffer.from('0d0a0d0a000d0a515549540a21110' + '00c', 'hex'),
  Buffer.from([203, 0, 113, 7, 10, 0, 0, 1, 0x04, 0xd2, 0, 80]),
])

async function sendProxied(port: number, header = proxyHeader): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(header)
  socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  return text(socket)
}

for (const [from, seen] of [
  ['127.0.0.0/8', '203.0.113.7'],
  ['10.0.0.0/8', '127.0.0.1'],
] as const) {
  test(`PROXY protocol header, believed from ${from}_the client is ${seen}`, async (t) => {
    const listen = { host: '127.0.0.1', port: 0, proxyProtocol: { from: [from] } }
    const { origin, weir, fetch } = await proxied(t, ok('hello'), { config: { listen } })
    assert.match(await sendProxied(weir.port), /^HTTP\/1\.1 200 /)
    assert.equal(headerValue(origin.only().headers, 'x-forwarded-for'), seen)
    await fetch()
    assert.equal(
      headerValue(origin.requests[1]?.headers ?? [], 'x-forwarded-for'),
      '127.0.0.1',
      'without a header',
    )
  })
}

test('PROXY protocol header where it is not asked for_ignored', async (t) => {
  const { origin, weir } = await proxied(t, ok('hello'))
  assert.match(await sendProxied(weir.port), /^HTTP\/1\.1 200 /)
  assert.equal(headerValue(origin.only().headers, 'x-forwarded-for'), '127.0.0.1')
})

const signature = '0d0a0d0a000d0a515549540a'
const v6 = '20010db8000000000000000000000007'
for (const [what, header, seen] of [
  ['TCP over IPv6', `${signature}21210024${v6}${v6}04d20050`, '2001:db8::7'],
  ['LOCAL: the balancer for itself', `${signature}20000000`, '127.0.0.1'],
  ['no family', `${signature}21000000`, '127.0.0.1'],
] as const) {
  test(`PROXY protocol header from a listed peer, ${what}_the client is ${seen}`, async (t) => {
    const listen = { host: '127.0.0.1', port: 0, proxyProtocol: { from: ['127.0.0.0/8'] } }
    const { origin, weir } = await proxied(t, ok('hello'), { config: { listen } })
    assert.match(await sendProxied(weir.port, Buffer.from(header, 'hex')), /^HTTP\/1\.1 200 /)
    assert.equal(headerValue(origin.only().headers, 'x-forwarded-for'), seen)
  })
}
