import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Supervisor } from '../../../src/control/supervisor.ts'
import type { ListenerPlan } from '../../../src/plan/listener-plan.ts'
import { MemoryLog } from '../../support/fakes/logger.ts'
import { loopback, plan } from '../../support/fakes/plans.ts'
import { workerStats } from '../../support/fakes/stats.ts'
import { type FakeWorker, FakeWorkers } from '../../support/fakes/workers.ts'

const planOf = (workers: number) => plan({ workers, listeners: [loopback(8080)], drainTimeoutMs: 1_000 })

function setUp(t: TestContext, workers = 2) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const fakes = new FakeWorkers()
  const memory = new MemoryLog()
  const events: string[] = []
  let unhealthy: readonly string[] = []
  const supervisor = new Supervisor(memory.log, planOf(workers), fakes.start, () => unhealthy, {
    onReady: () => events.push('ready'),
    onFailed: (reason) => events.push(`failed: ${reason}`),
  })
  return {
    fakes,
    memory,
    events,
    supervisor,
    pass: (ms: number) => t.mock.timers.tick(ms),
    setUnhealthy: (ids: readonly string[]) => {
      unhealthy = ids
    },
  }
}

/** All workers have been started and are ready. */
function running(t: TestContext, workers = 2) {
  const kit = setUp(t, workers)
  kit.supervisor.start()
  for (const worker of kit.fakes.living) worker.becomeReady()
  assert.deepEqual(kit.events, ['ready'])
  return kit
}

test('started_as many as the plan says, each given plan and health first', (t) => {
  const { fakes, supervisor, setUnhealthy } = setUp(t)
  setUnhealthy(['app/b'])
  supervisor.start()
  assert.deepEqual(
    fakes.all.map(({ number }) => number),
    [1, 2],
  )
  for (const worker of fakes.all) {
    assert.deepEqual(worker.messages, [{ type: 'plan', plan: planOf(2), unhealthy: ['app/b'] }])
  }
})

test('ready_when all are, and said once', (t) => {
  const { fakes, events, supervisor } = setUp(t)
  supervisor.start()
  fakes.numbered(1).becomeReady()
  assert.deepEqual(events, [])
  fakes.numbered(2).becomeReady()
  assert.deepEqual(events, ['ready'])
  fakes.numbered(2).becomeReady()
  assert.deepEqual(events, ['ready'])
})

test('listening_one line for each listener, however many workers', (t) => {
  const { memory } = running(t)
  assert.deepEqual(
    memory.named('listening').map(({ host, port }) => [host, port]),
    [['127.0.0.1', 8080]],
  )
})

test('listening after a reload_a line for what is new, has TLS now or is back; none for what stays or is gone', async (t) => {
  const { fakes, memory, supervisor } = running(t)
  const reload = async (...listeners: ListenerPlan[]) => {
    const from = memory.named('listening').length
    const over = supervisor.reload(plan({ workers: 2, listeners }))
    for (const worker of fakes.living) worker.becomeReady()
    await over
    return memory
      .named('listening')
      .slice(from)
      .map(({ port, tls }) => [port, tls])
  }
  const certificate = { serverNames: [], certFile: '/a', keyFile: '/b', passphrase: null }
  const tls = { certificates: [certificate], clientCaFile: null, minVersion: '1.2', contentHash: '' } as const
  assert.deepEqual(await reload(loopback(8080), loopback(8081)), [[8081, undefined]])
  assert.deepEqual(await reload({ ...loopback(8080), tls }), [[8080, true]])
  fakes.numbered(1).events.onMessage({ type: 'listening', listener: loopback(8081) })
  assert.deepEqual(await reload({ ...loopback(8080), tls, redirectPort: 1 }), [])
  assert.deepEqual(await reload(loopback(8080), loopback(8081)), [
    [8080, undefined],
    [8081, undefined],
  ])
})

for (const [condition, end] of [
  ['dies', (worker: FakeWorker) => worker.exit('exit code 7')],
  ['rejects the plan', (worker: FakeWorker) => worker.reject('exit code 7')],
] as const) {
  test(`one ${condition} before all are ready_the start has failed, the others are ended, no replacement`, (t) => {
    const { fakes, events, supervisor, pass } = setUp(t)
    supervisor.start()
    fakes.numbered(1).becomeReady()
    end(fakes.numbered(2))
    assert.equal(events.length, 1)
    assert.match(events[0] as string, /^failed: .*exit code 7/)
    assert.equal(fakes.living.length, 0)
    pass(60_000)
    assert.equal(fakes.all.length, 2)
    assert.equal(events.length, 1)
  })
}

