import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadConfig } from '../../../src/config/load.ts'
import { ControlPlane } from '../../../src/control/control-plane.ts'
import { readExposition } from '../../support/exposition.ts'
import { MemoryLog } from '../../support/fakes/logger.ts'
import { workerStats } from '../../support/fakes/stats.ts'
import { FakeWorkers } from '../../support/fakes/workers.ts'
import { startOrigin, unusedPort } from '../../support/origin.ts'
import { ok } from '../../support/origin-behaviours.ts'
import { fetchRaw } from '../../support/raw-client.ts'
import { waitFor } from '../../support/wait.ts'

/** A configuration in which nothing is checked and nothing proxied, but for what a test adds. */
function config(changes: object = {}): object {
  return {
    listen: { host: '127.0.0.1', port: 0 },
    workers: 2,
    upstreams: {},
    routes: [{ respond: { status: 200 } }],
    log: { level: 'info' },
    ...changes,
  }
}

interface Kit {
  readonly control: ControlPlane
  readonly fakes: FakeWorkers
  readonly memory: MemoryLog
  readonly file: string
  readonly write: (text: string | object) => void
}

function setUp(t: TestContext, first: object = config(), workersMax: number | null = null): Kit {
  const directory = mkdtempSync(join(tmpdir(), 'weir-control-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'config.json')
  const write = (text: string | object) =>
    writeFileSync(file, typeof text === 'string' ? text : JSON.stringify(text))
  write(first)
  const result = loadConfig(file)
  assert.ok(result.ok, JSON.stringify(result))
  const fakes = new FakeWorkers()
  const memory = new MemoryLog()
  const control = new ControlPlane({
    file,
    plan: result.plan,
    log: memory.log,
    startWorker: fakes.start,
    workersMax,
  })
  t.after(() => control.kill())
  return { control, fakes, memory, file, write }
}

async function running(t: TestContext, first?: object, workersMax?: number | null): Promise<Kit> {
  const kit = setUp(t, first, workersMax)
  const started = kit.control.start()
  const wanted = () => kit.fakes.living.length > 0
  await waitFor(wanted, { what: 'the workers to be started' })
  for (const worker of kit.fakes.living) worker.becomeReady()
  await started
  kit.fakes.onPlan = (worker) => worker.becomeReady()
  return kit
}

test('started_resolves when every worker accepts, and says ready', async (t) => {
  const { control, fakes, memory } = setUp(t)
  let ready = false
  const started = control.start().then(() => {
    ready = true
  })
  await waitFor(() => fakes.living.length === 2, { what: 'two workers' })
  fakes.numbered(1).becomeReady()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(ready, false)
  fakes.numbered(2).becomeReady()
  await started
  assert.deepEqual(
    memory.named('ready').map(({ workers }) => workers),
    [2],
  )
})

test('port 0_all workers are given the same real one', async (t) => {
  const { fakes } = await running(t)
  const ports = fakes.living.map(({ plan }) => plan.listeners[0]?.port)
  assert.ok((ports[0] as number) > 0)
  assert.equal(ports[0], ports[1])
})

test('inline_one worker, whatever the plan says', async (t) => {
  const { fakes } = await running(t, config({ workers: 4 }), 1)
  assert.equal(fakes.all.length, 1)
  assert.equal(fakes.living[0]?.plan.workers, 1)
})

async function occupy(t: TestContext, port: number): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

test('listener that cannot be bound_no worker is started', async (t) => {
  const port = await occupy(t, 0)
  const { control, fakes } = setUp(t, config({ listen: { host: '127.0.0.1', port } }))
  await assert.rejects(control.start(), /cannot listen on 127\.0\.0\.1:\d+: the port is taken/)
  assert.equal(fakes.all.length, 0)
})

test('worker that fails at the start_its reason', async (t) => {
  const { control, fakes } = setUp(t)
  const started = control.start()
  await waitFor(() => fakes.living.length === 2, { what: 'two workers' })
  fakes.numbered(1).exit('exit code 1')
  await assert.rejects(started, /worker 1 ended before it was ready \(exit code 1\)/)
})

test('reload while the start is under way_comes behind it', async (t) => {
  const { control, fakes, memory, write } = setUp(t)
  fakes.onPlan = (worker) => worker.becomeReady()
  const started = control.start()
  write(config({ workers: 3 }))
  await Promise.all([started, control.reload()])
  assert.deepEqual(
    fakes.living.map(({ plan }) => plan.workers),
    [3, 3, 3],
  )
  assert.deepEqual(
    memory.messages.filter((message) => /ready|reloaded/.test(message)),
    ['ready', 'configuration reloaded'],
  )
})

test('reload while a start is under way that fails_nothing more is started', async (t) => {
  const { control, fakes, memory } = setUp(t)
  const started = control.start()
  const reloaded = control.reload()
  await waitFor(() => fakes.living.length === 2, { what: 'two workers' })
  fakes.numbered(1).exit('exit code 1')
  await assert.rejects(started, /worker 1 ended/)
  await reloaded
  assert.equal(fakes.all.length, 2)
  assert.equal(memory.named('configuration reloaded').length, 0)
})

test('drain while the listeners are looked at_no worker is started', async (t) => {
  const { control, fakes, memory } = setUp(t)
  const started = control.start()
  await control.drain()
  await started
  assert.equal(fakes.all.length, 0)
  assert.deepEqual(memory.messages, ['draining', 'ended'])
})

test('reload_every worker is given the new plan, on the port that it has', async (t) => {
  const { control, fakes, memory, write } = await running(t)
  const before = fakes.numbered(1).plan
  write(config({ workers: 3, log: { level: 'debug' } }))
  await control.reload()
  assert.deepEqual(
    fakes.living.map(({ number, plan }) => [number, plan.workers, plan.listeners]),
    [1, 2, 3].map((number) => [number, 3, before.listeners]),
  )
  assert.equal(memory.named('configuration reloaded').length, 1)
  assert.equal(memory.log.level, 'debug')
})

const bad: [condition: string, text: string | object, reason: RegExp][] = [
  ['is no JSON', '{ "listen": ', /configuration error/],
  ['has an unknown key', config({ lisen: 1 }), /configuration error/],
  ['has a wrong value', config({ workers: -1 }), /configuration error/],
]
for (const [condition, text, reason] of bad) {
  test(`reload of a file that ${condition}_reported, and nothing changes`, async (t) => {
    const { control, fakes, memory, write } = await running(t)
    const said = fakes.living.map(({ messages }) => messages.length)
    write(text)
    await control.reload()
    assert.deepEqual(
      fakes.living.map(({ messages }) => messages.length),
      said,
    )
    assert.equal(fakes.all.length, 2)
    assert.ok(memory.messages.some((message) => reason.test(message)))
    assert.equal(memory.messages.filter((message) => message.startsWith('reload refused')).length, 1)
    assert.equal(memory.log.level, 'trace')
    write(config({ workers: 1 }))
    await control.reload()
    assert.equal(fakes.numbered(1).plan.workers, 1, 'a good file is taken afterwards')
  })
}

test('reload of a file that is gone_reported, and nothing changes', async (t) => {
  const { control, fakes, memory, file, write } = await running(t)
  rmSync(file)
  await control.reload()
  assert.deepEqual(
    fakes.living.map(({ types }) => types),
    [['plan'], ['plan']],
  )
  assert.equal(memory.messages.filter((message) => message.startsWith('reload refused')).length, 1)
  write(config({ workers: 1 }))
  await control.reload()
  assert.equal(fakes.numbered(1).plan.workers, 1)
})

test('reload with a listener that cannot be bound_reported, and nothing changes', async (t) => {
  const { control, fakes, memory, write } = await running(t)
  const taken = await occupy(t, 0)
  write(
    config({
      listen: [
        { host: '127.0.0.1', port: 0 },
        { host: '127.0.0.1', port: taken },
      ],
    }),
  )
  await control.reload()
  assert.deepEqual(
    fakes.living.map(({ types }) => types),
    [['plan'], ['plan']],
  )
  assert.ok(memory.messages.some((message) => message.includes(`127.0.0.1:${taken}: the port is taken`)))
})

test('reload with a socket in a folder that is a file_reported, and nothing changes', async (t) => {
  const { control, fakes, memory, file, write } = await running(t)
  const program = join(dirname(file), 'program')
  writeFileSync(program, '', { mode: 0o755 })
  write(config({ listen: [{ host: '127.0.0.1', port: 0 }, `unix:${program}/x.sock`] }))
  await control.reload()
  assert.deepEqual(
    fakes.living.map(({ types }) => types),
    [['plan'], ['plan']],
  )
  const said = memory.messages.find((message) => message.includes('reload refused'))
  assert.match(`${said}`, /^cannot listen on unix:.*x\.sock: .*ENOTDIR/)
  write(config({ workers: 1 }))
  await control.reload()
  assert.equal(fakes.numbered(1).plan.workers, 1, 'a good file is taken afterwards')
})

test('reload that fails in a way that nobody has thought of_reported, and nothing changes', async (t) => {
  const { control, fakes, memory, write } = await running(t)
  const port = await unusedPort()
  const listen = t.mock.method(Server.prototype, 'listen', () => {
    throw new Error('out of everything')
  })
  write(config({ listen: { host: '127.0.0.1', port } }))
  await control.reload()
  listen.mock.restore()
  assert.deepEqual(
    fakes.living.map(({ types }) => types),
    [['plan'], ['plan']],
  )
  const [line] = memory.named('out of everything: reload refused, the running configuration stays')
  assert.match(JSON.stringify(line?.err), /"stack":/)
  await control.reload()
  assert.equal(fakes.numbered(1).plan.listeners[0]?.port, port, 'the next one is taken')
})

test('port given back by a reload while a worker still has it open_no obstacle to the next that wants it', async (t) => {
  const port = await unusedPort()
  const listen = { host: '127.0.0.1', port }
  const { control, fakes, memory, write } = await running(t, config({ listen }))
  // A worker's, who shares it as all workers do.
  const socket = createServer()
  await new Promise<void>((resolve) => socket.listen({ ...listen, reusePort: true }, resolve))
  t.after(() => socket.close())
  write(config())
  await control.reload()
  write(config({ listen }))
  await control.reload()
  assert.equal(fakes.numbered(1).plan.listeners[0]?.port, port)
  assert.equal(memory.named('configuration reloaded').length, 2)
})

test('listener of a refused reload_is looked at again by the next', async (t) => {
  const { control, fakes, write } = await running(t)
  const free = await unusedPort()
  const taken = await occupy(t, 0)
  const at = (port: number) => ({ host: '127.0.0.1', port })
  write(config({ listen: [at(0), at(free), at(taken)] }))
  await control.reload()
  // Meanwhile somebody else takes the port that was free in the refused attempt.
  await occupy(t, free)
  write(config({ listen: [at(0), at(free)] }))
  await control.reload()
  assert.deepEqual(fakes.numbered(1).types, ['plan'])
})

test('reload that a worker rejects_refused; plan, health checks and ports are again what they were, everywhere', async (t) => {
  const origin = await startOrigin(t, ok())
  const listen = { host: '127.0.0.1', port: 0 }
  const health = { interval: '50ms', timeout: '1s', unhealthyAfter: 1, healthyAfter: 1 }
  const upstreams = (settings: object) => ({ app: { endpoints: [origin.url], ...settings } })
  const routes = [{ upstream: 'app' }]
  const { control, fakes, memory, write } = await running(
    t,
    config({ upstreams: upstreams({ health }), routes }),
  )
  const before = fakes.living.map(({ plan }) => plan)
  const port = await unusedPort()
  const reason = `cannot listen on 127.0.0.1:${port}`
  const refused = config({
    listen: [listen, { ...listen, port }],
    workers: 3,
    upstreams: upstreams({ health: false }),
    routes,
    log: { level: 'debug' },
  })
  fakes.onPlan = (worker) => {
    if (worker.number === 2 && worker.plan.listeners.length === 2) worker.reject(reason)
    else worker.becomeReady()
  }
  write(refused)
  await control.reload()
  assert.equal(memory.named(`${reason}: reload refused, the running configuration stays`).length, 1)
  assert.equal(memory.named('configuration reloaded').length, 0)
  assert.equal(memory.log.level, 'trace')
  assert.deepEqual(
    [1, 2].map((number) => fakes.numbered(number).plan),
    before,
  )
  assert.equal(fakes.numbered(3).types.at(-1), 'drain')
  await origin.stop()
  await waitFor(() => fakes.numbered(2).types.includes('health'), { what: 'the checks of before' })
  // Somebody else takes the port that was free in the refused attempt.
  await occupy(t, port)
  write(refused)
  await control.reload()
  assert.ok(memory.messages.some((message) => message.startsWith(`${reason}: the port is taken`)))
})

test('reload that a worker rejects, and so it does with the plan before_both are reported', async (t) => {
  const { control, fakes, memory, write } = await running(t)
  fakes.onPlan = (worker) => worker.reject('cannot listen on it')
  write(config({ workers: 1 }))
  await control.reload()
  assert.equal(memory.named('cannot listen on it: reload refused, the running configuration stays').length, 1)
  const stuck = 'cannot listen on it: not every worker is back at the configuration that ran before'
  assert.equal(memory.named(stuck).length, 1)
})

test('reload that no worker has answered yet_not called done; a drain ends the wait', async (t) => {
  const { control, fakes, memory, write } = await running(t)
  fakes.onPlan = () => {}
  write(config({ log: { level: 'debug' } }))
  const reloaded = control.reload()
  await waitFor(() => fakes.numbered(2).types.length === 2, { what: 'the plan to reach the workers' })
  fakes.numbered(1).becomeReady()
  const drained = control.drain()
  for (const worker of fakes.living) worker.exit('drained')
  await Promise.all([reloaded, drained])
  assert.equal(memory.named('configuration reloaded').length, 0)
})

test('reloads one upon another_run one after another, the last file wins', async (t) => {
  const { control, fakes, write } = await running(t)
  write(config({ workers: 1 }))
  const first = control.reload()
  write(config({ workers: 4 }))
  const second = control.reload()
  await Promise.all([first, second])
  assert.equal(fakes.numbered(1).plan.workers, 4)
  assert.ok(fakes.living.some(({ number }) => number === 4))
})

test('endpoint that is down_told to the workers, and to those that come later', async (t) => {
  const origin = await startOrigin(t, ok())
  const health = { interval: '50ms', timeout: '1s', unhealthyAfter: 1, healthyAfter: 1 }
  const upstreams = { app: { endpoints: [origin.url], health } }
  const { control, fakes, memory, write } = await running(
    t,
    config({ upstreams, routes: [{ upstream: 'app' }] }),
  )
  const id = fakes.numbered(1).plan.upstreams[0]?.endpoints[0]?.id
  await origin.stop()
  const told = () => fakes.numbered(1).messages.find(({ type }) => type === 'health')
  await waitFor(told, { what: 'the verdict to reach the worker' })
  assert.deepEqual(told(), { type: 'health', id, healthy: false })
  await waitFor(() => memory.messages.some((message) => message.startsWith('no endpoint is healthy')), {
    what: 'the log to say that none is left',
  })
  write(config({ workers: 3, upstreams, routes: [{ upstream: 'app' }] }))
  await control.reload()
  const [message] = fakes.numbered(3).messages
  assert.deepEqual(message?.type === 'plan' && message.unhealthy, [id])
  await origin.start()
  await waitFor(() => memory.named('endpoint is healthy').length > 0, { what: 'the endpoint to come back' })
})

test('drain_over when every worker has gone; a reload afterwards does nothing', async (t) => {
  const { control, fakes, memory } = await running(t)
  const drained = control.drain()
  for (const worker of fakes.living) worker.exit('drained')
  await drained
  assert.deepEqual(memory.messages.slice(-2), ['draining', 'ended'])
  await control.reload()
  assert.equal(fakes.all.length, 2)
})

test('report_every worker is asked', async (t) => {
  const { control, fakes } = await running(t)
  control.report()
  assert.ok(fakes.living.every(({ types }) => types.at(-1) === 'report'))
})

test('kill_every worker is ended', async (t) => {
  const { control, fakes } = await running(t)
  control.kill()
  assert.equal(fakes.living.length, 0)
})

/** Where metrics are served, as the last line about it says. */
const metricsPort = (memory: MemoryLog) => memory.named('metrics are served').at(-1)?.port as number

async function scrape(port: number, fakes: FakeWorkers) {
  const asked = () => fakes.living.every(({ types }) => types.at(-1) === 'measure')
  const answer = fetchRaw(port, { target: '/metrics' })
  await waitFor(asked, { what: 'the workers to be asked' })
  for (const { events, messages, number } of fakes.living) {
    messages.length = 0
    events.onMessage({ type: 'stats', stats: workerStats({ connections: number }) })
  }
  return readExposition((await answer).text).samples
}

test('metrics_of every worker and of the control process, from the start', async (t) => {
  const { fakes, memory, control, write } = await running(t, config({ metrics: 0 }))
  const port = metricsPort(memory)
  const first = await scrape(port, fakes)
  assert.deepEqual(
    [1, 2].map((worker) => first.get(`weir_client_connections{worker="${worker}"}`)),
    [1, 2],
  )
  assert.equal(first.get('weir_reloads_total'), 0)
  write(config({ metrics: 0, workers: 1 }))
  await control.reload()
  write('{')
  await control.reload()
  fakes.numbered(2).exit('drained')
  const second = await scrape(port, fakes)
  assert.deepEqual(
    ['weir_workers', 'weir_reloads_total', 'weir_reloads_refused_total', 'weir_worker_deaths_total'].map(
      (name) => second.get(name),
    ),
    [1, 1, 1, 0],
  )
})

test('metrics whose port is taken_no worker is started', async (t) => {
  const port = await occupy(t, 0)
  const { control, fakes } = setUp(t, config({ metrics: port }))
  await assert.rejects(control.start(), /cannot listen on 127\.0\.0\.1:\d+: the port is taken .*"metrics"/)
  assert.equal(fakes.all.length, 0)
})

test('reload with metrics whose port is taken_refused, and nothing changes', async (t) => {
  const taken = await occupy(t, 0)
  const { control, fakes, memory, write } = await running(t, config({ metrics: 0 }))
  const port = metricsPort(memory)
  const said = fakes.living.map(({ messages }) => messages.length)
  write(config({ metrics: taken, workers: 1 }))
  await control.reload()
  assert.deepEqual(
    fakes.living.map(({ messages }) => messages.length),
    said,
  )
  const refusal = memory.messages.find((message) => message.includes('reload refused'))
  assert.match(refusal ?? '', /the port is taken .*"metrics".*the running configuration stays/)
  assert.equal((await scrape(port, fakes)).get('weir_reloads_refused_total'), 1)
})

for (const [condition, refuse] of [
  [
    'a listener cannot be bound',
    async (t: TestContext) => ({ listen: { host: '127.0.0.1', port: await occupy(t, 0) } }),
  ],
  ['a worker rejects it', null],
] as const) {
  test(`reload that moves metrics, refused since ${condition}_they are served where they were`, async (t) => {
    const at = await unusedPort()
    const { control, fakes, memory, write } = await running(t, config({ metrics: at }))
    if (refuse === null) {
      fakes.onPlan = (worker) => {
        fakes.onPlan = (other) => other.becomeReady()
        worker.reject('no such luck')
      }
    }
    write(config({ metrics: await unusedPort(), ...(await refuse?.(t)) }))
    await control.reload()
    assert.equal(memory.named('configuration reloaded').length, 0)
    assert.equal((await scrape(at, fakes)).get('weir_reloads_refused_total'), 1)
    assert.equal(metricsPort(memory), at)
  })
}

test('reload that gives the port of metrics to a listener, rejected by a worker_they are back when that has let go of it', async (t) => {
  const at = await unusedPort()
  const { control, fakes, memory, write } = await running(t, config({ metrics: at }))
  const taken: Server[] = []
  // A worker has the port while it runs the plan that gives it one. Each answers every plan, the second refuses when the first has taken it.
  fakes.onPlan = (worker) => {
    const wants = worker.plan.listeners.some(({ port }) => port === at)
    if (worker.number === 2) return wants ? undefined : worker.becomeReady()
    for (const server of taken.splice(0)) server.close()
    if (!wants) return worker.becomeReady()
    const server = createServer().listen(at, '127.0.0.1', () => {
      worker.becomeReady()
      fakes.numbered(2).reject('no such luck')
    })
    taken.push(server)
  }
  t.after(() => taken.forEach((server) => void server.close()))
  write(config({ listen: { host: '127.0.0.1', port: at }, metrics: await unusedPort() }))
  await control.reload()
  assert.equal(memory.named('configuration reloaded').length, 0)
  assert.equal((await scrape(at, fakes)).get('weir_reloads_refused_total'), 1)
})

test('metrics while it drains_served to the end', async (t) => {
  const { control, fakes, memory } = await running(t, config({ metrics: 0 }))
  const port = metricsPort(memory)
  const drained = control.drain()
  assert.equal((await fetchRaw(port, { target: '/metrics' })).status, 200)
  for (const worker of fakes.living) worker.exit('drained')
  await drained
  await assert.rejects(fetchRaw(port, { target: '/metrics' }), /ECONNREFUSED/)
})
