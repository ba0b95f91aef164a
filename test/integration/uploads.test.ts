/**
 * Bodies of many clients at once. Their pieces lie in memory that is used again (src/proxy/body/piece.ts): whatever becomes of an upload, its
 * endpoint gets its own bytes and nobody else's.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Dice } from '../support/dice.ts'
import type { OriginExchange } from '../support/origin-exchange.ts'
import { proxied } from '../support/proxied.ts'
import { Gate } from '../support/wait.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

const sizes = [3_000, 16_384, 100_000, 500_000, 3_000_000]
/** More than the kernel keeps between Weir and an endpoint that does not read: what is behind that lies in Weir, unsent. */
const heldSize = 20_000_000
const fates = ['fast', 'slow', 'slow', 'reset', 'leave']
const letters = 'abcdefghijklmnopqrstuvwxyz'

test('uploads of every size and framing, held, slow, broken off and reset_every endpoint sees one client’s bytes only', async (t) => {
  const dice = new Dice(t)
  const mixed: string[] = []
  let whole = 0
  let others = new Gate()
  const behaviour = async (exchange: OriginExchange): Promise<void> => {
    const [, letter = '', size = '', fate] = exchange.path.split('/')
    if (fate === 'held') await others.pass()
    let bytes = 0
    for await (const piece of exchange.body()) {
      if (!piece.equals(Buffer.alloc(piece.length, letter))) mixed.push(exchange.path)
      bytes += piece.length
      if (fate === 'reset' && bytes > Number(size) / 2) return exchange.reset()
      if (fate === 'slow') for (let turns = dice.below(20); turns > 0; turns--) await turn()
    }
    if (!exchange.record.complete) return
    whole++
    await exchange.respond({ body: String(bytes) })
  }
  const { connect } = await proxied(t, behaviour, { upstream: { outliers: false } })

  const upload = async (letter: string, size: number, fate: string): Promise<void> => {
    const client = await connect()
    const target = `/${letter}/${size}/${fate}`
    const body = Buffer.alloc(size, letter)
    if (fate === 'leave') {
      await client.send(`POST ${target} HTTP/1.1\r\nhost: test\r\ncontent-length: ${size}\r\n\r\n`)
      await client.send(body.subarray(0, size / 2))
      return client.reset()
    }
    const chunks = Array.from({ length: Math.ceil(size / 50_000) }, (_, index) =>
      body.subarray(index * 50_000, (index + 1) * 50_000),
    )
    const sent = client.request({ method: 'POST', target, body: dice.below(2) === 0 ? body : chunks })
    const [answer] = await Promise.all([client.response(), sent.catch(() => {})])
    if (fate === 'reset') assert.equal(answer.status, 502, target)
    else assert.deepEqual([answer.status, answer.text], [200, String(size)], target)
    client.close()
  }
  for (let round = 0; round < 2; round++) {
    others = new Gate()
    const held = ['y', 'z'].map((letter) => upload(letter, heldSize, 'held'))
    for (let time = 0; time < 3; time++) {
      const some = Array.from(letters.slice(0, 24), (letter) =>
        upload(letter, sizes[dice.below(5)] as number, fates[dice.below(5)] as string),
      )
      await Promise.all(some)
    }
    others.open()
    await Promise.all(held)
  }
  assert.deepEqual(mixed, [])
  assert.ok(whole > 24)
})