test('death_replaced at once under the same number, with the current plan and health', (t) => {
  const { fakes, memory, setUnhealthy, pass } = running(t)
  setUnhealthy(['app/a'])
  fakes.numbered(2).exit('signal SIGSEGV')
  pass(0)
  assert.equal(fakes.all.length, 3)
  assert.deepEqual(fakes.numbered(2).messages, [{ type: 'plan', plan: planOf(2), unhealthy: ['app/a'] }])
  const line = memory.lines.find(({ msg }) => msg.startsWith('worker died'))
  assert.deepEqual([line?.worker, line?.how], [2, 'signal SIGSEGV'])
})

test('death after death_later each time, the others go on', (t) => {
  const { fakes, pass } = running(t)
  const waits: number[] = []
  for (let death = 0; death < 4; death++) {
    const before = fakes.all.length
    fakes.numbered(2).exit()
    let waited = 0
    for (; fakes.all.length === before; waited++) pass(waited === 0 ? 0 : 1)
    waits.push(waited - 1)
  }
  assert.deepEqual(waits, [0, 100, 200, 400])
  assert.equal(fakes.numbered(1).pid, 1_000)
})

test('worker that answers no ping for half a minute_ended and replaced; one that answers lives', (t) => {
  const { fakes, memory, pass } = running(t)
  const [answers, silent] = fakes.living as [FakeWorker, FakeWorker]
  for (let round = 0; round < 6; round++) {
    pass(5_000)
    assert.equal(answers.types.filter((type) => type === 'ping').length, round + 1)
    answers.events.onMessage({ type: 'pong' })
  }
  assert.equal(silent.kills, 0)
  pass(5_000)
  assert.deepEqual([answers.kills, silent.kills], [0, 1])
  const [line] = memory.named('worker does not answer: killing it')
  assert.deepEqual([line?.worker, line?.workerPid, line?.silentMs], [2, silent.pid, 30_000])
  pass(0)
  assert.deepEqual(fakes.numbered(2).types, ['plan'])
})

test('worker that is late once_is not blamed for it later', (t) => {
  const { fakes, pass } = running(t, 1)
  const [worker] = fakes.living as [FakeWorker]
  for (let round = 0; round < 20; round++) {
    pass(5_000)
    if (round % 5 === 4) worker.events.onMessage({ type: 'pong' })
  }
  assert.equal(worker.kills, 0)
})

test('worker that is not ready yet_is not asked, has a minute, and is not blamed for it later', (t) => {
  const { fakes, supervisor, pass } = setUp(t)
  supervisor.start()
  for (let round = 0; round < 12; round++) pass(5_000)
  assert.deepEqual(
    fakes.all.map(({ types }) => types),
    [['plan'], ['plan']],
  )
  for (const worker of fakes.all) worker.becomeReady()
  for (let round = 0; round < 6; round++) pass(5_000)
  assert.deepEqual(
    fakes.all.map(({ kills }) => kills),
    [0, 0],
  )
})

test('replacement that is not ready after a minute_ended and replaced', (t) => {
  const { fakes, events, memory, pass } = running(t, 1)
  fakes.numbered(1).exit()
  pass(0)
  const hangs = fakes.numbered(1)
  for (let round = 0; round < 13; round++) pass(5_000)
  assert.equal(hangs.kills, 1)
  const [line] = memory.named('worker does not become ready: killing it')
  assert.deepEqual([line?.worker, line?.workerPid, line?.silentMs], [1, hangs.pid, 60_000])
  pass(100)
  fakes.numbered(1).becomeReady()
  assert.deepEqual(events, ['ready'])
})

test('worker that cannot be started_tried again, later each time', (t) => {
  const { fakes, events, memory, supervisor, pass } = running(t)
  fakes.onStart = () => {
    throw new Error('spawn ENOMEM')
  }
  supervisor.reload(planOf(3))
  for (const wait of [0, 100]) pass(wait)
  assert.equal(memory.named('worker died: it will be replaced').length, 3)
  assert.equal(fakes.living.length, 2)
  fakes.onStart = () => {}
  pass(200)
  assert.deepEqual(fakes.numbered(3).types, ['plan'])
  assert.deepEqual(events, ['ready'])
})

