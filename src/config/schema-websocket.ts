import { limits } from './limits.ts'
import { duration, integer, section, size } from './nodes.ts'

export const websocket = section({
  connections: integer(limits.websockets)
    .default(10_000)
    .describe('Bridged WebSockets at a time and per worker. 0 to 1000000; default 10000. Above: 503.'),
  payload: size(limits.websocketPayload)
    .default('16MiB')
    .describe(
      'Size of one message, either way: "1KiB" to "256MiB", default "16MiB". Above it both sides are closed: with 1009, but for a client that has ' +
        'sent such a message, whose connection ends without a close frame. Read at the start only.',
    ),
  idle: duration(limits.websocketIdleMs)
    .default('2m')
    .describe(
      'A client that sends nothing for this long, not even a pong, is closed; it is sent pings meanwhile. "8s" to "16m"; default "2m". ' +
        'Read at the start only.',
    ),
})
  .prefault({})
  .describe('WebSockets, which are bridged message by message.')
