import assert from 'node:assert/strict'
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import { after, test } from 'node:test'
import type { Verdict } from '../../../../src/control/health/probe.ts'
import { waitFor } from '../../../support/wait.ts'
import {
  check,
  clientSockets,
  closedPort,
  farMs,
  listen,
  listenHttp,
  listenRaw,
  worker,
} from './probe-rig.ts'

/** For checks that are meant to time out. */
const nearMs = 150
const healthy: Verdict = { healthy: true }
const unhealthy = (reason: string): Verdict => ({ healthy: false, reason })

after(() => assert.deepEqual(clientSockets(), [], 'no check leaves a socket behind'))

test('tcp listening_healthy, and the origin sees an orderly close', async (t) => {
  const ends: string[] = []
  const origin = await listen(
    t,
    createServer((socket) => {
      socket.on('end', () => ends.push('end')).on('error', (error) => ends.push(error.message))
      socket.resume()
    }),
  )
  assert.deepEqual(await check(origin, null), healthy)
  await waitFor(() => ends.length > 0, { what: 'the origin to see the close' })
  assert.deepEqual(ends, ['end'])
})

test('tcp refused_unhealthy with the system code and the address', async () => {
  const { origin, address } = await closedPort()
  assert.deepEqual(await check(origin, null), unhealthy(`connect ECONNREFUSED ${address}`))
})

test('tcp listening_but_silent is healthy: no answer is asked for', async (t) => {
  assert.deepEqual(await check(await listen(t, createServer()), null), healthy)
})

test('http refused_unhealthy', async () => {
  const { origin, address } = await closedPort()
  assert.deepEqual(await check(origin, '/health'), unhealthy(`connect ECONNREFUSED ${address}`))
})

test('http name_refused names every address that was tried', async () => {
  const { port } = await closedPort()
  const verdict = await check(`http://localhost:${port}`, '/')
  assert.ok(!verdict.healthy)
  assert.match(verdict.reason, /^connect ECONNREFUSED \S+(, connect ECONNREFUSED \S+)*$/)
})

test('http unknown_name is unhealthy', async () => {
  const verdict = await check('http://no-such-host.invalid:80', '/')
  assert.ok(!verdict.healthy)
  assert.match(verdict.reason, /^getaddrinfo E[A-Z_]+ no-such-host\.invalid$/)
})

for (const code of ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EADDRNOTAVAIL']) {
  test(`${code} of this side_nothing is said of the endpoint`, async (t) => {
    t.mock.method(Socket.prototype, 'connect', function (this: Socket) {
      return this.destroy(Object.assign(new Error(`connect ${code}`), { code }))
    })
    for (const path of [null, '/health']) {
      const verdict = await check('http://127.0.0.1:9', path)
      assert.deepEqual(verdict, { healthy: null, reason: `connect ${code}` })
    }
  })
}

for (const status of [200, 204, 299, 302, 304, 399]) {
  test(`http ${status}_healthy`, async (t) => {
    const origin = await listenHttp(t, (_req, res) => res.writeHead(status).end())
    assert.deepEqual(await check(origin, '/health'), healthy)
  })
}

for (const status of [400, 404, 500, 503, 999]) {
  test(`http ${status}_unhealthy`, async (t) => {
    const origin = await listenHttp(t, (_req, res) => res.writeHead(status).end('no'))
    assert.deepEqual(await check(origin, '/'), unhealthy(`answered ${status}, expected 2xx or 3xx`))
  })
}

test('http redirect is not followed', async (t) => {
  const paths: string[] = []
  const origin = await listenHttp(t, (req, res) => {
    paths.push(req.url ?? '')
    res.writeHead(302, { location: '/elsewhere' }).end()
  })
  assert.deepEqual(await check(origin, '/health'), healthy)
  assert.deepEqual(paths, ['/health'])
})

test('http request_head names the endpoint and the checker, each check on a connection of its own', async (t) => {
  const heads: IncomingHttpHeaders[] = []
  const ports = new Set<number | undefined>()
  const origin = await listenHttp(t, (req, res) => {
    heads.push(req.headers)
    ports.add(req.socket.remotePort)
    assert.deepEqual([req.method, req.url], ['GET', '/health?deep=1'])
    res.end('fine')
  })
  await check(origin, '/health?deep=1')
  await check(origin, '/health?deep=1')
  assert.equal(ports.size, 2)
  for (const { 'user-agent': agent, ...head } of heads) {
    assert.deepEqual(head, { host: new URL(origin).host, connection: 'close', accept: '*/*' })
    assert.match(agent ?? '', /^weir-health\/\d+\.\d+\.\d+/)
  }
})

