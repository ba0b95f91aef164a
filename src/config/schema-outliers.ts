import { z } from 'zod'
import { limits } from './limits.ts'
import { duration, fraction, integer, number, section } from './nodes.ts'
import type { BalanceConfig } from './schema-balance.ts'

const settings = section({
  failures: integer(limits.outlierFailures)
    .default(5)
    .describe(
      'Failures in a row that eject an endpoint: a reset, a late or malformed head, or 502, 503 or 504. 1 to 1000; default 5. ' +
        'An endpoint that cannot be connected to is passed over after the first, while another is there. 500 does not count.',
    ),
  time: duration(limits.outlierTimeMs)
    .default('10s')
    .describe(
      'How long the first ejection lasts; then one request is the probe. Each probe that fails doubles it. "1ms" to "24h"; default ' +
        '"10s". An endpoint that cannot be connected to is out for 1s, 2s, 4s … up to this time.',
    ),
  maxTime: duration(limits.outlierTimeMs)
    .default('1m')
    .describe(
      'The longest ejection. "1ms" to "24h"; default "1m". When active checks find the endpoint healthy that they had not, the probe comes at once.',
    ),
  maxOut: fraction()
    .default(0.5)
    .describe(
      'Share of the endpoints that may be out, by active checks or ejected, including the one that is ejected for its answers. ' +
        '0 to 1; default 0.5: never more than half, so that a single endpoint is never ejected. Endpoints that cannot be ' +
        'connected to are ejected regardless.',
    ),
  slowFactor: z
    .union(
      [
        z.literal(false).describe('None is ejected for being slow.'),
        number(limits.outlierSlowFactor).describe('From 2 to 1000 times.'),
      ],
      {
        error: `false, or a number from ${limits.outlierSlowFactor.min} to ${limits.outlierSlowFactor.max}`,
      },
    )
    .optional()
    .describe(
      'An endpoint whose answers typically take this many times as long as those of the others is ejected, too, under "maxOut"; the ' +
        'request that is its probe has to be quicker. Its typical latency to the head (a geometric mean of some 64 answers) is compared ' +
        'with the median of the others. 2 to 1000, or false; default 5 with "balance": "two-choices", which cannot keep requests from a ' +
        'slow endpoint by counting, and false with every other policy. Not for endpoints whose requests differ by nature, as with ' +
        '"hash" by path.',
    ),
})

/** Passive outlier detection of an upstream. */
export const outliers = z
  .union(
    [
      z.literal(false).describe('Failed requests never take an endpoint out.'),
      settings.describe('When an endpoint is ejected, and for how long. {} has every default.'),
    ],
    { error: 'false, or an object with the keys failures, time, maxTime, maxOut, slowFactor' },
  )
  .prefault({})
  .describe(
    'Passive outlier detection: endpoints on which requests fail are ejected for a growing time, whatever the active checks say, ' +
      'until one request succeeds there. When every endpoint is out, those that can be connected to are sent requests all the ' +
      'same; if there is none, requests are answered 503 at once, except for one probe a second. Each worker detects for itself. ' +
      'false turns it off.',
  )

/**
 * What `slowFactor` is where the configuration does not say. `two-choices` is to keep a slow endpoint from showing, and cannot
 * by counting (proxy/balance/two-choices.ts tells why). Which endpoint it sends a request to is chance and does not hang on the
 * request, so that all of them have the same mix and can be compared. `ewma` needs no help; `hash` and `sticky` give endpoints requests that
 * differ; and who chose another policy asked for nothing of the kind.
 */
export function defaultSlowFactor(balance: BalanceConfig): number | false {
  return balance === 'two-choices' ? 5 : false
}
