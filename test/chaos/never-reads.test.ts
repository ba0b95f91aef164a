/**
 * Clients that ask for a gigabyte and never read a byte: what Weir takes from the origin for them is bounded, and so is
 * what it holds.
 *
 * Two measures: the bytes that left the origin and stand in no queue of the kernel's, which are those that Weir holds; and the
 * worker's resident memory. That grows by what the garbage collector has not come to as well, which has to do with the machine
 * and not with the clients: so it is the growth from some clients to many that is measured.
 */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { stream } from '../support/origin-behaviours.ts'
import { isAlive, rssBytes } from '../support/process-info.ts'
import { type Proxied, proxied } from '../support/proxied.ts'
import { queuedBytes } from '../support/tcp-queues.ts'
import { waitFor } from '../support/wait.ts'

const gibibyte = 1 << 30
const mebibyte = 1 << 20
const someReaders = 20
const manyReaders = 60

for (const framing of ['length', 'chunked'] as const) {
  test(`clients that never read (${framing}): less than 1 MiB each in the worker`, async (t) => {
    const all = await proxied(
      t,
      { '/warm': stream(16 * mebibyte, framing), '*': stream(gibibyte, framing) },
      { upstream: { connections: manyReaders } },
    )
    for (let i = 0; i < 4; i++) await all.fetch({ target: '/warm' })
    const pid = all.weir.workerPid()
    const warm = all.origin.bytesWritten()
    const readers: Socket[] = []
    const grow = async (count: number): Promise<number> => {
      while (readers.length < count) readers.push(neverReads(t, all.weir.port))
      await waitFor(() => all.origin.count === 4 + count, { what: 'the requests at the origin' })
      await standstill(all)
      return rssBytes(pid)
    }
    const few = await grow(someReaders)
    const grown = (await grow(manyReaders)) - few
    const held = heldBytes(all) - warm
    const [each, eachHeld] = [grown / (manyReaders - someReaders), held / manyReaders]
    t.diagnostic(`${kibibytes(each)} of memory and ${kibibytes(eachHeld)} of body for each client`)
    assert.ok(Math.abs(eachHeld) < mebibyte, `the worker holds ${held} bytes for ${manyReaders} clients`)
    assert.ok(each < mebibyte, `the worker grew by ${grown} bytes for ${manyReaders - someReaders} clients`)
    assert.ok(isAlive(pid))
  })
}

test('a client that never reads: what has left the origin is in the kernel but for less than 1 MiB', async (t) => {
  const all = await proxied(t, stream(gibibyte, 'length'))
  neverReads(t, all.weir.port)
  await standstill(all)
  const held = heldBytes(all)
  t.diagnostic(`the origin sent ${all.origin.bytesWritten()} bytes, of which Weir holds ${held}`)
  assert.ok(Math.abs(held) < mebibyte, `Weir holds ${held} bytes`)
})

function neverReads(t: TestContext, port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1' }).pause()
  socket.on('error', () => undefined)
  t.after(() => socket.destroy())
  socket.write('GET / HTTP/1.1\r\nhost: test\r\n\r\n')
  return socket
}

/**
 * What has left the origin and is in no queue between it and the clients, who read nothing. A segment (64 KiB) that has come and is
 * not acknowledged stands in two queues, so it may come out some 128 KiB too low for each client.
 */
function heldBytes({ origin, weir }: Pick<Proxied, 'origin' | 'weir'>): number {
  return origin.bytesWritten() - queuedBytes([origin.port, weir.port])
}

function kibibytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(0)} KiB`
}

/** Nothing more leaves the origin: everything between it and the clients is full. */
async function standstill({ origin }: Pick<Proxied, 'origin'>): Promise<void> {
  let last = -1
  let still = 0
  await waitFor(
    () => {
      const now = origin.bytesWritten()
      still = now > 0 && now === last ? still + 1 : 0
      last = now
      return still >= 3
    },
    { what: 'a standstill', everyMs: 200, timeoutMs: 60_000 },
  )
}
