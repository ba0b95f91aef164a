import { limits as ranges } from './limits.ts'
import { duration, integer, section, size } from './nodes.ts'

const minRate = section({
  bytes: size(ranges.minRateBytes)
    .default('1KiB')
    .describe(
      'Bytes per second, up to "1MiB"; default "1KiB". "0B": no minimum, so that a client that sends a byte a minute holds ' +
        "its connection, and the endpoint's, for as long as it likes.",
    ),
  over: duration(ranges.minRateOverMs)
    .default('60s')
    .describe(
      'How long a client may send or take nothing: "4s" to "1h", default "60s". The progress of a download shows in steps of up ' +
        "to a megabyte, as the kernel's send buffer drains: below 30s, slow but honest readers may be disconnected.",
    ),
})
  .prefault({})
  .describe(
    'The minimum rate at which a client must send its body or take a response, on average, while Weir waits for the client and ' +
      'not for an endpoint. Slower requests end as client_stalled. Slow heads end after 8 to 12 s in any case.',
  )

export const limits = section({
  headBytes: size(ranges.headBytes)
    .default('16KiB')
    .describe(
      'Request line and headers together: "1KiB" to "32KiB", default "16KiB". Above: 431. A fixed answer (respond) to GET or HEAD is ' +
        'given to any head up to 40KiB, unless this or "headers" is below the default, "access" or "clientLimits" guards its route, or ' +
        'a proxy stands in front (trustedProxies, proxyProtocol, a Unix socket).',
    ),
  headers: integer(ranges.headerCount)
    .default(98)
    .describe(
      'Number of headers: 1 to 98, default 98, which is also what the native parser can hold. Above: 431.',
    ),
  targetBytes: size(ranges.targetBytes)
    .default('8KiB')
    .describe('Path and query: "1B" to "32KiB", default "8KiB". Above: 414.'),
  bodyBytes: size(ranges.bodyBytes)
    .default('0B')
    .describe(
      'Of a request body, up to "1024GiB"; default "0B": no limit, since bodies are streamed and not held in memory. Above: 413, ' +
        'before anything is forwarded if the length is known, otherwise when the limit is exceeded.',
    ),
  minRate,
  connections: integer(ranges.clientConnections)
    .default(16_384)
    .describe(
      'Client connections per worker, 0 to 1000000; default 16384. Those above are closed as they come. 0: as many as ' +
        'there are file descriptors, which upstream connections need too. A connection may hold up to 40 KiB of a head that is not complete.',
    ),
  connectionRequests: integer(ranges.connectionRequests)
    .default(0)
    .describe(
      'Requests on one client connection, which then closes after the last answer: 0 to 1000000000; default 0: any number. ' +
        'On a TLS listener it needs uWebSockets.js 20.69.0: with 20.51.4 it has no effect there, and Weir warns at the start.',
    ),
  connectionAge: duration(ranges.connectionAgeMs)
    .default('0s')
    .describe(
      'How old a client connection may become, up to "24h"; default "0s": any age. It closes after the answer to the first ' +
        'request from then on. On a TLS listener as connectionRequests.',
    ),
})
  .prefault({})
  .describe('Limits on what one client sends and holds. What is above is refused, and the connection closed.')
