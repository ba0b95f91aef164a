/**
 * The end of the endpoint's connection under a response that a slow client has paused: undici asserts that it cannot be.
 * A TLS socket of Node's reads ahead, and so sees the end under the pause; a plain one sees it when it is read again.
 */
import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import type { Outcome } from '../../../src/plan/outcome.ts'
import type { UpstreamPlan } from '../../../src/plan/upstream-plan.ts'
import type { Ticket } from '../../../src/proxy/admission.ts'
import { Attempt } from '../../../src/proxy/attempt.ts'
import type { AttemptListener } from '../../../src/proxy/attempt-listener.ts'
import { Upstream } from '../../../src/proxy/upstream.ts'
import { Certificates, pem } from '../../support/certificates.ts'
import { departingAtOnce } from '../../support/fakes/data-plane-context.ts'
import { waitFor } from '../../support/wait.ts'

type Scheme = 'http' | 'https'

/** Reads nothing more after the first chunk, and writes down how it ends. */
class SlowReader implements AttemptListener {
  readonly address = '192.0.2.7'
  received = ''
  ended = ''
  attempt: Attempt | null = null
  onStarted(): void {}
  onInterim(): boolean {
    return true
  }

  onHead(): void {}
  onChunk(chunk: Buffer): boolean {
    this.received += chunk.latin1Slice()
    return false
  }
  onEnd(): void {
    this.ended = 'complete'
  }
  onFailed(outcome: Outcome): void {
    this.ended = outcome.code
  }
}

async function read(
  t: TestContext,
  scheme: Scheme,
  answer: (socket: Socket, reader: SlowReader, reset: () => void) => void,
): Promise<SlowReader> {
  const reader = new SlowReader()
  let gone = false
  let under: Socket | undefined
  const take = (socket: Socket): void => {
    socket.on('error', () => {})
    for (const end of ['finish', 'close']) {
      socket.on(end, () => {
        gone = true
      })
    }
    socket.once('data', () => answer(socket, reader, () => under?.resetAndDestroy()))
  }
  let server: Server
  let ca = ''
  if (scheme === 'https') {
    const { cert, key } = new Certificates(t).selfSigned('endpoint', 'localhost')
    ca = pem(cert)
    server = createTlsServer({ cert: ca, key: pem(key) }, take)
  } else {
    server = createServer({ allowHalfOpen: true }, take)
  }
  // Of a TLS connection, the TCP one.
  server.on('connection', (socket: Socket) => {
    under = socket
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const plan: UpstreamPlan = {
    name: 'app',
    endpoints: [{ id: 'app/one', origin: `${scheme}://127.0.0.1:${port}`, weight: 1 }],
    balance: 'round-robin',
    slowStartMs: 10_000,
    outliers: { failures: 5, timeMs: 10_000, maxTimeMs: 60_000, maxOut: 0.5, slowFactor: null },
    connections: 1,
    pipelining: 1,
    timeouts: { connectMs: 5_000, headersMs: 0, bodyMs: 0, idleMs: 4_000 },
    queue: { limit: 1, timeoutMs: 5_000, targetMs: 0, intervalMs: 100 },
    retries: { attempts: 1, budget: 0.2, minPerSecond: 3, bodyBytes: 65_536, on: [] },
    health: null,
    ...(scheme === 'https'
      ? { tls: { verify: true, ca, cert: null, key: null, passphrase: null, servername: null } }
      : {}),
  }
  const upstream = new Upstream(plan, new Set(), Math.random)
  t.after(() => {
    upstream.retire()
    server.close()
  })
  const send = (ticket: Ticket): void => {
    const endpoint = upstream.pick(null)
    assert.ok(endpoint)
    const request = { method: 'GET', target: '/', host: 'test', headers: [], contentLength: -1 }
    reader.attempt = new Attempt({
      spareAttempts: [],
      departures: departingAtOnce,
      recorder: { defect: assert.ifError },
    })
    reader.attempt.begin(reader, upstream, endpoint, ticket, request, null, false)
  }
  assert.ok(upstream.admission.enter({ queued: () => {}, shed: () => {}, admitted: send }))
  if (scheme === 'http') {
    await waitFor(() => gone && reader.received !== '', { what: 'the endpoint to be gone' })
    reader.attempt?.resume()
  }
  await waitFor(() => reader.ended !== '', { what: 'the end of the attempt' })
  await waitFor(() => upstream.admission.running === 0, { what: 'the place to be given back' })
  return reader
}

for (const scheme of ['http', 'https'] as const) {
  test(`${scheme}, paused at the last byte, then FIN_complete`, async (t) => {
    const reader = await read(t, scheme, (socket) => {
      socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello')
    })
    assert.deepEqual([reader.received, reader.ended], ['hello', 'complete'])
  })

  test(`${scheme}, paused within a body without length, then FIN_complete`, async (t) => {
    const reader = await read(t, scheme, (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nhello'))
    assert.deepEqual([reader.received, reader.ended], ['hello', 'complete'])
  })

  test(`${scheme}, paused short of the length, then FIN_truncated`, async (t) => {
    const reader = await read(t, scheme, (socket) => {
      socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 9\r\n\r\nhello')
    })
    assert.deepEqual([reader.received, reader.ended], ['hello', 'response_truncated'])
  })

  for (const [what, head] of [
    ['with a length', 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 9\r\n\r\n'],
    ['without length', 'HTTP/1.1 200 OK\r\n\r\n'],
  ] as const) {
    test(`${scheme}, paused in a body ${what}, then RST_truncated`, async (t) => {
      const reader = await read(t, scheme, async (socket, slow, reset) => {
        socket.write(`${head}hello`)
        await waitFor(() => slow.received !== '', { what: 'the reader to be paused' })
        reset()
      })
      assert.deepEqual([reader.received, reader.ended], ['hello', 'response_truncated'])
    })
  }
}