test('http ipv6_origin', async (t) => {
  const hosts: (string | undefined)[] = []
  const server = createHttpServer((req, res) => {
    hosts.push(req.headers.host)
    res.end()
  })
  const failure = await new Promise<Error | null>((resolve) => {
    server.once('error', resolve).listen(0, '::1', () => resolve(null))
  })
  if (failure) return t.skip(`no IPv6 loopback on this machine: ${failure.message}`)
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  assert.deepEqual(await check(`http://[::1]:${port}`, '/'), healthy)
  assert.deepEqual(await check(`http://[::1]:${port}`, null), healthy)
  assert.deepEqual(hosts, [`[::1]:${port}`])
})

test('http interim_head is not the answer', async (t) => {
  const hint = 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'
  const origin = await listenRaw(t, `${hint}HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n`)
  assert.deepEqual(await check(origin, '/'), unhealthy('answered 503, expected 2xx or 3xx'))
})

test('http no_head within the timeout is unhealthy', async (t) => {
  const origin = await listen(t, createServer())
  assert.deepEqual(await check(origin, '/', nearMs), unhealthy(`no answer within ${nearMs} ms`))
  assert.deepEqual(await check(origin, '/', 1000), unhealthy('no answer within 1 s'))
})

test('http half_a_head within the timeout is unhealthy', async (t) => {
  const origin = await listenRaw(t, 'HTTP/1.1 200 OK\r\ncontent-le')
  assert.deepEqual(await check(origin, '/', nearMs), unhealthy(`no answer within ${nearMs} ms`))
})

test('http trickling_head does not extend the timeout', async (t) => {
  const closed: boolean[] = []
  const origin = await listenRaw(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n')
    const timer = setInterval(() => socket.write('x-more: 1\r\n'), 20)
    socket.on('close', () => {
      clearInterval(timer)
      closed.push(true)
    })
  })
  assert.deepEqual(await check(origin, '/', nearMs), unhealthy(`no answer within ${nearMs} ms`))
  await waitFor(() => closed.length > 0, { what: 'the connection to close' })
})

test('http garbage_answer is unhealthy', async (t) => {
  const verdict = await check(await listenRaw(t, 'SSH-2.0-OpenSSH_9.6\r\n'), '/')
  assert.ok(!verdict.healthy)
  assert.match(verdict.reason, /^answered something that is not HTTP\/1\.1: /)
  assert.doesNotMatch(verdict.reason, /SSH/)
})

test('http unasked_upgrade is unhealthy', async (t) => {
  const origin = await listenRaw(
    t,
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
  )
  const verdict = await check(origin, '/')
  assert.deepEqual(verdict, unhealthy('answered something that is not HTTP/1.1: bad upgrade'))
})

test('http huge_head is unhealthy', async (t) => {
  const origin = await listenRaw(t, `HTTP/1.1 200 OK\r\nx-huge: ${'x'.repeat(20_000)}\r\n\r\n`)
  assert.deepEqual(await check(origin, '/'), unhealthy('answered with a head of more than 16 KiB'))
})

test('http closed_without_an_answer is unhealthy', async (t) => {
  const origin = await listenRaw(t, (socket) => socket.end())
  assert.deepEqual(await check(origin, '/'), unhealthy('closed the connection without an answer'))
})

test('http closed_at_accept is unhealthy', async (t) => {
  const origin = await listen(
    t,
    createServer((socket) => socket.on('error', () => {}).end()),
  )
  const verdict = await check(origin, '/')
  assert.ok(!verdict.healthy) // the reason depends on whether the FIN comes before the request is out
})

test('http reset_without_an_answer is unhealthy', async (t) => {
  const origin = await listenRaw(t, (socket) => socket.resetAndDestroy())
  assert.deepEqual(await check(origin, '/'), unhealthy('read ECONNRESET'))
})

test('http whole_body is read to its end, so that the origin can finish', async (t) => {
  const finished: boolean[] = []
  const origin = await listenHttp(t, async (_req, res) => {
    res.on('close', () => finished.push(res.writableFinished))
    // A KiB per turn of the event loop, so that a check that leaves early is seen to leave.
    for (let kib = 0; kib < 64 && !res.destroyed; kib++) {
      res.write('x'.repeat(1024))
      await new Promise(setImmediate)
    }
    res.end()
  })
  assert.deepEqual(await check(origin, '/'), healthy)
  await waitFor(() => finished.length > 0, { what: 'the origin to finish' })
  assert.deepEqual(finished, [true])
})

