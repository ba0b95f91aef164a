/**
 * What several values must be together. These checks run on the raw input, whether or not the schema accepts it,
 * so that everything is reported at once; each looks only at parts that are in shape, and stays silent where a
 * misspelled key already explains what is missing.
 */
import { resolve } from 'node:path'
import { cleanPath } from '../plan/clean-path.ts'
import { asDictionary, type Dictionary } from './dictionary.ts'
import { nearest } from './did-you-mean.ts'
import { parseDuration } from './duration.ts'
import { type EndpointUrl, readEndpointUrl } from './endpoint-url.ts'
import { type Finding, formatPath, type Path, show } from './problem.ts'
import { configSchema } from './schema.ts'
import { listener, longListener } from './schema-listener.ts'
import { respond, route as routeSchema } from './schema-route.ts'
import { unknownUpstream } from './upstream-names.ts'

const rootKeys = Object.keys(configSchema.shape)
const routeKeys = Object.keys(routeSchema.shape)

/** @param directory where relative paths begin */
export function crossCheck(input: unknown, directory: string): Finding[] {
  const root = asDictionary(input)
  if (root === null) return []
  const upstreams = asDictionary(root.upstreams)
  const routes = Array.isArray(root.routes) ? (root.routes as readonly unknown[]) : []
  // null: the names cannot be known, and no route is blamed for it.
  const names =
    upstreams === null ? (meansKey(root, rootKeys, 'upstreams') ? null : []) : Object.keys(upstreams)
  return [
    ...duplicateListeners(root.listen, directory),
    ...takenForMetrics(root),
    ...Object.entries(upstreams ?? {}).flatMap(([name, upstream]) => [
      ...duplicateEndpoints(name, upstream),
      ...pipelinedClients(name, upstream),
      ...unusedTls(name, upstream),
      ...weightless(name, upstream),
      ...crossedBounds(name, upstream),
      ...hedgedSessions(name, upstream),
      ...crossedTimes(name, upstream),
    ]),
    ...routes.flatMap((route, index) => routeTarget(route, index, names)),
    ...unreachableRoute(routes),
    ...somewhereToGo(root, names),
  ]
}

function duplicateListeners(listen: unknown, directory: string): Finding[] {
  const forms: readonly unknown[] = Array.isArray(listen) ? listen : [listen]
  const entries = forms.map((form, index) => {
    const parsed = listener.safeParse(longListener(form))
    if (parsed.success && parsed.data.unix !== undefined) {
      return { path: ['listen', index], identity: `unix ${resolve(directory, parsed.data.unix)}` }
    }
    // Any number of listeners may ask for any free port.
    const known = parsed.success && parsed.data.port !== 0
    const address = known ? `${parsed.data.host.toLowerCase()} port ${parsed.data.port}` : null
    return { path: ['listen', index], identity: address }
  })
  return repeated(entries, 'each listener once')
}

/** At another address as well: most listeners have all of them. */
function takenForMetrics({ listen = 8080, metrics }: Dictionary): Finding[] {
  const settings = asDictionary(metrics)
  const port = settings === null ? metrics : settings.port
  // 0 is any free one.
  if (typeof port !== 'number' || port === 0) return []
  const forms: readonly unknown[] = Array.isArray(listen) ? listen : [listen]
  const taken = forms.some((form) => {
    const parsed = listener.safeParse(longListener(form))
    return parsed.success && parsed.data.unix === undefined && parsed.data.port === port
  })
  if (!taken) return []
  return [
    {
      path: settings === null ? ['metrics'] : ['metrics', 'port'],
      expected: 'a port that no listener has',
      found: String(port),
      hint: 'clients connect to that one; 9464 is usual for metrics',
    },
  ]
}

function duplicateEndpoints(name: string, upstream: unknown): Finding[] {
  const inner = asDictionary(upstream)
  const list = Array.isArray(upstream) ? upstream : inner?.endpoints
  if (!Array.isArray(list)) return []
  const base: Path = inner === null ? ['upstreams', name] : ['upstreams', name, 'endpoints']
  const entries = (list as readonly unknown[]).map((endpoint, index) => {
    const long = asDictionary(endpoint)
    const url = long === null ? endpoint : long.url
    const read = typeof url === 'string' ? readEndpointUrl(url) : null
    const path = long === null ? [...base, index] : [...base, index, 'url']
    return { path, identity: read?.fault === null ? read.origin : null }
  })
  return repeated(entries, 'each endpoint once; give it a higher weight for more traffic')
}