test('worker that cannot be started at the start_the start has failed, once, and no other is started', (t) => {
  const { fakes, events, supervisor, pass } = setUp(t)
  fakes.onStart = () => {
    throw new Error('spawn ENOMEM')
  }
  supervisor.start()
  assert.deepEqual(events, ['failed: worker 1 ended before it was ready (spawn ENOMEM)'])
  fakes.onStart = () => {}
  pass(60_000)
  assert.equal(fakes.all.length, 0)
})

test('one exit told twice_one replacement', (t) => {
  // Node may emit both `error` and `exit` for one child.
  const { fakes, pass } = running(t)
  const worker = fakes.numbered(2)
  worker.exit('spawn error')
  worker.exit('exit code 1')
  pass(60_000)
  assert.equal(fakes.living.length, 2)
  assert.equal(fakes.numbered(2).number, 2)
})

test('late word of a worker that is gone_is not taken for its replacement\u2019s', (t) => {
  const { fakes, pass } = running(t)
  const gone = fakes.numbered(2)
  gone.exit()
  pass(0)
  gone.exit('told late')
  pass(60_000)
  assert.equal(fakes.living.length, 2)
  assert.equal(fakes.all.length, 3)
})

test('health and report_told to every living worker', (t) => {
  const { fakes, supervisor } = running(t)
  supervisor.setHealth('app/a', false)
  supervisor.report()
  for (const worker of fakes.all) {
    assert.deepEqual(worker.messages.slice(1), [
      { type: 'health', id: 'app/a', healthy: false },
      { type: 'report' },
    ])
  }
})

test('reload_each worker is told; more are started where more are wanted', (t) => {
  const { fakes, supervisor } = running(t)
  supervisor.reload(planOf(3))
  assert.deepEqual(
    fakes.living.map(({ number, types }) => [number, types]),
    [
      [1, ['plan', 'plan']],
      [2, ['plan', 'plan']],
      [3, ['plan']],
    ],
  )
  for (const worker of fakes.living) assert.equal(worker.plan.workers, 3)
})

test('reload_over when every worker has answered', async (t) => {
  const { fakes, supervisor } = running(t)
  const said: (string | null)[] = []
  const over = supervisor.reload(planOf(3)).then((refused) => said.push(refused))
  fakes.numbered(1).becomeReady()
  fakes.numbered(2).becomeReady()
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(said, [])
  fakes.numbered(3).becomeReady()
  await over
  assert.deepEqual(said, [null])
})

test('reload that one rejects or dies over_over at once, with the reason', async (t) => {
  const { fakes, supervisor } = running(t)
  const rejected = supervisor.reload(planOf(2))
  fakes.numbered(2).reject('cannot listen')
  assert.equal(await rejected, 'cannot listen')
  const died = supervisor.reload(planOf(2))
  fakes.numbered(1).exit('signal SIGSEGV')
  assert.equal(await died, 'worker 1 ended before it had taken the plan (signal SIGSEGV)')
})

test('answers to the plan before_do not count for the one that came after', async (t) => {
  const { fakes, supervisor } = running(t)
  const first = supervisor.reload(planOf(2))
  fakes.numbered(1).reject('the first plan')
  assert.equal(await first, 'the first plan')
  const said: (string | null)[] = []
  const second = supervisor.reload(planOf(2)).then((refused) => said.push(refused))
  fakes.numbered(1).becomeReady()
  fakes.numbered(2).reject('the first plan')
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(said, [])
  fakes.numbered(2).becomeReady()
  await second
  assert.deepEqual(said, [null])
})

test('replacement that rejects a plan while a newer one is on its way_lives to answer it', async (t) => {
  const { fakes, supervisor, pass } = running(t)
  fakes.numbered(2).exit()
  pass(0)
  const over = supervisor.reload(planOf(2))
  const replacement = fakes.numbered(2)
  replacement.reject('cannot listen')
  fakes.numbered(1).becomeReady()
  replacement.becomeReady()
  assert.equal(await over, null)
  assert.equal(replacement.kills, 0)
})

