import { limits as ranges } from './limits.ts'
import { integer, section, size } from './nodes.ts'

export const limits = section({
  headBytes: size(ranges.headBytes)
    .default('16KiB')
    .describe('Request line and headers together: "1KiB" to "16KiB", default "16KiB". Above: 431.'),
  headers: integer(ranges.headerCount)
    .default(98)
    .describe(
      'Number of headers: 1 to 98, default 98, which is also what the native parser can hold. Above: 431.',
    ),
  targetBytes: size(ranges.targetBytes)
    .default('8KiB')
    .describe('Path and query: "1B" to "16KiB", default "8KiB". Above: 414.'),
  bodyBytes: size(ranges.bodyBytes)
    .default('0B')
    .describe(
      'Of a request body, up to "1024GiB"; default "0B": no limit, since bodies are streamed and take no memory. Above: 413, ' +
        'before anything is forwarded where the length is known, else when the limit is passed.',
    ),
})
  .prefault({})
  .describe('What one request may have. What is above is refused and the connection closed.')
