import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { BindError } from '../../../../src/control/bind-check.ts'
import { MetricsServer, type Text } from '../../../../src/control/metrics/metrics-server.ts'
import { unusedPort } from '../../../support/origin.ts'
import { fetchRaw, RawClient } from '../../../support/raw-client.ts'
import { Gate, waitFor } from '../../../support/wait.ts'

const host = '127.0.0.1'

const upOne = async (): Promise<Text> => ({ type: 'text/plain', body: 'up 1\n' })

function serverOf(t: TestContext, render = upOne, idleTimeoutMs?: number) {
  const heard: [host: string, port: number][] = []
  const server = new MetricsServer(render, (...at) => heard.push(at), idleTimeoutMs)
  t.after(() => server.close())
  return { server, heard, port: () => (heard.at(-1) as [string, number])[1] }
}

async function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

test('port 0_a real one is told', async (t) => {
  const { server, heard } = serverOf(t)
  await server.moveTo({ host, port: 0 })
  assert.equal(heard.length, 1)
  assert.ok((heard[0] as [string, number])[1] > 0)
})

for (const [what, request, status, body] of [
  ['GET', { target: '/metrics' }, 200, 'up 1\n'],
  ['GET with a query', { target: '/metrics?x=1' }, 200, 'up 1\n'],
  ['HEAD', { target: '/metrics', method: 'HEAD' }, 200, ''],
  ['another path', { target: '/metricsx' }, 404, 'metrics are at /metrics\n'],
  ['POST', { target: '/metrics', method: 'POST' }, 405, 'only GET and HEAD are answered here\n'],
] as const) {
  test(`request_${what} is answered ${status}`, async (t) => {
    const { server, port } = serverOf(t)
    await server.moveTo({ host, port: 0 })
    const answer = await fetchRaw(port(), request)
    assert.deepEqual([answer.status, answer.text], [status, body])
  })
}

test('text that cannot be made_500 with the reason, and the next one goes well', async (t) => {
  let fails = true
  const { server, port } = serverOf(t, async () => {
    if (fails) throw new Error('no luck')
    return { type: 'text/plain', body: 'up 1\n' }
  })
  await server.moveTo({ host, port: 0 })
  const first = await fetchRaw(port(), { target: '/metrics' })
  assert.deepEqual([first.status, first.text], [500, 'no luck\n'])
  fails = false
  assert.equal((await fetchRaw(port(), { target: '/metrics' })).status, 200)
})

test('move_to another port: that one is open, the old one is not', async (t) => {
  const { server, port } = serverOf(t)
  await server.moveTo({ host, port: 0 })
  const old = port()
  await server.moveTo({ host, port: await unusedPort() })
  assert.notEqual(port(), old)
  assert.deepEqual([await isOpen(port()), await isOpen(old)], [true, false])
})

test('move_to the same port at all addresses, and back', async (t) => {
  const { server, heard } = serverOf(t)
  const free = await unusedPort()
  for (const at of [host, '0.0.0.0', host]) {
    await server.moveTo({ host: at, port: free })
    assert.deepEqual(heard.at(-1), [at, free])
    assert.equal((await fetchRaw(free, { target: '/metrics' })).status, 200)
  }
})

test('move_to where it is: nothing happens; to nowhere: closed, and open again later', async (t) => {
  const { server, heard } = serverOf(t)
  const at = { host, port: await unusedPort() }
  await server.moveTo(at)
  await server.moveTo({ ...at })
  assert.equal(heard.length, 1)
  await server.moveTo(undefined)
  assert.equal(await isOpen(at.port), false)
  await server.moveTo(at)
  assert.equal(await isOpen(at.port), true)
})

for (const [what, other] of [
  ['another port', undefined],
  ['its own port at an address that this machine has not', '192.0.2.1'],
] as const) {
  test(`move that fails_to ${what}: why, and it stays where it was`, async (t) => {
    const { server, heard } = serverOf(t)
    const taken = serverOf(t)
    await taken.server.moveTo({ host, port: 0 })
    const at = { host, port: await unusedPort() }
    await server.moveTo(at)
    const to = other === undefined ? { host, port: taken.port() } : { host: other, port: at.port }
    await assert.rejects(server.moveTo(to), (error: Error) => {
      assert.ok(error instanceof BindError)
      assert.match(error.message, /^cannot listen on [\d.]+:\d+: .*(change "metrics"|EADDRNOTAVAIL)/)
      return true
    })
    assert.equal(heard.length, 1)
    assert.equal((await fetchRaw(at.port, { target: '/metrics' })).status, 200)
    // Not taken for where it would have gone.
    await server.moveTo(at)
    assert.equal((await fetchRaw(at.port, { target: '/metrics' })).status, 200)
  })
}

test('close_while it opens: nothing stays open, and nothing is told', async (t) => {
  const { server, heard } = serverOf(t)
  const port = await unusedPort()
  const moved = server.moveTo({ host, port })
  await server.close()
  await moved
  await waitFor(async () => !(await isOpen(port)), { what: 'the port to be closed' })
  assert.deepEqual(heard, [])
  await server.moveTo({ host, port })
  assert.equal(await isOpen(port), false)
})

test('many who ask at once_rendered once, and anew for who asks later', async (t) => {
  const gate = new Gate()
  let renders = 0
  const { server, port } = serverOf(t, async () => {
    renders++
    await gate.pass()
    return upOne()
  })
  await server.moveTo({ host, port: 0 })
  const client = await RawClient.connect(port())
  t.after(() => client.close())
  for (let count = 0; count < 20; count++) await client.request({ target: '/metrics' })
  await gate.reached(1)
  // Answered at once, and so behind those above.
  assert.equal((await fetchRaw(port(), { target: '/' })).status, 404)
  gate.open()
  for (let count = 0; count < 20; count++) assert.equal((await client.response()).status, 200)
  const before = renders
  assert.ok(before < 20, `${before} times`)
  await fetchRaw(port(), { target: '/metrics' })
  assert.equal(renders, before + 1)
})

test('client that does not take its answer_closed, and leaves room for others', async (t) => {
  const body = 'x'.repeat(4_000_000)
  const { server, port } = serverOf(t, async () => ({ type: 'text/plain', body }), 200)
  await server.moveTo({ host, port: 0 })
  const socket = connect(port(), host)
  t.after(() => socket.destroy())
  socket.pause()
  let failed = false
  socket.on('error', () => {
    failed = true
  })
  // It reads nothing until it has been given up.
  const given = () => {
    socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n')
    return failed
  }
  await waitFor(given, { what: 'the server to close the connection' })
})

test('move_connections of before are closed, those that never did anything too', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { server, port } = serverOf(t)
  await server.moveTo({ host, port: 0 })
  const silent = await RawClient.connect(port())
  t.after(() => silent.close())
  // Until it is the server's, too.
  assert.equal((await fetchRaw(port(), { target: '/metrics' })).status, 200)
  await server.moveTo(undefined)
  t.mock.timers.tick(5_000)
  await silent.closed()
})

test('move_from any port to any port at an address that this machine has not: it stays where it was', async (t) => {
  const { server, port } = serverOf(t)
  await server.moveTo({ host, port: 0 })
  await assert.rejects(server.moveTo({ host: '192.0.2.1', port: 0 }), BindError)
  assert.equal((await fetchRaw(port(), { target: '/metrics' })).status, 200)
})
