/**
 * A fixed answer to a request that two servers could read in two ways (RFC 9112, sections 3.2, 6.3 and 11.2). Where a proxy stands in front of
 * Weir, what the one takes for a body must not be another request to the other. Where none does, a client can confuse itself only.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { ok } from '../support/origin-behaviours.ts'
import { proxied } from '../support/proxied.ts'

const routes = [{ path: '/isolated', respond: { status: 200, body: 'fixed' } }, { upstream: 'app' }]
const smuggled = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n'
const head = 'GET /isolated HTTP/1.1\r\nHost: a\r\n'
/** Begins with a request that Weir alone could take for one without a body, or for one to this host. */
const twofold: readonly (readonly [what: string, sent: string])[] = [
  [
    'an empty Content-Length and another',
    `${head}Content-Length:\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
  ],
  [
    'an empty Transfer-Encoding and another',
    `${head}Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
  ],
  ['two Hosts', `${head}Host: b\r\n\r\n`],
]
/** Of version 2, for TCP over IPv4: from 203.0.113.7. */
const proxyHeader = Buffer.from('0d0a0d0a000d0a515549540a2111000ccb0071070a00000104d20050', 'hex')
const loopback = { host: '127.0.0.1', port: 0 }

function socketPath(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-unix-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'weir.sock')
}

interface Front {
  readonly what: string
  readonly config: (path: string) => Record<string, unknown>
  /** In front of the request. */
  readonly preface?: Buffer
}

const fronts: readonly Front[] = [
  { what: 'trusted proxies', config: () => ({ trustedProxies: ['10.0.0.0/8'] }) },
  {
    what: 'the PROXY protocol',
    config: () => ({ listen: { ...loopback, proxyProtocol: { from: ['127.0.0.0/8'] } } }),
    preface: proxyHeader,
  },
  { what: 'a Unix socket', config: (path) => ({ listen: `unix:${path}` }) },
]

for (const { what, config, preface = Buffer.of() } of fronts) {
  test(`behind ${what}_400, the connection closes, and nothing behind it is run`, async (t) => {
    const path = socketPath(t)
    const { origin, weir } = await proxied(t, ok(), { config: { routes, ...config(path) } })
    const exchange = async (sent: string): Promise<string> => {
      const socket = what === 'a Unix socket' ? connect(path) : connect(weir.port, '127.0.0.1')
      socket.write(Buffer.concat([preface, Buffer.from(sent)]))
      return text(socket)
    }
    for (const [name, sent] of twofold) {
      const received = await exchange(sent)
      assert.match(received, /^HTTP\/1\.1 400 /, name)
      assert.equal(received.match(/HTTP\/1\.1 /g)?.length, 1, name)
    }
    assert.match(await exchange(`${head}Connection: close\r\n\r\n`), /^HTTP\/1\.1 200 OK\r\n[\s\S]*fixed$/)
    await weir.atRest()
    assert.equal(origin.count, 0)
  })
}
