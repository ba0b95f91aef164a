/** Slow-body and slow-read attackers are ended under the configured minimum rate, however they time their drips. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { delayed, ok, sink, stream } from '../support/origin-behaviours.ts'
import { proxied } from '../support/proxied.ts'

/** Well below the body time-out, which a drip a second never lets fire. */
const config = { limits: { minRate: { bytes: '1KiB', over: '8s' } } }

describe('below the minimum rate', { concurrency: 3 }, () => {
  test('a body of a byte every 200 ms is ended as client_stalled', async (t) => {
    const all = await proxied(t, sink(), { config })
    const client = await all.connect()
    client.wire.patienceMs = 60_000
    await client.send('POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 100000\r\n\r\n')
    const timer = setInterval(() => void client.send('x'), 200)
    t.after(() => clearInterval(timer))
    const response = await client.response()
    clearInterval(timer)
    assert.deepEqual([response.status, JSON.parse(response.text).error], [408, 'client_stalled'])
    await all.weir.atRest()
    assert.equal((await all.fetch()).status, 200)
  })

  test('a reader of a byte now and then is ended as client_stalled', async (t) => {
    const all = await proxied(t, stream(1 << 30, 'length'), { config })
    const socket = connect({ port: all.weir.port, host: '127.0.0.1' }).pause()
    socket.on('error', () => undefined)
    socket.write('GET / HTTP/1.1\r\nhost: test\r\n\r\n')
    const timer = setInterval(() => socket.read(1), 200)
    t.after(() => {
      clearInterval(timer)
      socket.destroy()
    })
    const lines = await all.weir.waitForStats((sum) => sum.inFlight === 1, 'the request in flight')
    assert.equal(lines.length, 1)
    await all.weir.log.waitFor((line) => line.outcome === 'client_stalled', 'its end', 0, 60_000)
    await all.weir.atRest()
  })

  test('a client that waits for a slow origin is not', async (t) => {
    const all = await proxied(t, delayed(20_000, ok('late')), { config })
    const client = await all.connect()
    client.wire.patienceMs = 60_000
    assert.equal((await client.exchange({ method: 'POST', body: 'hello' })).text, 'late')
  })
})
