/** Signals that come before Weir has read its configuration. Where its file is a FIFO it waits there for as long as the test wants. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { LogLines } from '../support/log-lines.ts'
import { childPids, commandLine } from '../support/process-info.ts'
import { waitFor, within } from '../support/wait.ts'

const cli = join(import.meta.dirname, '../../src/cli.ts')
const config = JSON.stringify({
  listen: { host: '127.0.0.1', port: 0 },
  routes: [{ path: '/', respond: { status: 200 } }],
})

function places(t: TestContext): { fifo: string; file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const fifo = join(folder, 'config.json')
  execFileSync('mkfifo', [fifo])
  const file = join(folder, 'file.json')
  writeFileSync(file, config)
  return { fifo, file }
}

test('SIGHUP, SIGUSR1 and SIGUSR2 before the configuration is read: they end nothing, and Weir starts', async (t) => {
  const { fifo } = places(t)
  const child = spawn(process.execPath, [cli, 'run', '--inline', '--config', fifo], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  t.after(() => child.kill('SIGKILL'))
  const log = new LogLines(child.stdout)
  // Resolves when the other end is opened, by Weir.
  const writer = await within(open(fifo, 'w'), 30_000, 'Weir to open its configuration')
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) child.kill(signal)
  // What a reload will find.
  rmSync(fifo)
  writeFileSync(fifo, config)
  await writer.writeFile(config)
  await writer.close()
  await log.waitFor(({ msg }) => msg === 'ready', 'Weir to be ready')
  await log.waitFor(({ msg }) => msg === 'configuration reloaded', 'what SIGHUP asks for')
  child.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null])
})

const inNamespace = ['--map-root-user', '--pid', '--fork', '--kill-child']
const skip =
  spawnSync('unshare', [...inNamespace, 'true']).status === 0 ? false : 'no PID namespaces on this machine'

/** Weir as process 1 of a namespace, and which process that is here. */
async function asProcess1(t: TestContext, file: string): Promise<{ child: ChildProcess; pid: number }> {
  const child = spawn(
    'unshare',
    [...inNamespace, process.execPath, cli, 'run', '--inline', '--config', file],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  t.after(() => child.kill('SIGKILL'))
  // Weir calls itself so as soon as it has asked for signals.
  const pid = await waitFor(
    () => childPids(child.pid as number).find((each) => commandLine(each) === 'weir'),
    {
      what: 'Weir to begin',
    },
  )
  return { child, pid }
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} to process 1 of a container, at its very beginning: it ends`, { skip }, async (t) => {
    const { child, pid } = await asProcess1(t, places(t).file)
    const exited = once(child, 'exit')
    process.kill(pid, signal)
    assert.deepEqual(await within(exited, 30_000, 'Weir to end'), [0, null])
  })
}

test('SIGTERM to process 1 of a container, while it reads its configuration: it ends when it has', {
  skip,
}, async (t) => {
  const { fifo } = places(t)
  const { child, pid } = await asProcess1(t, fifo)
  const exited = once(child, 'exit')
  const writer = await within(open(fifo, 'w'), 30_000, 'Weir to open its configuration')
  process.kill(pid, 'SIGTERM')
  await writer.writeFile(config)
  await writer.close()
  assert.deepEqual(await within(exited, 30_000, 'Weir to end'), [0, null])
})

for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
  test(`${signal} to all processes while a worker begins: it ends nobody, and opens no debugger`, async (t) => {
    const { file } = places(t)
    const child = spawn(process.execPath, [cli, 'run', '--config', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    t.after(() => child.kill('SIGKILL'))
    const exited = once(child, 'exit')
    const complaints = text(child.stderr)
    const log = new LogLines(child.stdout)
    const { workerPid } = await log.waitFor(({ msg }) => msg === 'worker started', 'the worker to begin')
    // What it does first, and then asks for signals; before that it is Node's own, and nothing can be done.
    const hasBegun = () => commandLine(workerPid as number) === 'weir: worker 1'
    await waitFor(hasBegun, { what: 'the worker to call itself so', everyMs: 1 })
    let isReady = false
    void log
      .waitFor(({ msg }) => msg === 'ready', 'Weir to be ready')
      .finally(() => {
        isReady = true
      })
    await waitFor(
      () => {
        process.kill(-(child.pid as number), signal)
        return isReady
      },
      { what: 'Weir to be ready', everyMs: 1 },
    )
    child.kill('SIGTERM')
    assert.deepEqual(await exited, [0, null])
    assert.equal(log.named('worker died: it will be replaced').length, 0)
    assert.doesNotMatch(await complaints, /debugger/i)
  })
}
