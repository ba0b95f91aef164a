/**
 * Mutated requests and mutated responses, in pieces and with resets, while ordinary clients ask for tokens of their own: the
 * worker lives on, every token reaches the client that asked for it, and in the end nothing is in flight.
 *
 * WEIR_TEST_SEED repeats a run; WEIR_TEST_FUZZ_MS sets how long it goes on, 15 s by default.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { fetchRaw } from '../support/raw-client.ts'
import { seedOf } from '../support/seed.ts'
import { startWeir } from '../support/weir.ts'
import { requestFraming, Wire } from '../support/wire.ts'

const fuzzMs = Number(process.env.WEIR_TEST_FUZZ_MS ?? 15_000)
/** How long a hostile client waits for an answer before it leaves: it may have sent half a head. */
const waitMs = 40

const requests = [
  'GET /fuzz HTTP/1.1\r\nHost: test\r\n\r\n',
  'HEAD /fuzz HTTP/1.1\r\nHost: test\r\nConnection: x\r\n\r\n',
  'POST /fuzz HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello',
  'POST /fuzz HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'PUT /fuzz HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx',
]
const responses = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: X-A\r\nX-A: b\r\n\r\n',
  'HTTP/1.0 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\nto the end',
]
const dictionary = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  ':',
  '\r\n\r\n',
  'Content-Length: 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Connection: close\r\n',
  'Upgrade: h2c\r\n',
  '0\r\n\r\n',
  'ffffffff\r\n',
  '-1',
  '\xff\xfe',
  'HTTP/1.1 ',
  '101',
  '999',
  'a'.repeat(5_000),
]

const mutation = fc.record({
  kind: fc.constantFrom('insert', 'delete', 'replace', 'cut', 'double'),
  at: fc.nat(10_000),
  length: fc.integer({ min: 1, max: 12 }),
  text: fc.oneof(
    fc.constantFrom(...dictionary),
    fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).latin1Slice()),
  ),
})
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never

function mutate(text: string, mutations: readonly Mutation[]): string {
  let out = text
  for (const { kind, at, length, text: inserted } of mutations) {
    const from = at % (out.length + 1)
    const before = out.slice(0, from)
    if (kind === 'insert') out = before + inserted + out.slice(from)
    else if (kind === 'delete') out = before + out.slice(from + length)
    else if (kind === 'replace') out = before + inserted + out.slice(from + length)
    else if (kind === 'cut') out = before
    else out = before + out.slice(from, from + length) + out.slice(from)
  }
  return out
}

const raw = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).latin1Slice())
const mutated = (texts: readonly string[]) =>
  fc.oneof(
    {
      weight: 9,
      arbitrary: fc
        .tuple(fc.constantFrom(...texts), fc.array(mutation, { maxLength: 4 }))
        .map(([text, list]) => mutate(text, list)),
    },
    { weight: 1, arbitrary: raw },
  )
const round = fc.record({
  sent: mutated(requests),
  cuts: fc.array(fc.nat(200), { maxLength: 3 }),
  resets: fc.boolean(),
  answer: mutated(responses),
  ending: fc.constantFrom('keep', 'fin', 'reset'),
})
type Round = typeof round extends fc.Arbitrary<infer T> ? T : never

test('mutated requests and responses: no crash, no leak, no answer of somebody else’s', {
  timeout: fuzzMs + 60_000,
}, async (t) => {
  const seed = seedOf(t)
  let current: Round | null = null
  const sockets = new Set<Socket>()
  const origin = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    void serve(socket, () => current!).catch(() => socket.destroy())
  })
  origin.listen(0, '127.0.0.1')
  await once(origin, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    origin.close()
  })
  const { port } = origin.address() as { port: number }
  const app = { endpoints: [`http://127.0.0.1:${port}`], health: false, connections: 4 }
  const weir = await startWeir(t, { upstreams: { app } })
  const pid = weir.workerPid()

  let serial = 0
  const property = fc.asyncProperty(round, async (next) => {
    current = next
    const token = `/token-${serial++}`
    const [, own] = await Promise.all([hostile(weir.port, next), fetchRaw(weir.port, { target: token })])
    assert.deepEqual([own.status, own.text], [200, token])
  })
  // Without shrinking: a failure depends on what came before it.
  await fc.assert(property, { seed, numRuns: 1_000_000, endOnFailure: true, interruptAfterTimeLimit: fuzzMs })

  t.diagnostic(`${serial} rounds`)
  await weir.atRest()
  await weir.waitForStats((sum) => sum.connections === 0, 'no connection left')
  assert.equal(weir.workerPid(), pid, 'the worker that began is the one that ended')
  assert.equal(weir.log.named('worker died: it will be replaced').length, 0)
  const [stats] = await weir.stats()
  assert.equal(stats!.outcomes.internal ?? 0, 0)
  t.diagnostic(`outcomes ${JSON.stringify(stats!.outcomes)}`)
})

/** Reads whole requests, bodies too, or the rest of one would look like another. */
async function serve(socket: Socket, current: () => Round): Promise<void> {
  const wire = new Wire(socket)
  for (let head = await wire.head(); head !== null; head = await wire.head()) {
    const token = /^GET (\/token-\d+) HTTP\/1\.1$/.exec(head.startLine)?.[1]
    if (token === undefined) misbehave(socket, current())
    else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${token.length}\r\n\r\n${token}`)
    for await (const piece of wire.body(requestFraming(head))) void piece
  }
}

/** In one piece: what comes later than the response is the next one's, and nobody can tell. */
function misbehave(socket: Socket, { answer, ending }: Round): void {
  socket.write(answer, 'latin1', () => {
    if (ending === 'fin') socket.end()
    if (ending === 'reset') socket.resetAndDestroy()
  })
}

/** Sends its bytes in pieces and leaves after the first of the answer, or when none comes. */
async function hostile(port: number, { sent, cuts, resets }: Round): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => undefined)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const leave = () => (resets ? socket.resetAndDestroy() : socket.destroy())
  socket.once('data', leave).once('end', leave)
  socket.setTimeout(waitMs, leave)
  await Promise.race([closed, new Promise((resolve) => socket.once('connect', resolve))])
  let from = 0
  for (const to of [...cuts.sort((a, b) => a - b), sent.length]) {
    if (to <= from || socket.destroyed) continue
    socket.write(sent.slice(from, to), 'latin1')
    from = to
    await new Promise(setImmediate)
  }
  await closed
}
