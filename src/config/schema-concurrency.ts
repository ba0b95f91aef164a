import { z } from 'zod'
import { limits } from './limits.ts'
import { choice, integer, number, section } from './nodes.ts'

const adaptive = section({
  min: integer(limits.concurrency)
    .default(4)
    .describe('The limit never falls below this. 1 to 100000; default 4, or "max" where that is lower.'),
  max: integer(limits.concurrency)
    .default(1000)
    .describe(
      'The limit never rises above this. 1 to 100000; default 1000. The connections of the healthy endpoints ("connections" ' +
        'times "pipelining") bound it as well.',
    ),
  initial: integer(limits.concurrency)
    .default(20)
    .describe(
      'Where the limit begins; it doubles until latency rises. 1 to 100000; default 20, or the nearest of "min" and "max".',
    ),
  tolerance: number(limits.tolerance)
    .default(1.5)
    .describe(
      'An answer may take this many times as long as without a queue, or 2 ms longer where that is more, before the limit falls. ' +
        '1.1 to 10; default 1.5. A lower one reacts sooner, and to noise too; a higher one lets more requests queue inside the endpoints.',
    ),
}).describe('The settings of "adaptive".')

/** What an upstream gets at once, beside what its connections take. */
export const concurrency = z
  .union(
    [
      choice(['adaptive', 'off']).describe('A limit that is learned from latency, or none.'),
      integer(limits.concurrency).describe('A fixed limit, 1 to 100000.'),
      adaptive,
    ],
    {
      error:
        '"adaptive", "off", a whole number from 1 to 100000, or an object with the keys min, max, initial, tolerance',
    },
  )
  .default('off')
  .describe(
    'How many requests the upstream gets at once, per worker, over all its endpoints; the others wait in the queue. "off", the ' +
      'default: as many as its connections take. A number: at most that many. "adaptive": as many as it answers without slowing ' +
      'down, learned from the time to the head of its answers, without the time that Weir itself was busy; refused connections, time-outs, 502, 503 and 504 lower it, and ' +
      'clients that leave do not. Now and then it lets in a quarter less for a moment, to see whether that is faster. It suits an ' +
      'upstream whose requests take about the same time: a mix that changes looks like a slow server.',
  )

export type ConcurrencyConfig = z.output<typeof concurrency>
/** Shorthand for the object, with every default. */
export const adaptiveDefaults = (): z.output<typeof adaptive> => adaptive.parse({})
