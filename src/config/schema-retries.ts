import { z } from 'zod'
import { limits } from './limits.ts'
import { fraction, integer, section, size } from './nodes.ts'

const status = z
  .literal([502, 503, 504], { error: 'one of 502, 503, 504' })
  .describe('A status that counts as a failure of the endpoint: 502, 503 or 504.')

export const retries = section({
  attempts: integer(limits.retryAttempts)
    .default(1)
    .describe(
      'Attempts after the first, on another endpoint where there is one, for requests with an idempotent method whose ' +
        'answer has not begun (after a time-out only on another endpoint). 0 to 10; default 1; 0 turns retries off. A POST that ' +
        'may have arrived is never sent again. If provably nothing was sent, a request of any method has up to 2 further ' +
        'attempts (or as many as stand here, if more), which are not charged to the budget.',
    ),
  budget: fraction()
    .default(0.2)
    .describe(
      'Share of the requests of the last ten seconds that may be sent again, 0 to 1, per worker. Default 0.2. It keeps an ' +
        'outage from doubling the load on what is still up. Finding that a kept connection was closed is not charged.',
    ),
  minPerSecond: integer(limits.retriesPerSecond)
    .default(3)
    .describe('Retries per second and worker that the budget always allows. 0 to 10000; default 3.'),
  bodyBytes: size(limits.retryBodyBytes)
    .default('64KiB')
    .describe(
      'A request body of known length up to this one, with an idempotent method, is gathered before it is sent, so that it ' +
        'can be sent again. Up to "16MiB"; default "64KiB"; "0B": only requests without a body are sent again.',
    ),
  on: z
    .array(status, { error: 'an array of statuses: 502, 503, 504' })
    .max(3)
    .default([])
    .describe(
      'Statuses of an endpoint that count as a failure: any of 502, 503 and 504. Default none. When no attempt is left, the ' +
        'last answer goes to the client as it is.',
    ),
})
  .prefault({})
  .describe('When a request is sent again.')
