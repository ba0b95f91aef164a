/** Signals that come before Weir has read its configuration. Its file is a FIFO here, so that it waits there for as long as the test wants. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { LogLines } from '../support/log-lines.ts'
import { within } from '../support/wait.ts'

const cli = join(import.meta.dirname, '../../src/cli.ts')
const config = JSON.stringify({
  listen: { host: '127.0.0.1', port: 0 },
  routes: [{ path: '/', respond: { status: 200 } }],
})

test('SIGHUP, SIGUSR1 and SIGUSR2 before the configuration is read: they end nothing, and Weir starts', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const fifo = join(folder, 'config.json')
  execFileSync('mkfifo', [fifo])
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
