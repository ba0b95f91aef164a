import { z } from 'zod'
import { limits } from './limits.ts'
import { duration, fraction, integer, section } from './nodes.ts'

const settings = section({
  failures: integer(limits.outlierFailures)
    .default(5)
    .describe(
      'Failures in a row that shut an endpoint out: a reset, a late or garbled head, or 502, 503 or 504. 1 to 1000; default 5. ' +
        'An endpoint that cannot be connected to is passed over after the first, while another is there. 500 does not count.',
    ),
  time: duration(limits.outlierTimeMs)
    .default('10s')
    .describe(
      'For how long the first time; then one request is the probe. Twice as long each time that fails. "1ms" to "24h"; default ' +
        '"10s". An endpoint that cannot be connected to is out for 1s, 2s, 4s … up to this time.',
    ),
  maxTime: duration(limits.outlierTimeMs)
    .default('1m')
    .describe(
      'The longest time. "1ms" to "24h"; default "1m". A success of its active check brings the probe at once.',
    ),
  maxOut: fraction()
    .default(0.5)
    .describe(
      'Share of the endpoints that may be out, by their checks or their answers, when another one is shut out for its answers. ' +
        '0 to 1; default 0.5: never more than half, and with one endpoint none. Those that cannot be connected to are not ' +
        'bound by it.',
    ),
})

/** Passive outlier detection of an upstream. */
export const outliers = z
  .union(
    [
      z.literal(false).describe('What requests come to does not take an endpoint out.'),
      settings.describe('When an endpoint is shut out, and for how long.'),
    ],
    { error: 'false, or an object with the keys failures, time, maxTime, maxOut' },
  )
  .prefault({})
  .describe(
    'Endpoints on which requests fail are shut out for a growing time, beside what the active checks say, and one request that ' +
      'succeeds lets them back (passive outlier detection). With every endpoint out, those that answer are sent requests in spite of ' +
      'it; if none can be connected to, requests are answered 503 at once but for a probe a second. Each worker sees for itself. ' +
      'false turns it off.',
  )
