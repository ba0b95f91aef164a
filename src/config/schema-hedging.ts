import { z } from 'zod'
import { hedgedMethods } from '../plan/plan.ts'
import { limits } from './limits.ts'
import { choice, duration, number, section } from './nodes.ts'

const settings = section({
  percentile: number(limits.hedgingPercentile)
    .default(95)
    .describe(
      'A request is hedged when it has waited for the head of its answer longer than so many percent of the answers of late took. ' +
        '50 to 99.9; default 95: at most some 5 % are sent twice. It is learned over 30 to 60 seconds, per worker, and nothing is ' +
        'hedged until there were enough answers: 100 for 95, 500 for 99.',
    ),
  min: duration(limits.hedgingMinMs)
    .default('10ms')
    .describe(
      'No request is hedged sooner than this. "1ms" to "24h"; default "10ms". Below a few milliseconds it is noise that is hedged.',
    ),
  max: duration(limits.hedgingMaxMs)
    .default('0s')
    .describe(
      'No request waits longer than this until it is hedged, whatever the percentile. Default "0s": the percentile alone decides, and ' +
        'where many answers have become slow it has become high; up to "24h". With it, as many as the budget allows are hedged then.',
    ),
  methods: choice(hedgedMethods)
    .default('idempotent')
    .describe(
      'Which requests: "idempotent" (GET, HEAD, OPTIONS, TRACE, PUT, DELETE), the default, or "safe" (without PUT and DELETE). The one ' +
        'that is given up may still take effect, later than the one that was answered: with "idempotent", that must do no harm. ' +
        'A POST is never hedged.',
    ),
})

/** Hedging of an upstream. */
export const hedging = z
  .union(
    [
      z.literal(false).describe('Every request is sent to one endpoint at a time.'),
      settings.describe('After which time, and which requests. {} is all defaults.'),
    ],
    { error: 'false, or an object with the keys percentile, min, max, methods' },
  )
  .default(false)
  .describe(
    'Whether a request whose answer is late is sent to another endpoint as well: the first answer counts, the other is cancelled, which ' +
      'costs its connection. For idempotent requests without a body, or with one of up to "retries.bodyBytes" that is kept; within ' +
      '"retries.budget"; once per request, and only where there is room and nobody waits in the queue. An answer of 502, 503 or 504 does ' +
      'not count while the other may still come. Not with "sticky". Default false.',
  )

export type HedgingConfig = z.output<typeof hedging>
