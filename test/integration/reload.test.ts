/** SIGHUP: another configuration, under load and without losing a request; or none, when the file is bad. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Load } from '../support/load.ts'
import { type Origin, startOrigin, unusedPort } from '../support/origin.ts'
import { held, ok } from '../support/origin-behaviours.ts'
import { upstreamOf } from '../support/proxied.ts'
import { fetchRaw, RawClient } from '../support/raw-client.ts'
import { Gate, waitFor } from '../support/wait.ts'
import { startWeir, type Weir, type WeirConfig } from '../support/weir.ts'

const listen = { host: '127.0.0.1', port: 0 }

/** Sends SIGHUP and waits for the line that says what became of it. */
async function reload(weir: Weir, config: WeirConfig | string, result: RegExp): Promise<number> {
  const from = weir.log.lines.length
  weir.rewriteConfig(config)
  weir.signal('SIGHUP')
  await weir.waitForLog((line) => result.test(line.msg), `${result}`, from)
  return from
}

async function twoOrigins(t: TestContext): Promise<[Origin, Origin]> {
  return Promise.all([startOrigin(t, ok('old')), startOrigin(t, ok('new'))])
}

test('good file changes upstream and routes under load without losing a request', async (t) => {
  const [old, fresh] = await twoOrigins(t)
  const weir = await startWeir(t, { listen, workers: 2, upstreams: { app: upstreamOf([old]) } })
  const seen: Record<string, number> = {}
  const load = new Load({
    port: weir.port,
    connections: 16,
    onResponse: (answer) => {
      seen[answer.text] = (seen[answer.text] ?? 0) + 1
      return undefined
    },
  })
  await waitFor(() => (seen.old ?? 0) > 500, { what: 'answers of the old origin' })
  const routes = [{ path: '/fixed', respond: { status: 200, body: 'fixed' } }, { upstream: 'other' }]
  await reload(
    weir,
    { listen, workers: 2, upstreams: { other: upstreamOf([fresh]) }, routes },
    /^configuration reloaded/,
  )
  await waitFor(() => (seen.new ?? 0) > 500, { what: 'answers of the new origin' })
  const { old: oldAnswers } = seen
  await waitFor(() => seen.new! > 1_000, { what: 'more of them' })
  assert.equal(seen.old, oldAnswers, 'the old upstream is gone')
  await load.stop()
  assert.deepEqual(load.errors, {})
  assert.deepEqual(Object.keys(load.statuses), ['200'])
  assert.equal((await fetchRaw(weir.port, { target: '/fixed' })).text, 'fixed')
  await weir.atRest()
})

test('request in flight at a reload is answered by the endpoint that it began with', async (t) => {
  const gate = new Gate()
  const [old, fresh] = await twoOrigins(t)
  old.use(held(gate, ok('old')))
  const weir = await startWeir(t, { listen, upstreams: { app: upstreamOf([old]) } })
  const client = await RawClient.connect(weir.port)
  t.after(() => client.close())
  const answer = client.exchange()
  await gate.reached(1)
  await reload(weir, { listen, upstreams: { app: upstreamOf([fresh]) } }, /^configuration reloaded/)
  await waitFor(async () => (await fetchRaw(weir.port)).text === 'new', { what: 'the new endpoint to serve' })
  gate.open()
  assert.equal((await answer).text, 'old')
  assert.equal((await client.exchange()).text, 'new')
  await waitFor(() => old.connections.open === 0, {
    what: 'the connections to the old endpoint to be closed',
  })
  await weir.atRest()
})

test('endpoint that stays keeps its connections', async (t) => {
  const [stays, comes] = await twoOrigins(t)
  const weir = await startWeir(t, { listen, upstreams: { app: upstreamOf([stays]) } })
  await fetchRaw(weir.port)
  await reload(weir, { listen, upstreams: { app: upstreamOf([stays, comes]) } }, /^configuration reloaded/)
  await waitFor(
    async () => {
      await fetchRaw(weir.port)
      return comes.count > 0 && stays.count > 3
    },
    { what: 'both to be used' },
  )
  assert.equal(stays.connections.total, 1)
})