/** A PROXY header names one client, and requests in flight on one connection come from several. */
function pipelinedClients(name: string, upstream: unknown): Finding[] {
  const settings = asDictionary(upstream)
  if (settings?.proxyProtocol === undefined || typeof settings.pipelining !== 'number') return []
  if (settings.pipelining <= 1) return []
  return [
    {
      path: ['upstreams', name, 'pipelining'],
      expected: '1 with proxyProtocol: a connection serves one request',
      found: String(settings.pipelining),
      hint: 'leave out "pipelining"; raise "connections" for more requests at once',
    },
  ]
}

/** Whoever writes it wants connections that are encrypted. */
function unusedTls(name: string, upstream: unknown): Finding[] {
  const settings = asDictionary(upstream)
  if (settings?.tls === undefined || !Array.isArray(settings.endpoints)) return []
  const urls = (settings.endpoints as readonly unknown[]).map(
    (endpoint) => asDictionary(endpoint)?.url ?? endpoint,
  )
  // What cannot be read may be meant for https.
  if (urls.length === 0 || !urls.every((url) => typeof url === 'string' && isPlain(readEndpointUrl(url))))
    return []
  return [
    {
      path: ['upstreams', name, 'tls'],
      expected: 'tls beside an endpoint with https',
      found: 'none with https among the endpoints',
      hint: 'begin their URLs with "https://", or leave out "tls": connections are not encrypted',
    },
  ]
}

function isPlain(url: EndpointUrl): boolean {
  return url.fault === null && !url.origin.startsWith('https:')
}

/** Only where both are written: a default gives way to what is. */
function crossedBounds(name: string, upstream: unknown): Finding[] {
  const bounds = asDictionary(asDictionary(upstream)?.concurrency)
  if (typeof bounds?.min !== 'number' || typeof bounds.max !== 'number' || bounds.min <= bounds.max) return []
  return [
    {
      path: ['upstreams', name, 'concurrency', 'min'],
      expected: `at most ${bounds.max}, which is the "max" beside it`,
      found: String(bounds.min),
      hint: null,
    },
  ]
}

/** As above. */
function crossedTimes(name: string, upstream: unknown): Finding[] {
  const bounds = asDictionary(asDictionary(upstream)?.hedging)
  if (typeof bounds?.min !== 'string' || typeof bounds.max !== 'string') return []
  const minMs = parseDuration(bounds.min)
  const maxMs = parseDuration(bounds.max)
  if (minMs === null || maxMs === null || maxMs === 0 || minMs <= maxMs) return []
  return [
    {
      path: ['upstreams', name, 'hedging', 'min'],
      expected: `at most ${show(bounds.max)}, which is the "max" beside it`,
      found: show(bounds.min),
      hint: null,
    },
  ]
}

/** Another endpoint does not know the session, and may say so first. */
function hedgedSessions(name: string, upstream: unknown): Finding[] {
  const settings = asDictionary(upstream)
  const balance = asDictionary(settings?.balance)?.policy ?? settings?.balance
  if (balance !== 'sticky' || asDictionary(settings?.hedging) === null) return []
  return [
    {
      path: ['upstreams', name, 'hedging'],
      expected: 'no hedging with "sticky": a session is at one endpoint',
      found: show(settings?.hedging),
      hint: 'leave out "hedging", or balance by "hash", which sends a key to another endpoint where it must',
    },
  ]
}

/** Draining all is an operation; weights that are all 0 are a mistake. */
function weightless(name: string, upstream: unknown): Finding[] {
  const inner = asDictionary(upstream)
  const list = inner === null ? upstream : inner.endpoints
  if (!Array.isArray(list) || list.length === 0) return []
  if (!list.every((endpoint) => asDictionary(endpoint)?.weight === 0)) return []
  return [
    {
      path: inner === null ? ['upstreams', name] : ['upstreams', name, 'endpoints'],
      expected: 'an endpoint whose weight is 1 or more',
      found: list.length === 1 ? 'weight 0' : `weight 0 for all ${list.length}`,
      hint: 'nobody would be sent anywhere; to take a whole upstream out of service, give its endpoints "drain": true',
    },
  ]
}

/** Whoever has the identity of an earlier entry. null is nobody's. */
function repeated(entries: readonly { path: Path; identity: string | null }[], expected: string): Finding[] {
  const firsts = new Map<string, Path>()
  const findings: Finding[] = []
  for (const { path, identity } of entries) {
    if (identity === null) continue
    const first = firsts.get(identity)
    if (first === undefined) firsts.set(identity, path)
    else findings.push({ path, expected, found: `${identity} again, as in ${formatPath(first)}`, hint: null })
  }
  return findings
}

