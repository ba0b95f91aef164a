import { z } from 'zod'
import { hedgedMethods } from '../plan/upstream-plan.ts'
import { limits } from './limits.ts'
import { choice, duration, number, section } from './nodes.ts'

const settings = section({
  percentile: number(limits.hedgingPercentile)
    .default(95)
    .describe(
      'A request is hedged when it has waited longer for the head of its answer than this percentage of recent answers took. 50 to ' +
        '99.9; default 95: some 5 % at most are sent twice. The time is learned over 30 to 60 seconds, per worker, and nothing is ' +
        'hedged until there have been enough answers: 100 for 95, 500 for 99.',
    ),
  min: duration(limits.hedgingMinMs)
    .default('10ms')
    .describe(
      'No request is hedged sooner than this. "1ms" to "24h"; default "10ms". Below a few milliseconds, noise is hedged.',
    ),
  max: duration(limits.hedgingMaxMs)
    .default('0s')
    .describe(
      'No request waits longer than this before it is hedged, whatever the percentile. Default "0s": the percentile alone decides, and ' +
        'it rises when many answers become slow; up to "24h". With it, as many requests are hedged then as the budget allows.',
    ),
  methods: choice(hedgedMethods)
    .default('idempotent')
    .describe(
      'Which requests: "idempotent" (GET, HEAD, OPTIONS, TRACE, PUT, DELETE), the default, or "safe" (without PUT and DELETE). The ' +
        'attempt that is given up may still take effect after the one that was answered: with "idempotent", that must do no harm. ' +
        'A POST is never hedged.',
    ),
})

/** Hedging of an upstream. */
export const hedging = z
  .union(
    [
      z.literal(false).describe('Every request is sent to one endpoint at a time.'),
      settings.describe('After which time, and which requests. {} has every default.'),
    ],
    { error: 'false, or an object with the keys percentile, min, max, methods' },
  )
  .default(false)
  .describe(
    'Whether a request whose answer is late is sent to a second endpoint as well: the first answer wins, and the other attempt is ' +
      'cancelled, which costs its connection. For idempotent requests without a body, or with one of up to "retries.bodyBytes"; within ' +
      '"retries.budget"; once per request, and only if an endpoint has room and nothing waits in the queue. An answer of 502, 503 or ' +
      '504 does not win while the other may still come. Not with "sticky". Default false.',
  )

export type HedgingConfig = z.output<typeof hedging>
