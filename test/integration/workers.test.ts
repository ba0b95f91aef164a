/** Worker processes: on one port, replaced when they die; and how Weir starts or does not. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { Supervisor } from '../../src/control/supervisor.ts'
import { processWorkers } from '../../src/start-worker.ts'
import { MemoryLog } from '../support/fakes/logger.ts'
import { loopback, plan } from '../support/fakes/plans.ts'
import { Load, runLoad } from '../support/load.ts'
import { startOrigin, unusedPort } from '../support/origin.ts'
import { delayed, ok } from '../support/origin-behaviours.ts'
import { isAlive } from '../support/process-info.ts'
import { proxied, upstreamOf } from '../support/proxied.ts'
import { fetchRaw } from '../support/raw-client.ts'
import { waitFor } from '../support/wait.ts'
import { launchWeir, runCommand, startWeir } from '../support/weir.ts'

const upstreams = { app: ['http://127.0.0.1:9'] }

test('two workers on one port both serve', async (t) => {
  const { weir } = await proxied(t, ok(), { config: { workers: 2 } })
  assert.equal(weir.ports.length, 1)
  // The kernel spreads connections by their hash: not one of 100 at one of two is a chance of 2^-100.
  const answers = await Promise.all(Array.from({ length: 100 }, () => fetchRaw(weir.port)))
  assert.ok(answers.every((answer) => answer.status === 200))
  const stats = await weir.stats()
  assert.deepEqual(
    stats.map((line) => line.worker),
    [1, 2],
  )
  const served = stats.map((line) => line.outcomes.completed ?? 0)
  assert.equal(served[0]! + served[1]!, 100)
  assert.ok(
    served.every((count) => count > 0),
    `${served}`,
  )
  await weir.atRest()
})

test('kill -9 on one of two workers under load: the port goes on answering and the worker is replaced', async (t) => {
  const { weir } = await proxied(t, delayed(1, ok()), { config: { workers: 2 } })
  const connections = 20
  const load = new Load({ port: weir.port, connections })
  await waitFor(() => load.answered > 1_000, { what: '1,000 answers' })
  const [victim, survivor] = weir.workerPids() as [number, number]
  const from = weir.log.lines.length
  process.kill(victim, 'SIGKILL')
  const replaced = await weir.waitForLog((line) => line.msg === 'worker started', 'a new worker', from)
  await waitFor(async () => (await weir.stats()).length === 2, { what: 'the figures of two workers' })
  assert.deepEqual(weir.workerPids(), [survivor, replaced.workerPid])

  // One failure for each connection that the victim had, and for each that the kernel had given it but it had not
  // accepted. From here on there is none.
  const failed = load.failed
  assert.ok(failed <= 2 * connections, `${failed} requests failed: ${JSON.stringify(load.errors)}`)
  const answered = load.answered
  await waitFor(() => load.answered > answered + 1_000, { what: '1,000 more answers' })
  assert.equal(load.failed, failed)
  await load.stop()
  assert.deepEqual(Object.keys(load.statuses), ['200'])
  const anew = await runLoad({ port: weir.port, connections: 100, requests: 100 })
  assert.deepEqual([anew.statuses, anew.errors], [{ 200: 100 }, {}])
  const stats = await weir.stats()
  assert.ok((stats[0]!.outcomes.completed ?? 0) > 0, 'the new worker serves')
  await weir.atRest()
})

test('worker that is killed again and again is replaced each time', async (t) => {
  const { weir, fetch } = await proxied(t, ok(), { config: { workers: 1 } })
  for (let i = 0; i < 3; i++) {
    const from = weir.log.lines.length
    process.kill(weir.workerPid(), 'SIGKILL')
    await weir.waitForLog((line) => line.msg === 'worker started', 'a new worker', from)
    await waitFor(
      () =>
        fetch().then(
          (answer) => answer.status === 200,
          () => false,
        ),
      { what: 'an answer' },
    )
  }
  assert.equal(weir.log.named('worker died: it will be replaced').length, 3)
})

test('worker that hangs: noticed, ended and replaced', async (t) => {
  const memory = new MemoryLog()
  const port = await unusedPort()
  const hanging = plan({ workers: 1, listeners: [loopback(port)] })
  let outcome = ''
  const supervisor = new Supervisor(
    memory.log,
    hanging,
    processWorkers(new PassThrough().resume()),
    () => [],
    { onReady: () => (outcome = 'ready'), onFailed: (reason) => (outcome = reason) },
    100,
    // As long as this test waits for it: how fast a worker starts is not what it is about.
    300,
  )
  t.after(() => supervisor.kill())
  supervisor.start()
  await waitFor(() => outcome !== '', { what: 'the worker to be ready', timeoutMs: 30_000 })
  assert.equal(outcome, 'ready')
  const [started] = memory.named('worker started')
  process.kill(started!.workerPid as number, 'SIGSTOP')
  await waitFor(() => memory.named('worker died: it will be replaced').length > 0, {
    what: 'its end',
    timeoutMs: 30_000,
  })
  assert.equal(memory.named('worker does not answer: killing it')[0]!.workerPid, started!.workerPid)
  await waitFor(() => memory.named('worker started').length > 1, { what: 'another worker' })
})

test('control process killed: the workers end too', async (t) => {
  const { weir } = await proxied(t, ok(), { config: { workers: 2 } })
  const workers = weir.workerPids()
  process.kill(weir.pid, 'SIGKILL')
  await waitFor(() => !workers.some(isAlive), { what: 'the workers to end' })
})

test('port taken: exit 1 and a message that names it', async (t) => {
  const taken = createServer()
  const port = await new Promise<number>((resolve) =>
    taken.listen(0, '127.0.0.1', () => resolve((taken.address() as { port: number }).port)),
  )
  t.after(() => taken.close())
  const weir = launchWeir(t, { listen: { host: '127.0.0.1', port }, upstreams })
  assert.equal(await weir.exited, 1)
  assert.match(await weir.stderr(), new RegExp(`127\\.0\\.0\\.1:${port}\\b`))
  assert.equal(weir.log.named('ready').length, 0)
})

test('port taken by another Weir: exit 1, and the first one goes on', async (t) => {
  const first = await proxied(t, ok(), { config: { workers: 2 } })
  const second = launchWeir(t, { listen: { host: '127.0.0.1', port: first.weir.port }, upstreams })
  assert.equal(await second.exited, 1)
  assert.match(await second.stderr(), new RegExp(`:${first.weir.port}\\b`))
  const load = await runLoad({ port: first.weir.port, connections: 20, requests: 100 })
  assert.deepEqual([load.statuses, load.errors], [{ 200: 100 }, {}])
})

test('address that is not this machine’s: exit 1 and a message that names it', async (t) => {
  const weir = launchWeir(t, { listen: { host: '192.0.2.1', port: 8080 }, upstreams })
  assert.equal(await weir.exited, 1)
  assert.match(await weir.stderr(), /192\.0\.2\.1:8080/)
})

test('wrong usage: exit 2, the reason on standard error, nothing on standard output', async () => {
  const cases: [args: string[], reason: string][] = [
    [['--no-such-flag'], "unknown option '--no-such-flag'"],
    [['--confg', 'x.json'], 'unknown option \'--confg\': did you mean "--config"?'],
    [['run', '--config'], "option '-c, --config <value>' argument missing"],
    [['fly'], 'unknown command "fly": the commands are run, check, demo'],
    [['chek'], 'unknown command "chek": did you mean "check"?'],
    [['check', 'run'], 'one command at a time, not also "run"'],
    [['demo', '--config', 'x.json'], 'demo takes no --config: it brings its own configuration'],
  ]
  for (const [args, reason] of cases) {
    const expected = `weir: ${reason}\nTry "weir --help" for the commands and options.\n`
    assert.deepEqual(await runCommand(...args), { code: 2, stdout: '', stderr: expected }, args.join(' '))
  }
})

test('invalid configuration: exit 2 with every error, nothing started', async (t) => {
  const weir = launchWeir(t, { listen: 'no port', workers: -1, upstreams: { app: [] }, lissen: 1 })
  assert.equal(await weir.exited, 2)
  const stderr = await weir.stderr()
  for (const path of ['listen', 'workers', 'upstreams.app', 'lissen'])
    assert.ok(stderr.includes(path), `${path}\n${stderr}`)
  assert.match(stderr, /\n4 errors in \S+; nothing was started\n$/)
  assert.deepEqual(weir.log.lines, [])
})

test('configuration that is missing or no JSON: exit 2, the reason on standard error', async (t) => {
  const missing = await runCommand('run', '--config', 'nowhere.json')
  assert.equal(missing.code, 2)
  assert.match(missing.stderr, /nowhere\.json/)
  const noJson = launchWeir(t, '{ "listen": 8080, }')
  assert.equal(await noJson.exited, 2)
})

test('--inline: one process does it all, and drains', async (t) => {
  const { weir, fetch } = await proxied(t, ok('inline'), { weir: { inline: true }, config: { workers: 4 } })
  assert.equal((await fetch()).text, 'inline')
  assert.equal(
    weir.log.named('worker started').every((line) => line.workerPid === weir.pid),
    true,
  )
  await weir.atRest()
  assert.equal(await weir.stop(), 0)
})

test('SIGUSR1, with which others reopen their logs: no process of Weir opens a debugger', async (t) => {
  const { weir, fetch } = await proxied(t, ok('still here'), { config: { workers: 1 } })
  process.kill(weir.workerPid(), 'SIGUSR1')
  weir.signal('SIGUSR1')
  await weir.stats()
  assert.equal((await fetch()).text, 'still here')
  assert.equal(await weir.stop(), 0)
  assert.doesNotMatch(await weir.stderr(), /debugger/i)
})

test('--help and --version print and exit 0', async () => {
  for (const [flag, expected] of [
    ['--help', /usage: weir/],
    ['--version', /^\d+\.\d+\.\d+\n$/],
  ] as const) {
    const { code, stdout, stderr } = await runCommand(flag)
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, expected)
  }
})

test('any free port: what it is stands in the log, and both workers share it', async (t) => {
  const origin = await startOrigin(t, ok())
  const weir = await startWeir(t, { workers: 2, upstreams: { app: upstreamOf([origin]) } })
  const lines = weir.log.named('listening')
  assert.ok(lines.every((line) => line.host === '127.0.0.1' && line.port === weir.port))
  assert.ok(weir.port > 0)
})
