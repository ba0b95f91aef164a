import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net'
import { after, test } from 'node:test'
import { countArrivals } from '../../../../perf/harness/arrivals.ts'
import {
  OpenLoop,
  type OpenLoopFigures,
  type OpenLoopPlan,
} from '../../../../perf/harness/open-loop-client.ts'

const servers: TcpServer[] = []
const sockets = new Set<Socket>()
after(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers) server.close()
})

async function listen(server: Server | TcpServer): Promise<string> {
  servers.push(server)
  server.on('connection', (socket: Socket) => sockets.add(socket))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

function http(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  return listen(createServer(answer))
}

function run(url: string, differs: Partial<OpenLoopPlan> = {}): Promise<OpenLoopFigures> {
  return new OpenLoop({
    urls: [url],
    perSecond: 200,
    inFlight: 0,
    settleSeconds: 0,
    seconds: 0.5,
    timeoutMs: 20_000,
    most: 1_000,
    seed: 1,
    ...differs,
  }).run()
}

const due = countArrivals(200, 1, 0, 500)

/** Every request has one outcome. */
function assertAccounted(figures: OpenLoopFigures): void {
  const { offered, good, shed, status, timeouts, errors } = figures
  const failed = Object.values(errors).reduce((sum, count) => sum + count, 0)
  assert.equal(offered, good + shed + status + timeouts + failed, JSON.stringify(figures))
}

test('a server that answers gets_every_request, and its answers are good', async () => {
  let requests = 0
  const figures = await run(
    await http((_request, response) => {
      requests++
      response.end('hello')
    }),
  )
  assert.deepEqual([figures.offered, figures.good, requests], [due, due, due])
  assert.ok(figures.p50Us! > 0 && figures.p99Us! >= figures.p50Us!)
  assertAccounted(figures)
})

test('a server that never answers gets_as_many_requests as one that does', async () => {
  let requests = 0
  const figures = await run(await http(() => void requests++), { timeoutMs: 3_000 })
  assert.deepEqual([figures.offered, figures.timeouts, figures.unsent, requests], [due, due, 0, due])
  assert.deepEqual([figures.connections, figures.p99Us], [due, null])
  assertAccounted(figures)
})

test('who finds no connection left waits_and_its_time_runs', async () => {
  // Several are due in each millisecond, and time out together: for one of them there is a connection by then.
  const figures = await run(await http(() => {}), { perSecond: 5_000, seconds: 0.1, timeoutMs: 500, most: 1 })
  assert.equal(figures.timeouts, countArrivals(5_000, 1, 0, 100))
  assert.ok(figures.unsent > 0 && figures.connections === 1, JSON.stringify(figures))
  assertAccounted(figures)
})

test('what a late answer holds up is_in_the_latencies from when it was due', async () => {
  // One connection, and the first answer takes half a second, in which nearly all others become due.
  let first = true
  const figures = await run(
    await http((_request, response) => {
      setTimeout(() => response.end(), first ? 500 : 0)
      first = false
    }),
    { most: 1 },
  )
  assert.equal(figures.good, due)
  // The middle one was due after some 250 ms and not answered before 500.
  assert.ok(figures.p50Us! > 150_000, `${figures.p50Us}`)
  assertAccounted(figures)
})

test('503 and 429 are_shed, and what else is not 2xx is_not', async () => {
  for (const [status, field] of [
    [503, 'shed'],
    [429, 'shed'],
    [502, 'status'],
    [404, 'status'],
  ] as const) {
    const figures = await run(
      await http((_request, response) => void response.writeHead(status, { 'Retry-After': '1' }).end('no')),
    )
    assert.deepEqual([figures[field], figures.good], [due, 0], `${status}`)
    assertAccounted(figures)
  }
})

test('connections that break are_errors, by kind', async () => {
  const closing = await run(await listen(createTcpServer((socket) => socket.on('data', () => socket.end()))))
  assert.deepEqual(closing.errors, { closed: due })
  const garbled = await run(
    await listen(createTcpServer((socket) => socket.on('data', () => socket.write('\r\n\r\n')))),
  )
  assert.deepEqual(garbled.errors, { garbled: due })
  const server = createTcpServer()
  const url = await listen(server)
  server.close()
  await once(server, 'close')
  assert.deepEqual((await run(url)).errors, { ECONNREFUSED: due })
})

test('an answer that ends with its connection is_whole', async () => {
  const answer = 'HTTP/1.0 503 Service Unavailable\r\n\r\n<html>'
  const figures = await run(
    await listen(createTcpServer((socket) => socket.on('data', () => socket.end(answer)))),
  )
  assert.equal(figures.shed, due)
  assertAccounted(figures)
})

test('what is due before the measured time counts_nowhere', async () => {
  const figures = await run(await http((_request, response) => void response.end()), { settleSeconds: 0.5 })
  assert.equal(figures.offered, countArrivals(200, 1, 500, 1_000))
  assertAccounted(figures)
})

test('several servers take_turns', async () => {
  const counts = [0, 0]
  const urls = await Promise.all(
    counts.map((_, index) =>
      http((_request, response) => {
        counts[index] = counts[index]! + 1
        response.end()
      }),
    ),
  )
  await run(urls[0]!, { urls })
  assert.deepEqual(counts, [Math.ceil(due / 2), Math.floor(due / 2)])
})

test('a closed loop has_so_many_requests_in_flight', async () => {
  let most = 0
  let now = 0
  const figures = await run(
    await http((_request, response) => {
      most = Math.max(most, ++now)
      setTimeout(() => {
        now--
        response.end()
      }, 5)
    }),
    { perSecond: null, inFlight: 7 },
  )
  assert.deepEqual([most, figures.connections], [7, 7])
  assert.equal(figures.good, figures.offered)
  assert.ok(figures.good > 7)
  assertAccounted(figures)
})

test('requests that are asked to be slow have_latencies of their own, and who waits behind them is told', async () => {
  const asked: string[] = []
  const url = await http((request, response) => {
    asked.push(request.url!)
    setTimeout(() => response.end(), request.url === '/slow' ? 100 : 0)
  })
  // One connection: whoever becomes due while a slow one is answered is held back.
  const slow = { share: 0.1, path: '/slow', heldMs: 50 }
  const { good, heldBack } = await run(url, { most: 1, slow })
  const slowOnes = asked.filter((path) => path === '/slow').length
  assert.ok(slowOnes > 0 && slowOnes < due / 2, `${slowOnes} of ${due}`)
  assert.deepEqual([heldBack?.slow, heldBack?.fast, good], [slowOnes, due - slowOnes, due])
  assert.ok(heldBack!.slowP50Us! >= 99_000, `${heldBack!.slowP50Us}`)
  assert.ok(heldBack!.held > 0 && heldBack!.maxUs! > 50_000, JSON.stringify(heldBack))
  // The same seed asks for the same, and when they are due does not depend on it.
  const before = asked.splice(0)
  await run(url, { most: 1, slow })
  assert.deepEqual(asked, before)
  assert.equal((await run(url)).heldBack, undefined)
})
