import { z } from 'zod'
import { balancePolicies } from '../plan/balance-plan.ts'
import { earlyHeaderFault, seenHeaderFault, token } from './header-field.ts'
import { limits } from './limits.ts'
import { choice, number, section, text } from './nodes.ts'

const plainPolicies = ['round-robin', 'least-connections', 'random', 'two-choices', 'ewma'] as const

const keyName = (expected: string, fault: (value: string) => string | null) =>
  text({ expected, fault, maxLength: limits.keyNameLength })

export const cookieName = keyName('the name of a cookie', (name) =>
  token.test(name) ? null : "letters, digits and !#$%&'*+-.^_`|~",
)

const keyHeader = keyName('the name of a header', seenHeaderFault).describe(
  'The whole value of the request header with this name.',
)

/** For what is decided before a request is made ready for an endpoint. */
export const earlyHeader = keyName('the name of a header that clients send', earlyHeaderFault).describe(
  'The whole value of the request header with this name. Not Host, X-Forwarded-*, Forwarded or X-Request-Id.',
)

const by = z
  .union(
    [
      choice(['address', 'path']).describe("The client's address, or the path without its query."),
      section({
        header: keyHeader,
      }).describe('A header of the request.'),
      section({
        cookie: cookieName.describe('The value of the cookie with this name.'),
      }).describe('A cookie of the request, which somebody else sets.'),
      section({
        query: keyName('the name of a parameter', (name) =>
          /^[!"$%'-<>-~]+$/.test(name) ? null : 'as it stands in the URL: no space, "&", "=" or "#"',
        ).describe('The value of the first parameter with this name in the query, as it stands in the URL.'),
      }).describe('A parameter of the query.'),
    ],
    {
      error:
        'one of "address", "path", or an object with one of the keys header, cookie, query, such as {"header":"x-user"}',
    },
  )
  .default('address')
  .describe(
    'What is hashed, so that requests with the same value go to the same endpoint: "address" (of the client: behind another ' +
      'proxy that is the proxy\'s, and {"header": "x-forwarded-for"} may serve), "path", {"header": "x-user"}, {"cookie": "sid"} ' +
      'or {"query": "q"}. Default "address". A request without it goes to a random endpoint.',
  )

const hash = section({
  policy: z.literal('hash').describe('Consistent hashing with bounded loads.'),
  by,
  loadFactor: number(limits.loadFactor)
    .default(1.25)
    .describe(
      'An endpoint that has more than this many times its share of the requests in flight is passed over, and the request goes to ' +
        'the next one on the ring. 1.01 to 1000; default 1.25; with 1000 hardly ever. While few requests are in flight, two of one ' +
        'client at once may therefore go to two endpoints.',
    ),
}).describe(
  'Requests with the same key go to the same endpoint, in every worker; when one endpoint of n is added or removed, one key in n moves.',
)

const plain = choice(plainPolicies)

const sticky = section({
  policy: z.literal('sticky').describe('Each client stays with the endpoint that it was first sent to.'),
  cookie: cookieName
    .optional()
    .describe(
      'The name of the cookie that names the endpoint. Default: "weir-" and the name of the upstream. It ends with the ' +
        "browser's session, and is HttpOnly, SameSite=Lax and, over https, Secure. Caches must not keep answers that set it.",
    ),
  secret: text({
    expected: `a text of ${limits.secretLength.min} characters or more`,
    fault: (secret) =>
      secret.length < limits.secretLength.min ? 'for example the output of "openssl rand -hex 32"' : null,
    maxLength: limits.secretLength.max,
  })
    .optional()
    .describe(
      'Signs the cookie, so that clients cannot choose an endpoint; 16 to 1024 characters. Default: a random one, which workers ' +
        'share, reloads keep and a restart changes. Several Weirs in front of the same endpoints need the same one.',
    ),
  fallback: z
    .union([plain.describe('By its name.'), hash], {
      error: `one of ${plainPolicies.map((policy) => JSON.stringify(policy)).join(', ')}, or {"policy":"hash", ...}`,
    })
    .default('round-robin')
    .describe(
      'The policy for requests whose cookie names no endpoint that is up and has room, or that have none: a name, or "hash" as an ' +
        'object. Default "round-robin".',
    ),
}).describe('A cookie keeps the requests of a client at the same endpoint for as long as that is up.')

const settings = z
  .discriminatedUnion('policy', [hash, sticky], {
    error: (issue) =>
      issue.code === 'invalid_union'
        ? 'one of "hash", "sticky"; the other policies have no settings and are written as a name'
        : 'an object with the keys policy, by, loadFactor',
  })
  .describe('A policy with its settings.')

/** How an upstream chooses. A name alone is short for the policy with every default. */
export const balance = z
  .union([choice(balancePolicies).describe('A policy by its name.'), settings], {
    error: `one of ${balancePolicies.map((policy) => JSON.stringify(policy)).join(', ')}`,
  })
  .default('round-robin')
  .describe(
    'Which endpoint takes the next request. Default "round-robin", smooth and weighted; "least-connections": the one ' +
      'with the fewest requests in flight, for answers of very different length; "random", weighted; "two-choices": of two at ' +
      'random the one with fewer in flight, for many workers, and whoever is five times slower is ejected ("outliers", "slowFactor"); "ewma": of two at random the one with the lower product of ' +
      'latency and requests in flight, which keeps slow and failing endpoints out of the way; "hash": by a key such as the ' +
      'client\'s address; "sticky": by a cookie. The last two have settings: {"policy": "hash", ...}. Each worker counts for itself.',
  )

export type BalanceConfig = z.output<typeof balance>
/** Shorthand for the objects, with every default. */
export const hashDefaults = (): z.output<typeof hash> => hash.parse({ policy: 'hash' })
export const stickyDefaults = (): z.output<typeof sticky> => sticky.parse({ policy: 'sticky' })
