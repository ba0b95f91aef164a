/** The program itself, against servers of this process. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, type TestContext, test } from 'node:test'
import { compileKeptLoad, KeptLoad, keptLoadMissing } from '../../../../perf/harness/kept-load.ts'
import { Processes } from '../../../../perf/harness/processes.ts'
import type { Load } from '../../../../perf/harness/scenario.ts'
import { smallLoad } from '../../../../perf/scenarios/routes.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
const processes = new Processes()
after(async () => {
  await processes.stopAll()
  rmSync(folder, { recursive: true })
})

/** A server until the test ends, and its connections. */
async function serve(t: TestContext, server: Server): Promise<{ origin: string; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets }
}

function start(origin: string, load: Partial<Load> = {}): Promise<KeptLoad> {
  return KeptLoad.start(processes, join(folder, 'kept-load'), {
    load: { ...smallLoad, connections: 4, ...load },
    origin,
    cores: null,
    write: (ending, content) => {
      const path = join(folder, `load.${ending}`)
      writeFileSync(path, content)
      return path
    },
  })
}

const answering =
  (bytes: number, seen: (request: IncomingMessage) => void = () => {}): RequestListener =>
  (request, response) => {
    seen(request)
    request.resume().once('end', () => {
      response.writeHead(200, { 'Content-Length': bytes })
      response.end(Buffer.alloc(bytes, 'x'))
    })
  }

describe('kept load', { skip: keptLoadMissing() ?? false }, () => {
  before(() => void compileKeptLoad(join(folder, 'kept-load')))

  test('several turns have_the_same_connections, and each counts all that was sent', async (t) => {
    let requests = 0
    const { origin, sockets } = await serve(t, createServer(answering(20, () => requests++)))
    const load = await start(origin)
    for (let turn = 0; turn < 3; turn++) {
      const before = requests
      const figures = await load.run(0.1)
      assert.equal(figures.requests, requests - before)
      assert.deepEqual(figures.failed, { status: 0, errored: 0 })
      assert.ok(figures.seconds >= 0.1)
      assert.equal(figures.requestsPerSecond, figures.requests / figures.seconds)
      assert.ok(figures.bytesRead > figures.requests * 20)
      const { averageUs, deviationUs, p50Us, p99Us, p999Us, maxUs } = figures.latency
      assert.ok(0 < p50Us && p50Us <= p99Us && p99Us <= p999Us && p999Us <= maxUs)
      assert.ok(averageUs > 0 && averageUs <= maxUs && deviationUs >= 0)
    }
    assert.equal(sockets.size, 4)
  })

  test('connections that were closed meanwhile are_opened_anew, which is no failure', async (t) => {
    const { origin, sockets } = await serve(t, createServer(answering(20)))
    const load = await start(origin)
    await load.run(0.05)
    const gone = [...sockets].slice(0, 2).map((socket) => once(socket.destroy(), 'close'))
    await Promise.all(gone)
    assert.deepEqual((await load.run(0.05)).failed, { status: 0, errored: 0 })
    assert.equal(sockets.size, 6)
  })

  test('connections that an answer closes are_opened_anew, which is no failure', async (t) => {
    let requests = 0
    const { origin, sockets } = await serve(
      t,
      createServer((_, response) => {
        requests++
        response.writeHead(200, { 'Content-Length': 0, Connection: 'close' }).end()
      }),
    )
    const figures = await (await start(origin)).run(0.05)
    assert.deepEqual(figures.failed, { status: 0, errored: 0 })
    assert.deepEqual([figures.requests, sockets.size], [requests, requests])
  })

  test('bodies of a megabyte both ways are_whole', async (t) => {
    const lengths = new Set<number>()
    const { origin } = await serve(
      t,
      createServer(async (request, response) => {
        lengths.add((await text(request)).length)
        response.setHeader('Content-Length', 2 ** 20)
        response.end(Buffer.alloc(2 ** 20))
      }),
    )
    const load = await start(origin, { method: 'POST', bodyBytes: 2 ** 20 })
    const figures = await load.run(0.1)
    assert.deepEqual([...lengths], [2 ** 20])
    assert.ok(figures.bytesRead > figures.requests * 2 ** 20)
    assert.deepEqual(figures.failed, { status: 0, errored: 0 })
  })

  test('an answer other than 2xx is_counted_as_such', async (t) => {
    const { origin } = await serve(
      t,
      createServer((_, response) => void response.writeHead(503, { 'Content-Length': 0 }).end()),
    )
    const { requests, failed } = await (await start(origin)).run(0.05)
    assert.deepEqual(failed, { status: requests, errored: 0 })
  })

  test('requests that differ are_sent_in_turn', async (t) => {
    const paths: string[] = []
    const { origin } = await serve(t, createServer(answering(1, ({ url }) => void paths.push(url!))))
    await (await start(origin, { varied: 5, connections: 1 })).run(0.05)
    assert.equal(new Set(paths.slice(0, 5)).size, 5)
    assert.deepEqual(paths.slice(5, 10), paths.slice(0, Math.min(5, paths.length - 5)))
  })

  for (const [what, answer] of [
    ['no length', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['more than its length', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab'],
    ['no head', 'nonsense\r\n\r\n'],
  ] as const) {
    test(`an answer with ${what} is_no_answer, and the turn ends`, async (t) => {
      const { origin } = await serve(
        t,
        createTcpServer((socket) => void socket.on('data', () => socket.write(answer))),
      )
      await assert.rejects((await start(origin)).run(0.05), /no request was answered: 4 failed/)
    })
  }

  test('a head that comes byte by byte is_read_all_the_same', async (t) => {
    const { origin } = await serve(
      t,
      createTcpServer((socket) => {
        socket.setNoDelay()
        socket.on('data', async () => {
          for (const byte of 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok') {
            await new Promise<void>((resolve) => socket.write(byte, () => setImmediate(resolve)))
          }
        })
      }),
    )
    const { failed, requests } = await (await start(origin)).run(0.05)
    assert.ok(requests >= 4)
    assert.deepEqual(failed, { status: 0, errored: 0 })
  })

  test('a server that is gone is_an_error_that_says_so', async (t) => {
    const server = createServer(answering(1))
    const { origin, sockets } = await serve(t, server)
    const load = await start(origin)
    await load.run(0.05)
    server.close()
    await Promise.all([...sockets].map((socket) => once(socket.destroy(), 'close')))
    await assert.rejects(
      load.run(0.05),
      /kept-load ended with exit code 1\nkept-load: connect: Connection refused/,
    )
  })

  test('TLS and WebSockets are_refused', async () => {
    await assert.rejects(start('https://127.0.0.1:1'), /plain HTTP/)
    await assert.rejects(start('http://127.0.0.1:1', { protocol: 'websocket' }), /plain HTTP/)
  })
})
