/** Who may come, and how often: `access` and `clientLimits`, at the top level and in a route. */
import { z } from 'zod'
import { asDictionary } from './dictionary.ts'
import { limits } from './limits.ts'
import { choice, duration, flag, integer, list, section } from './nodes.ts'
import type { Finding, Path } from './problem.ts'
import { cookieName, earlyHeader } from './schema-balance.ts'
import { network } from './schema-forwarding.ts'

const accessList = (what: string) =>
  list(network, 'addresses or networks', limits.accessNetworks).describe(what)

export const access = section({
  allow: accessList(
    'Addresses and networks, at most 1024: all others are answered 403. Default none, which allows all.',
  ).default([]),
  deny: accessList(
    'Addresses and networks, at most 1024, that are answered 403 even if "allow" has them. Default none.',
  ).default([]),
}).describe(
  'Whose requests are served, by address; the others are answered 403. Behind a proxy of "trustedProxies" the address is the last ' +
    'one in X-Forwarded-For that is none of these proxies. A client on a Unix socket has no address and matches no list.',
)

const by = z
  .union(
    [
      choice(['address']).describe("The client's address."),
      section({ header: earlyHeader }).describe('A header of the request.'),
      section({ cookie: cookieName.describe('The value of the cookie with this name.') }).describe(
        'A cookie of the request.',
      ),
    ],
    { error: '"address", or an object such as {"header":"x-api-key"} or {"cookie":"sid"}' },
  )
  .default('address')
  .describe(
    'What identifies a client: "address" (an IPv6 network of 64 bits is one client), {"header": "x-api-key"} or {"cookie": "sid"}. ' +
      'Default "address". A request without the header or cookie goes by its address. A client that makes up a new value for each ' +
      'request is not limited: use a value that something in front of Weir has checked.',
  )

const rate = section({
  requests: integer(limits.clientRequests).describe('How many requests, 1 to 1000000. Has no default.'),
  per: duration(limits.clientRatePerMs)
    .default('1s')
    .describe('In which time, on average. "1ms" to "24h"; default "1s".'),
  burst: integer(limits.clientRequests)
    .optional()
    .describe(
      'How many at once after a pause (the size of the token bucket). 1 to 1000000; default the same as "requests".',
    ),
}).describe(
  'A token bucket. Requests above the rate are answered 429 with Retry-After, RateLimit and RateLimit-Policy.',
)

const settings = section({
  rate: rate.optional(),
  inFlight: integer(limits.clientInFlight)
    .optional()
    .describe(
      'Requests of a client that may be in flight, waiting ones and WebSockets included. 1 to 1000000; default: no ' +
        'limit. Requests above it are answered 429.',
    ),
  by,
  keys: integer(limits.clientKeys)
    .default(65_536)
    .describe(
      'Clients that are remembered at a time, 1024 to 4194304; default 65536. 20 bytes each, allocated at the start. Above it the ' +
        'clients that have asked least are forgotten, and begin anew.',
    ),
  dryRun: flag()
    .default(false)
    .describe(
      'Refuse nothing, and count what would be refused in the statistics (clientLimits). Default false.',
    ),
}).describe('"rate", "inFlight" or both.')

export const clientLimits = z
  .union([z.literal(false).describe('No limits per client, whatever the top level says.'), settings], {
    error: 'false, or an object with the keys rate, inFlight, by, keys, dryRun',
  })
  .describe(
    'What one client may ask for: a rate, a number of requests in flight, or both. Each worker counts for itself: with 4 workers ' +
      'a client with many connections may get four times as much.',
  )

export type ClientLimitsConfig = z.output<typeof settings>

/** Limits must limit something. */
export function clientLimitsFindings(input: unknown): Finding[] {
  const root = asDictionary(input)
  if (root === null) return []
  const routes: readonly unknown[] = Array.isArray(root.routes) ? root.routes : []
  return [
    ...missing(root.clientLimits, ['clientLimits']),
    ...routes.flatMap((route, index) =>
      missing(asDictionary(route)?.clientLimits, ['routes', index, 'clientLimits']),
    ),
  ]
}

function missing(value: unknown, path: Path): Finding[] {
  const own = asDictionary(value)
  if (own === null || Object.hasOwn(own, 'rate') || Object.hasOwn(own, 'inFlight')) return []
  // A misspelled one is reported as what it is.
  if (Object.keys(own).some((key) => !['by', 'keys', 'dryRun'].includes(key))) return []
  return [
    {
      path,
      expected: 'rate, inFlight or both',
      found: 'neither',
      hint: 'for example {"rate":{"requests":100}}; false for no limits',
    },
  ]
}
