import { z } from 'zod'
import { priorityWords } from '../plan/route-plan.ts'
import { limits } from './limits.ts'
import { choice, duration, integer, named, section } from './nodes.ts'
import { earlyHeader } from './schema-balance.ts'

export const queue = section({
  limit: integer(limits.queueLimit)
    .default(1024)
    .describe(
      'Requests that may wait when every connection of the upstream is busy, per worker. 0 to 1000000; default 1024; 0: no ' +
        'queue. A request above it is answered 503 at once, or sheds one of a lower priority. A long queue adds delay, ' +
        'not throughput, and each waiting request holds memory.',
    ),
  timeout: duration(limits.queueTimeoutMs)
    .default('5s')
    .describe(
      'How long a request may wait in the queue before it is answered 503. "1ms" to "24h"; default "5s". Set it below the ' +
        "clients' own time-out: work for a client that has left is wasted.",
    ),
  target: duration(limits.queueTargetMs)
    .default('0s')
    .describe(
      'Controlled delay (RFC 8289): when the wait has been longer than this throughout an "interval", the queue is standing. Then ' +
        'the newest request goes first, and those that have waited longer than this are answered 503, until nobody ' +
        'waits; for an interval after that, one wait above it is enough to begin again. Default "0s": off; up to "24h". "5ms" suits services that answer in a few milliseconds. It is off ' +
        'by default since only you know which wait is normal: in front of a server that takes seconds, waiting for seconds is.',
    ),
  interval: duration(limits.queueIntervalMs)
    .default('100ms')
    .describe(
      'How long a queue must stand before "target" takes effect: a burst that is served within it is not shed. "10ms" to ' +
        '"24h"; default "100ms". Set it to several times what a request usually takes.',
    ),
})
  .prefault({})
  .describe(
    'The bounded queue in front of the upstream. Requests of one priority leave it in the order they came.',
  )

const word = choice(priorityWords)

const byHeader = section({
  header: earlyHeader.describe(
    'The request header that gives the priority, for example "x-priority". Not Host, X-Forwarded-*, Forwarded or X-Request-Id.',
  ),
  values: named(
    z
      .string({ error: 'the value of a header' })
      .max(limits.headerValueLength)
      .describe('A value of the header, at most 4096 characters.'),
    word.describe('The priority of requests with this value.'),
    'values',
    limits.priorityValues,
  ).describe(
    'Priorities by the whole value of the header, case-sensitive: {"batch": "low"}. At most 64. Has no default.',
  ),
  default: word
    .default('normal')
    .describe('The priority of requests without the header, or with another value. Default "normal".'),
}).describe('A header of the request.')

/** Of a route. Three words: an operator can tell them apart, and RFC 9218 (0 the most urgent) and others count in opposite ways. */
export const priority = z
  .union([word.describe('The same for every request.'), byHeader], {
    error: 'one of "high", "normal", "low", or an object with the keys header, values, default',
  })
  .default('normal')
  .describe(
    'Who goes first when requests wait for the upstream: "high", "normal" or "low", or by a header: {"header": "x-priority", ' +
      '"values": {"batch": "low"}}. Default "normal". The higher one always goes first, and in a full queue it takes the place of ' +
      'the last one of the lowest, which is answered 503. Clients can send any header: use one that a proxy in front of Weir sets.',
  )
