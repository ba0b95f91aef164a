/** Checks that must leave nothing behind, and servers of every kind to point them at. */
import assert from 'node:assert/strict'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Server, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { probe, type Verdict } from '../../../../src/control/health/probe.ts'

/** Longer than any test takes: a check that ends by it has hung. */
export const farMs = 20_000

/** A check that must leave neither a timer nor a socket behind at the moment when its promise settles. */
export async function check(
  origin: string,
  path: string | null,
  timeoutMs = farMs,
  signal = new AbortController().signal,
): Promise<Verdict> {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const timersBefore = timers()
  const verdict = await probe({ origin, path, timeoutMs }, signal)
  assert.deepEqual(clientSockets(), [])
  if (timeoutMs === farMs) assert.equal(timers(), timersBefore, 'timers left behind')
  return verdict
}

const servedPorts = new Set<number>()

/** Open sockets of this process whose other end is a server of these tests. */
export function clientSockets(): string[] {
  const handles = (process as unknown as { _getActiveHandles(): unknown[] })._getActiveHandles()
  return handles
    .filter(
      (handle) => handle instanceof Socket && !handle.destroyed && servedPorts.has(handle.remotePort ?? 0),
    )
    .map((handle) => `to port ${(handle as Socket).remotePort}`)
}

export async function listen(t: TestContext, server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const { port } = server.address() as AddressInfo
  servedPorts.add(port)
  return `http://127.0.0.1:${port}`
}

export function listenHttp(t: TestContext, listener: RequestListener): Promise<string> {
  return listen(t, createHttpServer(listener))
}

/** Answers the first request of each connection with these bytes, or as the function likes. */
export function listenRaw(t: TestContext, answer: string | ((socket: Socket) => void)): Promise<string> {
  return listen(
    t,
    createServer((socket) => {
      socket.once('data', () => {
        socket.resume()
        if (typeof answer === 'string') socket.write(answer)
        else answer(socket)
      })
    }),
  )
}

/** A port where nobody listens any more. */
export async function closedPort(): Promise<{ origin: string; address: string; port: number }> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return { origin: `http://127.0.0.1:${port}`, address: `127.0.0.1:${port}`, port }
}

/** Runs `code` in a thread; its first message is the result, each later one calls `onMessage`. */
export async function worker<T>(
  t: TestContext,
  code: string,
  onMessage?: (flag: Int32Array) => void,
): Promise<T> {
  const shared = new SharedArrayBuffer(12)
  const prelude = "const { parentPort, workerData } = require('node:worker_threads')\n"
  const thread = new Worker(prelude + code, { eval: true, workerData: shared })
  t.after(async () => {
    Atomics.store(new Int32Array(shared), 0, 1)
    Atomics.notify(new Int32Array(shared), 0)
    await thread.terminate()
  })
  const first = await new Promise<T>((resolve, reject) =>
    thread.once('message', resolve).once('error', reject),
  )
  if (onMessage) thread.on('message', () => onMessage(new Int32Array(shared)))
  return first
}