test('bad file is refused with every problem in the log, and nothing changes', async (t) => {
  const [old] = await twoOrigins(t)
  const weir = await startWeir(t, { listen, upstreams: { app: upstreamOf([old]) } })
  const load = new Load({ port: weir.port, connections: 4 })
  const bad = {
    listen,
    wrkers: 2,
    drainTimeout: 'soon',
    upstreams: { app: { endpoints: [], balance: 'fair' } },
  }
  const from = await reload(weir, bad, /^reload refused/)
  const errors = JSON.stringify(weir.log.lines.slice(from).filter((line) => line.level >= 50))
  for (const path of ['wrkers', 'drainTimeout', 'upstreams.app.endpoints', 'upstreams.app.balance']) {
    assert.ok(errors.includes(path), `${path} in ${errors}`)
  }
  await reload(weir, '{ "listen": ', /^reload refused/)
  const answered = load.answered
  await waitFor(() => load.answered > answered + 100, { what: 'answers as before' })
  await load.stop()
  assert.deepEqual([Object.keys(load.statuses), load.errors], [['200'], {}])
  await reload(weir, { listen, upstreams: { app: upstreamOf([old]) } }, /^configuration reloaded/)
})

test('another number of workers takes effect under load', async (t) => {
  const [old] = await twoOrigins(t)
  const app = upstreamOf([old])
  const weir = await startWeir(t, { listen, workers: 1, upstreams: { app } })
  await reload(weir, { listen, workers: 3, upstreams: { app } }, /^configuration reloaded/)
  await waitFor(async () => (await weir.stats()).length === 3, { what: 'three workers' })
  const load = new Load({ port: weir.port, connections: 12 })
  await waitFor(() => load.answered > 200, { what: '200 answers' })
  await reload(weir, { listen, workers: 1, upstreams: { app } }, /^configuration reloaded/)
  await waitFor(() => weir.workerPids().length === 1, { what: 'one worker', timeoutMs: 15_000 })
  const answered = load.answered
  await waitFor(() => load.answered > answered + 200, { what: '200 more answers' })
  await load.stop()
  // A client may send on a connection at the very moment when the leaving worker closes it for being idle: that is
  // seen as a close before any answer, and repeated by every client that keeps connections.
  const { closed = 0, reset = 0, ...others } = load.errors
  assert.deepEqual([Object.keys(load.statuses), others], [['200'], {}])
  assert.ok(closed + reset <= 12, JSON.stringify(load.errors))
  assert.equal(old.count, load.answered, 'a request that reached the origin was not answered')
})

test('another address for the same port takes effect, though it is our own socket that holds the port', async (t) => {
  const [old] = await twoOrigins(t)
  const upstreams = { app: upstreamOf([old]) }
  const port = await unusedPort()
  const at = (host: string) => ({ listen: { host, port }, workers: 2, upstreams })
  const weir = await startWeir(t, at('127.0.0.1'))
  const answers = (host: string) =>
    new Promise<boolean>((resolve) => {
      const socket = connect({ port, host }, () => resolve(true)).once('error', () => resolve(false))
      t.after(() => socket.destroy())
    })
  await reload(weir, at('0.0.0.0'), /^configuration reloaded/)
  await waitFor(() => answers('127.0.0.2'), { what: 'all addresses' })
  assert.equal((await fetchRaw(port)).status, 200)
  await reload(weir, at('127.0.0.1'), /^configuration reloaded/)
  await waitFor(async () => !(await answers('127.0.0.2')), { what: 'the other address to be closed' })
  assert.equal((await fetchRaw(port)).status, 200)
})

test('another port is opened, and the old one closed', async (t) => {
  const [old] = await twoOrigins(t)
  const upstreams = { app: upstreamOf([old]) }
  const weir = await startWeir(t, { listen, upstreams })
  const before = weir.port
  const both = [listen, listen]
  const from = await reload(weir, { listen: both, upstreams }, /^configuration reloaded/)
  await weir.waitForLog((line) => line.msg === 'listening', 'the second listener', from)
  const [, added] = weir.ports as [number, number]
  for (const port of [before, added]) assert.equal((await fetchRaw(port)).status, 200)
  await reload(weir, { listen, upstreams }, /^configuration reloaded/)
  await waitFor(
    () =>
      RawClient.connect(added).then(
        (client) => client.close(),
        () => true,
      ),
    { what: 'it to be closed' },
  )
  assert.equal((await fetchRaw(before)).status, 200)
})