function routeTarget(input: unknown, index: number, names: readonly string[] | null): Finding[] {
  const route = asDictionary(input)
  if (route === null) return []
  const path: Path = ['routes', index]
  const hasUpstream = Object.hasOwn(route, 'upstream')
  const hasRespond = Object.hasOwn(route, 'respond')
  const findings: Finding[] = []
  if (hasUpstream && hasRespond) {
    findings.push({
      path,
      expected: 'exactly one of upstream and respond',
      found: 'both',
      hint: 'remove one of them',
    })
  }
  if (!meansKey(route, routeKeys, 'upstream') && !meansKey(route, routeKeys, 'respond')) {
    const hint = 'name the upstream that serves the route, or give a fixed answer such as {"status":404}'
    findings.push({ path, expected: 'exactly one of upstream and respond', found: 'neither', hint })
  }
  const { upstream } = route
  if (typeof upstream === 'string' && names !== null && !names.includes(upstream)) {
    findings.push(unknownUpstream([...path, 'upstream'], upstream, names))
  }
  return [...findings, ...answer(asDictionary(route.respond), [...path, 'respond'])]
}

/** RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5. */
const statusWithoutBody: ReadonlySet<unknown> = new Set([204, 205, 304])

function answer(fixed: Dictionary | null, path: Path): Finding[] {
  if (fixed === null) return []
  const findings: Finding[] = []
  const { status, body } = fixed
  if (statusWithoutBody.has(status) && typeof body === 'string' && body !== '') {
    const expected = `no body, since an answer with status ${status} has none`
    findings.push({
      path: [...path, 'body'],
      expected,
      found: show(body),
      hint: 'remove the body or change the status',
    })
  }
  const headers = respond.shape.headers.safeParse(fixed.headers)
  const entries = Object.keys(headers.success ? headers.data : {}).map((name) => {
    return { path: [...path, 'headers', name], identity: name.toLowerCase() }
  })
  return [...findings, ...repeated(entries, 'each header once, whatever its case')]
}

/**
 * The first route that can never match since an earlier one takes all its requests: one with neither host nor path,
 * or one with the same. One finding only: moving the route that is in the way mends what follows as well.
 */
function unreachableRoute(routes: readonly unknown[]): Finding[] {
  const earlier = new Map<string, number>()
  for (const [index, input] of routes.entries()) {
    const route = asDictionary(input)
    if (route === null) continue
    const catchAll = earlier.get(everyRequest)
    if (catchAll !== undefined) {
      const found = `routes[${catchAll}], with neither host nor path, takes every request before it`
      const hint = `move routes[${catchAll}] to the end`
      return [{ path: ['routes', index], expected: 'a route that can match', found, hint }]
    }
    const own = matcher(route)
    // A misspelled "path" makes a route look as if it matched everything.
    if (own === null) continue
    const same = earlier.get(own)
    if (same !== undefined) {
      const found = `routes[${same}], with the same host and path, takes its requests`
      return [
        { path: ['routes', index], expected: 'a route that can match', found, hint: 'remove one of the two' },
      ]
    }
    earlier.set(own, index)
  }
  return []
}

const everyRequest = JSON.stringify([null, null])

/** What a route matches, comparable; null if that cannot be said. */
function matcher(route: Dictionary): string | null {
  const { host = null, path = null } = route
  const known = Object.keys(route).every((key) => routeKeys.includes(key))
  if (!known || !isTextOrNull(host) || !isTextOrNull(path)) return null
  // As requests are compared with it: two spellings are one path.
  const cleaned = path?.startsWith('/') ? (cleanPath(path) ?? path) : path
  return JSON.stringify([host?.toLowerCase() ?? null, cleaned])
}

function isTextOrNull(value: unknown): value is string | null {
  return typeof value === 'string' || value === null
}

function somewhereToGo(root: Dictionary, names: readonly string[] | null): Finding[] {
  const { routes } = root
  const routed = Array.isArray(routes) ? routes.length > 0 : meansKey(root, rootKeys, 'routes')
  if (routed || names === null) return []
  if (names.length === 0) {
    const hint = 'for example "upstreams": {"app": ["http://127.0.0.1:9001"]}'
    return [
      {
        path: ['upstreams'],
        expected: 'at least one upstream, or routes',
        found: show(root.upstreams),
        hint,
      },
    ]
  }
  if (names.length === 1) return []
  const expected = 'routes, since there are several upstreams'
  const hint = `for example [{"host":"a.example.com","upstream":${show(names[0])}},{"upstream":${show(names[1])}}]`
  return [{ path: ['routes'], expected, found: show(routes), hint }]
}

/** Whether the object has this key, or another in which it can be recognised. */
function meansKey(object: Dictionary, known: readonly string[], key: string): boolean {
  if (Object.hasOwn(object, key)) return true
  const absent = known.filter((name) => !Object.hasOwn(object, name))
  return Object.keys(object).some((other) => !known.includes(other) && nearest(other, absent) === key)
}