test('reload while one waits to be replaced_it is not waited for', async (t) => {
  const { fakes, supervisor, pass } = running(t)
  fakes.numbered(2).exit()
  const over = supervisor.reload(planOf(2))
  fakes.numbered(1).becomeReady()
  assert.equal(await over, null)
  pass(0)
  assert.deepEqual(fakes.numbered(2).types, ['plan'])
})

test('reload to fewer_those above drain and are not replaced', (t) => {
  const { fakes, supervisor, pass } = running(t, 3)
  supervisor.reload(planOf(1))
  assert.deepEqual(
    fakes.living.map(({ types }) => types.includes('drain')),
    [false, true, true],
  )
  fakes.numbered(2).exit('drained')
  fakes.numbered(3).exit('exit code 1')
  pass(60_000)
  assert.deepEqual(
    fakes.living.map(({ number }) => number),
    [1],
  )
})

test('reload to fewer and back to more before they have gone_new ones are started beside them', (t) => {
  const { fakes, supervisor } = running(t, 2)
  supervisor.reload(planOf(1))
  supervisor.reload(planOf(2))
  assert.deepEqual(
    fakes.living.map(({ number, types }) => [number, types.includes('drain')]),
    [
      [1, false],
      [2, true],
      [2, false],
    ],
  )
})

test('reload to fewer while one above waits to be replaced_it is not', (t) => {
  const { fakes, supervisor, pass } = running(t, 2)
  fakes.numbered(2).exit()
  supervisor.reload(planOf(1))
  pass(60_000)
  assert.equal(fakes.all.length, 2)
})

test('reload to fewer before all are ready_ready when those that stay are', (t) => {
  const { fakes, events, supervisor } = setUp(t, 2)
  supervisor.start()
  fakes.numbered(1).becomeReady()
  supervisor.reload(planOf(1))
  fakes.numbered(2).exit('drained')
  assert.deepEqual(events, ['ready'])
})

test('plan rejected on a reload_reported, the worker lives', (t) => {
  const { fakes, memory, events, supervisor } = running(t)
  supervisor.reload(planOf(2))
  fakes.numbered(1).reject('cannot listen on 127.0.0.1:1')
  assert.deepEqual(events, ['ready'])
  assert.equal(fakes.living.length, 2)
  assert.ok(memory.messages.some((message) => message.startsWith('cannot listen on 127.0.0.1:1')))
})

test('replacement that rejects its first plan_ended and replaced, later each time, until one is ready', (t) => {
  const { fakes, memory, events, pass } = running(t)
  fakes.numbered(2).exit()
  pass(0)
  for (const wait of [100, 200]) {
    const replacement = fakes.numbered(2)
    replacement.reject('cannot listen on 127.0.0.1:8080')
    assert.equal(replacement.kills, 1)
    pass(wait - 1)
    assert.equal(fakes.living.length, 1)
    pass(1)
  }
  assert.equal(memory.named('cannot listen on 127.0.0.1:8080: it will be tried again').length, 2)
  fakes.numbered(2).becomeReady()
  pass(5_000)
  assert.deepEqual(fakes.numbered(2).types, ['plan', 'ping'])
  assert.deepEqual(events, ['ready'])
})

test('drain_every worker is told, over when all have gone, nobody is replaced', async (t) => {
  const { fakes, supervisor, pass } = running(t)
  let over = false
  const drained = supervisor.drain().then(() => {
    over = true
  })
  for (const worker of fakes.all) assert.equal(worker.types.at(-1), 'drain')
  fakes.numbered(1).exit('drained')
  await Promise.resolve()
  assert.equal(over, false)
  fakes.numbered(2).exit('exit code 1')
  await drained
  pass(60_000)
  assert.equal(fakes.all.length, 2)
  assert.ok(fakes.all.every(({ kills }) => kills === 0))
})

test('drain_no timer is left behind it: what runs both planes in its own process can end', async (t) => {
  const { fakes, supervisor, pass } = running(t)
  const drained = supervisor.drain()
  for (const worker of [...fakes.living]) worker.exit('drained')
  await drained
  const set = t.mock.method(globalThis, 'setTimeout')
  pass(60_000)
  assert.equal(set.mock.callCount(), 0)
})

test('drain while one waits to be replaced_it is not', async (t) => {
  const { fakes, supervisor, pass } = running(t, 1)
  fakes.numbered(1).exit()
  await supervisor.drain()
  pass(60_000)
  assert.equal(fakes.all.length, 1)
})

