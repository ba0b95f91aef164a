/**
 * Clients that ask for a gigabyte and never read a byte: what Weir takes from the origin for them is bounded, and so is
 * what it holds.
 *
 * Two measures: the worker's resident memory, and the bytes that left the origin less what the kernel's buffers hold. The
 * kernel's share is found by doing the same without Weir (one pair of sockets instead of two).
 */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { startOrigin } from '../support/origin.ts'
import { stream } from '../support/origin-behaviours.ts'
import { isAlive, rssBytes } from '../support/process-info.ts'
import { type Proxied, proxied } from '../support/proxied.ts'
import { waitFor } from '../support/wait.ts'

const gibibyte = 1 << 30
const mebibyte = 1 << 20
const idleReaders = 20

for (const framing of ['length', 'chunked'] as const) {
  test(`${idleReaders} clients that never read (${framing}): less than 1 MiB each in the worker`, async (t) => {
    const all = await proxied(t, {
      '/warm': stream(16 * mebibyte, framing),
      '*': stream(gibibyte, framing),
    })
    for (let i = 0; i < 4; i++) await all.fetch({ target: '/warm' })
    const pid = all.weir.workerPid()
    const before = rssBytes(pid)

    for (let i = 0; i < idleReaders; i++) {
      const socket = connect({ port: all.weir.port, host: '127.0.0.1' }).pause()
      socket.on('error', () => undefined)
      t.after(() => socket.destroy())
      socket.write(`GET /${i} HTTP/1.1\r\nhost: test\r\n\r\n`)
    }
    await waitFor(() => all.origin.count === 4 + idleReaders, { what: 'the requests at the origin' })
    await standstill(all)

    const grown = rssBytes(pid) - before
    t.diagnostic(`${(grown / idleReaders / 1024).toFixed(0)} KiB for each client`)
    assert.ok(grown < idleReaders * mebibyte, `the worker grew by ${grown} bytes for ${idleReaders} clients`)
    assert.ok(isAlive(pid))
  })
}

test('a client that never reads: what the origin can send is what the kernels hold and less than 1 MiB', async (t) => {
  const direct = await startOrigin(t, stream(gibibyte, 'length'))
  const all = await proxied(t, stream(gibibyte, 'length'))
  for (const port of [direct.port, all.weir.port]) {
    const socket = connect({ port, host: '127.0.0.1' }).pause()
    socket.on('error', () => undefined)
    t.after(() => socket.destroy())
    socket.write('GET / HTTP/1.1\r\nhost: test\r\n\r\n')
  }
  await standstill({ origin: direct })
  await standstill(all)
  const [pair, through] = [direct.bytesWritten(), all.origin.bytesWritten()]
  t.diagnostic(`a socket pair holds ${pair} bytes, with Weir between the origin sent ${through}`)
  // Two pairs instead of one.
  assert.ok(through < 2 * pair + mebibyte, `${through} bytes left the origin`)
})

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
