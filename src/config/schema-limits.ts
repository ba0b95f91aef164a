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
      'How long a client may send or take nothing: "4s" to "1h", default "60s". A download\'s progress shows in steps of what ' +
        "the kernel's send buffer frees, up to a megabyte: below 30s slow but honest readers may be cut.",
    ),
})
  .prefault({})
  .describe(
    'The least that a client must send of its body, or take of a response, on average and while Weir waits for it and not ' +
      'for an endpoint. Slower ones are ended as client_stalled. Slow heads are ended after 8 to 12 s in any case.',
  )

export const limits = section({
  headBytes: size(ranges.headBytes)
    .default('16KiB')
    .describe(
      'Request line and headers together: "1KiB" to "64KiB", default "16KiB". Above: 431. A fixed answer ' +
        '(respond) is given to any head up to 72KiB, unless this is below the default.',
    ),
  headers: integer(ranges.headerCount)
    .default(98)
    .describe(
      'Number of headers: 1 to 98, default 98, which is also what the native parser can hold. Above: 431.',
    ),
  targetBytes: size(ranges.targetBytes)
    .default('8KiB')
    .describe('Path and query: "1B" to "64KiB", default "8KiB". Above: 414.'),
  bodyBytes: size(ranges.bodyBytes)
    .default('0B')
    .describe(
      'Of a request body, up to "1024GiB"; default "0B": no limit, since bodies are streamed and take no memory. Above: 413, ' +
        'before anything is forwarded where the length is known, else when the limit is passed.',
    ),
  minRate,
  connections: integer(ranges.clientConnections)
    .default(16_384)
    .describe(
      'Client connections that a worker holds, 0 to 1000000; default 16384. Those above are closed as they come. 0: as ' +
        'many as there are file descriptors, which upstream connections need too. A connection may hold up to 72 KiB of a head that is not complete.',
    ),
  connectionRequests: integer(ranges.connectionRequests)
    .default(0)
    .describe(
      'Requests on one client connection, which then closes behind the last answer: 0 to 1000000000; default 0: any number. ' +
        'A TLS listener needs uWebSockets.js 20.69.0 for it: with 20.51.4 Weir says so at the start, and its connections live on.',
    ),
  connectionAge: duration(ranges.connectionAgeMs)
    .default('0s')
    .describe(
      'How old a client connection may become, up to "24h"; default "0s": any age. It closes behind the answer to the first ' +
        'request after that. For TLS as connectionRequests.',
    ),
})
  .prefault({})
  .describe('What one client may have. What is above is refused and the connection closed.')
