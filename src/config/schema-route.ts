import { forwardPaths } from '../plan/route-plan.ts'
import { headerNameFault, headerValueFault } from './header-field.ts'
import { routeHostFault } from './host.ts'
import { limits } from './limits.ts'
import { choice, duration, integer, named, section, text } from './nodes.ts'
import { earlyHeader } from './schema-balance.ts'
import { access, clientLimits } from './schema-clients.ts'
import { priority } from './schema-queue.ts'
import { mirror, routeUpstream } from './schema-split.ts'
import { routePathFault } from './target.ts'

const headerName = text({
  expected: 'the name of a header that a fixed answer may set',
  fault: headerNameFault,
  maxLength: 256,
}).describe('The name of a header. Not one that frames the message: Weir sets those itself.')

const headerValue = text({
  expected: 'the value of a header, in printable ASCII',
  fault: headerValueFault,
  maxLength: limits.headerValueLength,
}).describe('The value of the header: printable ASCII, at most 4096 characters, sent as it is.')

export const respond = section({
  status: integer(limits.respondStatus).describe(
    'The status code, 200 to 599. Has no default. A redirect (3xx) needs a "Location" among the headers.',
  ),
  headers: named(headerName, headerValue, 'headers', limits.respondHeaders)
    .default({})
    .describe(
      'Headers by name, sent as written. Default none; at most 64. Content-Length, Transfer-Encoding, Connection, Date ' +
        'and others that Weir sets itself are refused. Without a Content-Type, clients guess one.',
    ),
  body: text({ expected: 'a text', maxLength: limits.respondBodyLength })
    .default('')
    .describe(
      'The body, sent as UTF-8. Default empty; at most 65536 characters, held in memory by every worker. Must be empty ' +
        'with status 204, 205 and 304, which have none.',
    ),
})

export const route = section({
  host: text({
    expected: 'a host such as "example.com" or "*.example.com"',
    fault: routeHostFault,
    maxLength: limits.hostLength,
  })
    .optional()
    .describe(
      'Matches requests for this host, in any case, with or without percent-escapes (%61), and on any port. "*.example.com" ' +
        'matches every name below example.com, but not example.com itself. An address is compared as it is written: ' +
        '"127.0.0.1" is not 2130706433. Default: every host.',
    ),
  path: text({
    expected: 'a path that begins with "/", exact or ending in "/*"',
    fault: routePathFault,
    maxLength: limits.pathLength,
    pattern: '^/',
  })
    .optional()
    .describe(
      'Matches requests for exactly this path (the query does not count), or, when it ends in "/*", for everything below: ' +
        '"/api/*" matches /api/, /api/x and /api. Case-sensitive. Default: every path. It is compared with the cleaned path: ' +
        'needless escapes (%2e, %2f, %61) undone, a backslash and %5c read as a slash, doubled slashes merged, and then dot segments ' +
        'resolved, so that these spellings do not slip past. A path with both %5c and ".." is answered 400. Not every server reads ' +
        'a path so: WHATWG URL, for one, resolves before it merges, and /admin//../x is /admin/x to it and /x here; %2F is a slash ' +
        'to some only. ' +
        'With "forwardPath": "cleaned" the endpoint is sent what was matched. It does not help where a server knows "/..;/".',
    ),
  forwardPath: choice(forwardPaths)
    .default('received')
    .describe(
      'Which path goes to the endpoint: "received": byte for byte as the client sent it; "cleaned": the one that "path" is ' +
        'compared with. Default "received". "cleaned" changes an escaped slash (%2F) or a backslash (%5C, too) into a slash.',
    ),
  timeout: duration(limits.timeoutMs)
    .default('0s')
    .describe(
      'From the head of a request to the end of its answer, with all waiting and every attempt. Default "0s": no limit; up to ' +
        '"24h". Above it the client gets 504, or, if the answer has begun, its connection is closed. Not for event streams.',
    ),
  priority,
  access: access.optional(),
  clientLimits: clientLimits.optional(),
  upstream: routeUpstream.optional(),
  upstreamHeader: earlyHeader
    .optional()
    .describe(
      'The name of a header that chooses: if its value is the name of an upstream of the list, the request goes there, whatever the ' +
        'weights say. Default: none. Any client may send it. Not Host, X-Forwarded-*, Forwarded or X-Request-Id.',
    ),
  mirror: mirror.optional(),
  respond: respond
    .optional()
    .describe(
      'A fixed answer that touches no upstream, for checks of Weir itself, redirects and load tests. Either this or "upstream".',
    ),
})
  .meta({ oneOf: [{ required: ['upstream'] }, { required: ['respond'] }] })
  .describe(
    'Which requests, by "host" and "path", and what becomes of them: exactly one of "upstream" and "respond".',
  )
