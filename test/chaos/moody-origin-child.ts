/**
 * The process behind moody-origin.ts. Arguments: its name, its port (0: any) and its mood, which a message changes. Says which
 * request has come, before it does anything about it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Origin } from '../support/origin.ts'
import { breakMidBody, silent } from '../support/origin-behaviours.ts'
import type { OriginExchange } from '../support/origin-exchange.ts'
import { Gate } from '../support/wait.ts'
import { answerText, idOf, type Mood, serviceMs, slowMs, warmAfter } from './moody-origin.ts'

const [name = '', port = '0', firstMood = 'well'] = process.argv.slice(2)
let mood = firstMood as Mood
/** Answers since the start. */
let warmth = 0
const open = new Gate()
open.open()

const moods: Readonly<Record<Mood, (exchange: OriginExchange) => Promise<void> | void>> = {
  well: (exchange) => answer(exchange, serviceMs),
  hangs: silent,
  breaks: async (exchange) => {
    await exchange.drain()
    await breakMidBody(warmth++ % 2 === 0 ? 'length' : 'chunked', 'reset', 2_000, open, [['x-origin', name]])(
      exchange,
    )
  },
  fails: async (exchange) => {
    await exchange.drain()
    await exchange.respond({ status: 500, headers: [['x-origin', name]], body: 'failed' })
  },
  slow: (exchange) => answer(exchange, slowMs),
  cold: (exchange) => answer(exchange, serviceMs * (1 + 20 * Math.max(0, 1 - warmth++ / warmAfter))),
}

async function answer(exchange: OriginExchange, ms: number): Promise<void> {
  await exchange.drain()
  await sleep(ms)
  const { target, bodyBytes } = exchange.record
  await exchange.respond({ headers: [['x-origin', name]], body: answerText(target, bodyBytes) })
}

const origin = new Origin(
  (exchange) => {
    process.send?.({ came: idOf(exchange.record.target) })
    return moods[mood](exchange)
  },
  { port: Number(port), keepRequests: 0 },
)

process.on('disconnect', () => process.exit(0))
process.on('message', (message) => {
  mood = message as Mood
})
await origin.start()
process.send?.({ port: origin.port })
