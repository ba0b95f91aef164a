import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type DemoOrigin, type DemoPace, startOrigins } from '../../../src/demo/origins.ts'
import { waitFor } from '../../support/wait.ts'

test('origins each name themselves, and the last is slow', async (t) => {
  const slowMs = 120
  const origins = await start(t, { slowMs })
  assert.deepEqual(
    origins.map(({ name, slow }) => [name, slow]),
    [
      ['origin 1', false],
      ['origin 2', false],
      ['origin 3', true],
    ],
  )
  for (const [index, { url, slow }] of origins.entries()) {
    const begin = performance.now()
    const response = await fetch(url)
    assert.equal(response.status, 200)
    assert.equal(await response.text(), `hello from origin ${index + 1}\n`)
    // Timers may fire up to a millisecond early by this clock.
    if (slow) assert.ok(performance.now() - begin >= slowMs - 1)
  }
})

test('port taken_a free one instead', async (t) => {
  const taken = createServer()
  await new Promise<void>((resolve) => {
    taken.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const [origin] = await start(t, {}, [port])
  assert.notEqual(new URL(origin!.url).port, String(port))
  assert.equal((await fetch(origin!.url)).status, 200)
})

test('port wanted_and_free is used', async (t) => {
  const probe = createServer()
  await new Promise<void>((resolve) => {
    probe.listen(0, '127.0.0.1', resolve)
  })
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  const [origin] = await start(t, {}, [port])
  assert.equal(origin!.url, `http://127.0.0.1:${port}`)
})

test('port impossible_rejects and leaves none of the others running', async () => {
  const before = servers()
  await assert.rejects(startOrigins([0, 0, 70_000]), { code: 'ERR_SOCKET_BAD_PORT' })
  assert.equal(servers(), before)
})

test('toggle makes /health answer 503 and 200 again, at that origin only', async (t) => {
  const [first, second] = await start(t)
  const health = async (origin: DemoOrigin) => (await fetch(`${origin.url}/health`)).status
  const toggle = () => fetch(`${first!.url}/toggle`, { method: 'POST' }).then((response) => response.text())
  assert.deepEqual([await health(first!), await health(second!)], [200, 200])
  assert.equal(await toggle(), '/health of origin 1 answers 503 from now on\n')
  assert.deepEqual([await health(first!), await health(second!)], [503, 200])
  assert.equal(await toggle(), '/health of origin 1 answers 200 from now on\n')
  assert.deepEqual([await health(first!), await health(second!)], [200, 200])
})

test('health of the slow origin does not wait', async (t) => {
  const [slow] = await start(t, { slowMs: 60_000 }, [0])
  assert.equal(slow?.slow, true)
  assert.equal((await fetch(`${slow.url}/health`)).status, 200)
})

test('headers come back as JSON', async (t) => {
  const [origin] = await start(t)
  const response = await fetch(`${origin!.url}/headers`, { headers: { 'X-Forwarded-For': '192.0.2.1' } })
  assert.equal(response.headers.get('content-type'), 'application/json')
  const headers = (await response.json()) as Record<string, string>
  assert.equal(headers['x-forwarded-for'], '192.0.2.1')
  assert.equal(headers.host, new URL(origin!.url).host)
})

test('stream sends ten lines, the first before the last is written', async (t) => {
  const [origin] = await start(t, { lineMs: 30 })
  const [response] = (await once(get(`${origin!.url}/stream`), 'response')) as [IncomingMessage]
  const pieces: string[] = []
  for await (const piece of response.setEncoding('utf8')) pieces.push(piece as string)
  const lines = Array.from({ length: 10 }, (_, index) => `origin 1, line ${index + 1} of 10\n`)
  assert.equal(pieces.join(''), lines.join(''))
  assert.ok(pieces.length > 1, 'all lines came in one piece')
})

test('stream abandoned_its timer stops', async (t) => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const [origin] = await start(t, { lineMs: 1000 })
  const before = timers()
  const outgoing = get(`${origin!.url}/stream`, { agent: new Agent() }).on('error', () => {})
  await waitFor(() => timers() > before, { what: 'the stream to begin' })
  outgoing.destroy()
  // The waiting itself has no timer running while it looks.
  await waitFor(() => timers() === before, { what: 'the timer to stop' })
})

test('echo sends the body back while it is still coming', async (t) => {
  const [origin] = await start(t)
  const outgoing = request(`${origin!.url}/echo`, { method: 'POST', headers: { 'content-type': 'text/x' } })
  outgoing.write('there')
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  assert.equal(response.headers['content-type'], 'text/x')
  const [piece] = (await once(response.setEncoding('utf8'), 'data')) as [string]
  assert.equal(piece, 'there')
  outgoing.end(' and back')
  let rest = ''
  for await (const more of response) rest += more
  assert.equal(rest, ' and back')
})

test('echo unread_pauses the sender', async (t) => {
  const [origin] = await start(t)
  const total = 256 * 1024 * 1024
  const outgoing = request(`${origin!.url}/echo`, { method: 'POST' }).on('error', () => {})
  outgoing.flushHeaders()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  response.on('error', () => {})
  let sent = 0
  const block = Buffer.alloc(1024 * 1024)
  // Writes while it may; then a full pipe must stop it well before everything is through.
  while (sent < total) {
    sent += block.length
    if (outgoing.write(block)) continue
    const drained = await Promise.race([once(outgoing, 'drain').then(() => true), settled(origin!)])
    if (!drained) break
  }
  outgoing.destroy()
  response.destroy()
  assert.ok(sent < total, `${sent} bytes were taken although nothing was read`)
})

test('kill closes port and connections, and the origin comes back on the same port', async (t) => {
  const [origin] = await start(t, { outageMs: 100 })
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const idle = await open(origin!, agent)
  const answer = await fetch(`${origin!.url}/kill`, { method: 'POST' })
  assert.equal(await answer.text(), 'origin 1 is down for 0.1 s\n')
  if (!idle.destroyed) await once(idle, 'close')
  const { url } = origin!
  await waitFor(
    () =>
      fetch(url).then(
        (response) => response.ok,
        () => false,
      ),
    { what: 'the origin to come back' },
  )
  assert.equal(origin!.url, url)
})

test('kill refuses connections while the origin is down, and close ends the outage for good', async (t) => {
  const [origin] = await start(t, { outageMs: 60_000 })
  await fetch(`${origin!.url}/kill`, { method: 'POST' })
  const refused = () =>
    new Promise<boolean>((resolve) => {
      get(origin!.url, { agent: new Agent() }, (response) => resolve(response.resume() === null)).on(
        'error',
        (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'),
      )
    })
  await waitFor(refused, { what: 'the port to close' })
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  await origin!.close()
  assert.equal(timers(), before - 1)
})

test('unknown path_404 with what there is', async (t) => {
  const [origin] = await start(t)
  const response = await fetch(`${origin!.url}/nothing`)
  assert.equal(response.status, 404)
  assert.match(await response.text(), /^origin 1 has no GET \/nothing, but:\nGET {2}\/ /)
  assert.equal((await fetch(`${origin!.url}/toggle`)).status, 404, 'a GET must not change anything')
})

test('query is ignored, HEAD is answered like GET', async (t) => {
  const [origin] = await start(t)
  assert.equal((await fetch(`${origin!.url}/health?x=1`)).status, 200)
  const response = await fetch(origin!.url, { method: 'HEAD' })
  assert.deepEqual([response.status, await response.text()], [200, ''])
})

test('idle connections outlive the 4 s for which Weir keeps them', async (t) => {
  const [origin] = await start(t)
  const response = await fetch(origin!.url)
  const [, seconds] = /timeout=(\d+)/.exec(response.headers.get('keep-alive') ?? '') ?? []
  assert.ok(Number(seconds) > 4, `keep-alive: ${response.headers.get('keep-alive')}`)
})

// ---

async function start(t: TestContext, pace: DemoPace = {}, ports = [0, 0, 0]): Promise<DemoOrigin[]> {
  const origins = await startOrigins(ports, { slowMs: 1, ...pace })
  t.after(() => Promise.all(origins.map((origin) => origin.close())))
  return origins
}

function servers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length
}

/** Makes a request and returns its connection, kept alive. */
async function open(origin: DemoOrigin, agent: Agent) {
  const [response] = (await once(get(origin.url, { agent }), 'response')) as [IncomingMessage]
  const { socket } = response
  response.resume()
  await once(response, 'end')
  return socket
}

/** False, when the origin has had time to do what it could: it has answered other requests meanwhile. */
async function settled(origin: DemoOrigin): Promise<false> {
  for (let i = 0; i < 100; i++) await (await fetch(`${origin.url}/health`)).text()
  return false
}
