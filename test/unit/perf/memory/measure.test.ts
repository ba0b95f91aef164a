import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Child } from '../../../../perf/harness/processes.ts'
import { openIdle, workerOf } from '../../../../perf/memory/measure.ts'

const skip = process.platform === 'linux' ? false : "needs Linux' /proc"

async function serve(t: TestContext, answer: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('data', () => answer(socket))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('idle connections_have each had an answer, and stay open', async (t) => {
  let answered = 0
  const url = await serve(t, (socket) => {
    answered++
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  })
  const sockets = await openIdle(url, 250)
  assert.equal(sockets.length, 250)
  assert.equal(answered, 250)
  assert.ok(sockets.every((socket) => !socket.closed))
  for (const socket of sockets) socket.destroy()
})

test('a connection that is closed without an answer_is an error, and leaves none open', async (t) => {
  let count = 0
  const open = new Set<Socket>()
  const url = await serve(t, (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    if (++count === 5) socket.end()
    else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  })
  await assert.rejects(openIdle(url, 10), /a connection was closed unanswered/)
  while (open.size > 0) await once([...open][0]!, 'close')
})

test('nobody there_is an error', async () => {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  await assert.rejects(openIdle(`http://127.0.0.1:${port}`, 3), /ECONNREFUSED/)
})

test('no idle connections_are none', async () => {
  assert.deepEqual(await openIdle('http://127.0.0.1:1', 0), [])
})

test('the worker_is the one process that the control process has started', { skip }, async (t) => {
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => parent.kill('SIGKILL'))
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  const child = { name: 'memory busy 1', pid: parent.pid } as Child
  const worker = workerOf({ child })
  assert.equal(worker, Number(String(line)))
  process.kill(worker, 'SIGKILL')
  await once(parent, 'exit')
  assert.throws(() => workerOf({ child }), /memory busy 1: expected one worker, found 0/)
})
