import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { unixFault } from '../../../src/control/unix-check.ts'
import { worker } from './health/probe-rig.ts'

/** A path in a folder that lasts until the test ends. */
function place(t: TestContext, name = 'weir.sock'): string {
  const directory = mkdtempSync(join(tmpdir(), 'weir-unix-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, name)
}

/** A socket of another program, one that is gone: its file is left. */
async function abandon(path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(`${path}.born`, resolve))
  renameSync(`${path}.born`, path)
  await new Promise((resolve) => server.close(resolve))
}

test('nothing there, or a socket that nobody listens on_no obstacle', async (t) => {
  const path = place(t)
  assert.equal(await unixFault(path), null)
  await abandon(path)
  assert.equal(await unixFault(path), null)
})

test('somebody listens there_said', async (t) => {
  const path = place(t)
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(() => server.close())
  assert.equal(await unixFault(path), 'another program listens there; stop it, or change "listen"')
})

test('somebody listens there whose backlog is full_an obstacle, too', {
  skip: process.platform !== 'linux' && 'elsewhere a full backlog looks like nobody',
}, async (t) => {
  const path = place(t)
  await worker(
    t,
    `require('node:net').createServer().listen({ path: ${JSON.stringify(path)}, backlog: 1 }, () => {
      parentPort.postMessage('listening')
      setImmediate(() => Atomics.wait(new Int32Array(workerData), 0, 0))
    })`,
  )
  let code = ''
  for (let count = 0; count < 64 && code !== 'EAGAIN'; count++) {
    const socket = connect(path)
    t.after(() => socket.destroy())
    code = await new Promise((resolve) => {
      socket.once('connect', () => resolve(''))
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code as string))
    })
  }
  assert.equal(code, 'EAGAIN')
  assert.match(
    (await unixFault(path)) ?? 'no obstacle',
    /^another program may listen there \(EAGAIN\); stop it/,
  )
})

test('answer that says neither_an obstacle, with its code; gone meanwhile_none', async (t) => {
  const path = place(t)
  await abandon(path)
  let code = ''
  t.mock.method(Socket.prototype, 'connect', function (this: Socket) {
    return this.destroy(Object.assign(new Error(`connect ${code}`), { code }))
  })
  for (code of ['EACCES', 'EPROTOTYPE', 'EMFILE']) {
    assert.match(
      (await unixFault(path)) ?? 'no obstacle',
      new RegExp(`^another program may listen there \\(${code}\\)`),
    )
  }
  code = 'ENOENT'
  assert.equal(await unixFault(path), null)
})

test('file in place of the folder, though it may be written and executed_said', async (t) => {
  const file = place(t, 'program')
  writeFileSync(file, '')
  chmodSync(file, 0o755)
  assert.equal(await unixFault(join(file, 'weir.sock')), `${file} is no folder that may be written (ENOTDIR)`)
})
