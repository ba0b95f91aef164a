/**
 * The process behind origin-process.ts: an origin that can be killed. Arguments: its name and its port (0: any).
 * Answers every request with its name, after `?delay=` milliseconds where asked for, once the body has come.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Origin } from './origin.ts'

const [name = 'origin', port = '0'] = process.argv.slice(2)
const origin = new Origin(
  async (exchange) => {
    await exchange.drain()
    const delayMs = Number(exchange.query('delay') ?? 0)
    if (delayMs > 0) await sleep(delayMs)
    await exchange.respond({ body: name })
  },
  { port: Number(port), keepRequests: 0 },
)

process.on('disconnect', () => process.exit(0))
process.on('message', () => process.send?.({ count: origin.count }))
await origin.start()
process.send?.({ port: origin.port })