test('http body_over_64_KiB is cut and the verdict stands', { timeout: farMs / 2 }, async (t) => {
  const origin = await listenRaw(t, `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(64 * 1024 + 1)}`)
  assert.deepEqual(await check(origin, '/'), healthy)
})

test('http body_of_64_KiB_without_end is held until the timeout and the verdict stands', async (t) => {
  const closed: boolean[] = []
  const origin = await listenRaw(t, (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n${'x'.repeat(64 * 1024)}`)
    socket.on('close', () => closed.push(true))
  })
  assert.deepEqual(await check(origin, '/', nearMs), healthy)
  await waitFor(() => closed.length > 0, { what: 'the connection to close' })
})

test('http body_broken_off keeps the verdict of the head', async (t) => {
  const origin = await listenRaw(t, (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx'))
  assert.deepEqual(await check(origin, '/'), healthy)
})

test('http 304_with_content-length is healthy', async (t) => {
  const origin = await listenRaw(t, 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n')
  assert.deepEqual(await check(origin, '/'), healthy)
})

test('target_malformed is a verdict and not an exception', async (t) => {
  assert.deepEqual(await check('nonsense', null), unhealthy('Invalid URL'))
  const origin = await listen(t, createServer())
  const verdict = await check(origin, '/with a space')
  assert.ok(!verdict.healthy)
  assert.match(verdict.reason, /path/)
})

test('signal aborted_before ends the check', { timeout: farMs / 2 }, async (t) => {
  const origin = await listen(t, createServer())
  assert.deepEqual(await check(origin, '/', farMs, AbortSignal.abort()), unhealthy('the check was stopped'))
})

test('signal aborted_while_waiting ends the check and closes its connection', {
  timeout: farMs / 2,
}, async (t) => {
  const abort = new AbortController()
  const closed: boolean[] = []
  const origin = await listenRaw(t, (socket) => {
    socket.on('close', () => closed.push(true))
    abort.abort()
  })
  assert.deepEqual(await check(origin, '/', farMs, abort.signal), unhealthy('the check was stopped'))
  await waitFor(() => closed.length > 0, { what: 'the connection to close' })
})

test('connect hanging_unhealthy', {
  skip: process.platform !== 'linux' && 'needs a full backlog',
}, async (t) => {
  // A thread that listens and then never accepts: behind the first connections the kernel drops every SYN.
  const { port } = await worker<{ port: number }>(
    t,
    `const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage({ port: server.address().port })
      setImmediate(() => Atomics.wait(new Int32Array(workerData), 0, 0))
    })`,
  )
  const fillers = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  t.after(() => {
    for (const socket of fillers) socket.destroy()
  })
  const connected = () => fillers.filter((socket) => !socket.connecting).length
  await waitFor(() => connected() >= 2, { what: 'the backlog to fill up' })

  const handles = () => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length
  const before = handles()
  for (const path of [null, '/']) {
    const verdict = await check(`http://127.0.0.1:${port}`, path, nearMs)
    assert.deepEqual(verdict, unhealthy(`no connection within ${nearMs} ms`))
  }
  assert.equal(handles(), before)
})

test('process stalled_past_the_timeout reads the waiting answer before it judges', async (t) => {
  const stallMs = 500
  const origin = await worker<{ port: number; shared: SharedArrayBuffer }>(
    t,
    `const flag = new Int32Array(workerData)
    const server = require('node:net').createServer((socket) => socket.once('data', () => {
      parentPort.postMessage('asked')
      Atomics.wait(flag, 0, 0) // until the main thread stalls
      socket.end('HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\n\\r\\n', () => {
        Atomics.store(flag, 1, 1)
        Atomics.notify(flag, 1)
      })
    })).listen(0, '127.0.0.1', () => parentPort.postMessage({ port: server.address().port }))`,
    (flag) => {
      const begin = performance.now()
      Atomics.store(flag, 0, 1)
      Atomics.notify(flag, 0)
      Atomics.wait(flag, 1, 0)
      const left = stallMs - (performance.now() - begin)
      Atomics.wait(flag, 2, 0, Math.max(left, 1) + stallMs)
    },
  )
  assert.deepEqual(await check(`http://127.0.0.1:${origin.port}`, '/', stallMs), healthy)
})
