/** Endpoints on Unix sockets: real servers behind real sockets. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fetchRaw } from '../support/raw-client.ts'
import { waitFor } from '../support/wait.ts'
import { startWeir } from '../support/weir.ts'

interface UnixOrigin {
  readonly path: string
  readonly requests: IncomingMessage[]
  connections: number
  /** Nobody listens any more, and the socket's file is gone. */
  stop(): Promise<void>
}

/** Echoes the body of each request. */
async function unixOrigin(t: TestContext): Promise<UnixOrigin> {
  const directory = mkdtempSync(join(tmpdir(), 'weir-unix-'))
  const path = join(directory, 'app.sock')
  const server = createServer(async (request, response) => {
    origin.requests.push(request)
    response.end(`unix ${await text(request)}`)
  })
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const origin: UnixOrigin = { path, requests: [], connections: 0, stop }
  server.on('connection', () => origin.connections++)
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(async () => {
    await stop()
    rmSync(directory, { recursive: true, force: true })
  })
  return origin
}

test('a Unix socket as endpoint_requests and bodies go over one kept connection, with the client’s Host', async (t) => {
  const origin = await unixOrigin(t)
  const app = { endpoints: [`unix:${origin.path}`], health: false, connections: 1 }
  const weir = await startWeir(t, { upstreams: { app } })
  for (const host of ['a.example', 'b.example']) {
    const answer = await fetchRaw(weir.port, { method: 'POST', headers: [['Host', host]], body: 'through' })
    assert.equal(answer.text, 'unix through')
    assert.equal(origin.requests.at(-1)?.headers.host, host)
  }
  assert.equal(origin.connections, 1)
  await weir.atRest()
})

for (const path of [undefined, '/up']) {
  test(`health check ${path ?? 'by connection'} of a Unix socket_out when nobody listens, and 502 without a check`, async (t) => {
    const origin = await unixOrigin(t)
    const endpoints = [`unix:${origin.path}`]
    const health = { interval: '50ms', unhealthyAfter: 1, ...(path && { path }) }
    const checked = await startWeir(t, { upstreams: { app: { endpoints, health } } })
    const unchecked = await startWeir(t, { upstreams: { app: { endpoints, health: false } } })
    await waitFor(() => origin.connections >= 3, { what: 'three checks' })
    assert.equal(
      origin.requests.every(({ url }) => url === path),
      true,
    )
    assert.equal((await fetchRaw(checked.port)).status, 200)
    await origin.stop()
    const change = await checked.waitForLog(
      ({ msg }) => msg === 'endpoint is unhealthy',
      'the endpoint to be out',
    )
    assert.equal(change.endpoint, `app/unix:${origin.path}`)
    assert.equal((await fetchRaw(checked.port)).status, 503)
    const refused = await fetchRaw(unchecked.port)
    assert.deepEqual([refused.status, JSON.parse(refused.text).error], [502, 'connect_failed'])
  })
}

test('a Unix socket where nobody listens beside another_the request goes to the other, even a POST', async (t) => {
  const origin = await unixOrigin(t)
  const endpoints = ['unix:/nonexistent/app.sock', `unix:${origin.path}`]
  const weir = await startWeir(t, { upstreams: { app: { endpoints, health: false } } })
  for (let count = 0; count < 4; count++) {
    assert.equal((await fetchRaw(weir.port, { method: 'POST', body: 'x' })).text, 'unix x')
  }
})
