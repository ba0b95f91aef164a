/** Slow but honest: 20 kB/s up and 50 kB/s down go on past every fixed timer of the binding (native-notes/02). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bytes } from '../support/bytes.ts'
import { ok, sink, stream } from '../support/origin-behaviours.ts'
import { Pacer } from '../support/pace.ts'
import { proxied } from '../support/proxied.ts'

/** Longer than the binding's 8 to 12 s. */
const durationS = 15

describe('honest slow peers finish', { concurrency: 4 }, () => {
  for (const head of ['content-length', 'chunked'] as const) {
    test(`an upload of 20 kB/s with ${head}`, async (t) => {
      const all = await proxied(t, sink())
      const total = 20_000 * durationS
      const client = await all.connect()
      client.wire.patienceMs = 60_000
      const framing = head === 'chunked' ? 'transfer-encoding: chunked' : `content-length: ${total}`
      await client.send(`POST / HTTP/1.1\r\nhost: test\r\n${framing}\r\n\r\n`)
      const pacer = new Pacer({ bytesPerSecond: 20_000 })
      for (let sent = 0; sent < total; sent += 2_000) {
        if (head === 'chunked') await client.sendChunk(bytes(2_000))
        else await client.send(bytes(2_000))
        await pacer.passed(2_000)
      }
      if (head === 'chunked') await client.send('0\r\n\r\n')
      const response = await client.response()
      assert.deepEqual([response.status, response.text.split(' ')[0]], [200, String(total)])
      await all.weir.atRest()
    })
  }

  for (const framing of ['length', 'chunked'] as const) {
    test(`a download of 50 kB/s with ${framing}`, async (t) => {
      // More than the kernels' buffers hold, or Weir would be done long before the client is.
      const total = 8_000_000 + 50_000 * durationS
      const all = await proxied(t, { '/big': stream(total, framing), '*': ok() })
      const client = await all.connect()
      client.wire.patienceMs = 60_000
      await client.request({ target: '/big' })
      // Slow for as long as it matters; the rest at full speed.
      const slow = new Pacer({ bytesPerSecond: 50_000 })
      let read = 0
      const head = await client.wire.head()
      assert.match(head!.startLine, /200/)
      const kind =
        framing === 'length' ? ({ kind: 'length', bytes: total } as const) : ({ kind: 'chunked' } as const)
      for await (const piece of client.wire.body(kind)) {
        read += piece.length
        if (read < 50_000 * durationS) await slow.passed(piece.length)
      }
      assert.equal(read, total)
      await all.weir.atRest()
    })
  }
})
