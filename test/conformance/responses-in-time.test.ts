/** Responses whose bytes come one after the other: what is passed on when (RFC 9112, sections 7 and 9). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proxied } from '../support/proxied.ts'

test('server-sent events: each passes before the next one is sent', async (t) => {
  let release: (() => void) | null = null
  const { connect, weir } = await proxied(t, async (exchange) => {
    await exchange.head(200, [
      ['content-type', 'text/event-stream'],
      ['transfer-encoding', 'chunked'],
    ])
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      await exchange.chunk(event)
      await new Promise<void>((resolve) => {
        release = resolve
      })
    }
    await exchange.endChunks()
  })
  const client = await connect()
  await client.request()
  const events: string[] = []
  const answer = await client.response({
    // The origin sends the next event only when this one has arrived.
    onBody: (piece) => {
      events.push(piece.toString())
      release?.()
    },
  })
  assert.equal(answer.ended, 'complete')
  assert.deepEqual(events, ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n'])
  await weir.atRest()
})