test('drain, and one does not go_ended after drainTimeout and a grace', async (t) => {
  const { fakes, supervisor, pass } = running(t)
  const drained = supervisor.drain()
  fakes.numbered(1).exit('drained')
  pass(1_000)
  assert.equal(fakes.numbered(2).kills, 0)
  pass(10_000)
  await drained
  assert.equal(fakes.all[1]?.kills, 1)
})

test('kill_every worker is ended, nobody is replaced', (t) => {
  const { fakes, supervisor, pass } = running(t)
  supervisor.kill()
  assert.equal(fakes.living.length, 0)
  pass(60_000)
  assert.equal(fakes.all.length, 2)
})

test('kill while one waits to be replaced_it is not', (t) => {
  const { fakes, supervisor, pass } = running(t)
  fakes.numbered(2).exit()
  supervisor.kill()
  pass(60_000)
  assert.equal(fakes.living.length, 0)
})

const numbersUp = (counted: readonly { number: number; stats: unknown }[]) =>
  counted.map(({ number, stats }) => `${number} ${stats === null ? 'down' : 'up'}`)

test('census_asks each worker, and tells what they say', async (t) => {
  const { fakes, supervisor } = running(t)
  const census = supervisor.census()
  for (const worker of fakes.living) {
    assert.equal(worker.types.at(-1), 'measure')
    worker.events.onMessage({ type: 'stats', stats: workerStats({ inFlight: worker.number }) })
  }
  assert.deepEqual(
    (await census).map(({ number, stats }) => [number, stats?.inFlight]),
    [
      [1, 1],
      [2, 2],
    ],
  )
})

test('census_one dies meanwhile, is being replaced, starts, or hangs: down, and the others are up', async (t) => {
  const { fakes, supervisor, pass } = running(t)
  const tell = (number: number) =>
    fakes.numbered(number).events.onMessage({ type: 'stats', stats: workerStats() })
  const dying = supervisor.census()
  tell(1)
  fakes.numbered(2).exit()
  assert.deepEqual(numbersUp(await dying), ['1 up', '2 down'])
  const replaced = supervisor.census()
  tell(1)
  assert.deepEqual(numbersUp(await replaced), ['1 up', '2 down'])
  pass(0)
  assert.equal(fakes.living.length, 2)
  const starting = supervisor.census()
  tell(1)
  assert.deepEqual(numbersUp(await starting), ['1 up', '2 down'])
  assert.equal(fakes.numbered(2).types.includes('measure'), false)
  fakes.numbered(2).becomeReady()
  const hanging = supervisor.census()
  tell(1)
  pass(1_000)
  assert.deepEqual(numbersUp(await hanging), ['1 up', '2 down'])
  assert.equal(supervisor.deaths, 1)
})

test('census_one that leaves is not asked, and what it says is not taken for that of its successor', async (t) => {
  const { fakes, supervisor } = running(t)
  const leaving = fakes.numbered(2)
  void supervisor.reload(planOf(1))
  void supervisor.reload(planOf(2))
  const [successor] = fakes.living.filter((worker) => worker.number === 2 && worker !== leaving)
  for (const worker of [fakes.numbered(1), successor as FakeWorker]) worker.becomeReady()
  const census = supervisor.census()
  assert.equal(leaving.types.includes('measure'), false)
  leaving.events.onMessage({ type: 'stats', stats: workerStats({ inFlight: 99 }) })
  leaving.exit('drained')
  for (const worker of [fakes.numbered(1), fakes.numbered(2)])
    worker.events.onMessage({ type: 'stats', stats: workerStats() })
  assert.deepEqual(
    (await census).map(({ stats }) => stats?.inFlight),
    [0, 0],
  )
  assert.equal(supervisor.deaths, 0)
})

test('census while all drain_they are told still', async (t) => {
  const { fakes, supervisor } = running(t)
  const drained = supervisor.drain()
  const census = supervisor.census()
  fakes.numbered(1).events.onMessage({ type: 'stats', stats: workerStats({ inFlight: 7 }) })
  fakes.numbered(2).exit('drained')
  assert.deepEqual(
    (await census).map(({ number, stats }) => [number, stats?.inFlight]),
    [
      [1, 7],
      [2, undefined],
    ],
  )
  fakes.numbered(1).exit('drained')
  await drained
})
