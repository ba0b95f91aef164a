/**
 * From host and path to a route. The first route that matches wins, so the table is walked in order; a route is two
 * comparisons. It is immutable: a reload makes a new one.
 */
import { domainToASCII } from 'node:url'
import { cleanPath } from '../plan/clean-path.ts'
import type { RoutePlan } from '../plan/route-plan.ts'
import type { RandomSource } from './balance/policy.ts'
import type { Guard } from './clients/guard.ts'
import { Mirror } from './mirror.ts'
import { type PriorityOf, priorityOf } from './overload/priority.ts'
import { FixedReply, type Reply } from './reply.ts'
import { Split } from './split.ts'
import type { Upstream } from './upstream.ts'

/** Where a request goes: exactly one of upstream and reply is set. */
export interface Route {
  readonly upstream: Upstream | null
  /** It is to be asked for the upstream of each request; null: that is always the same. */
  readonly split: Split | null
  readonly reply: Reply | null
  /** The cleaned path is forwarded, not the one received. */
  readonly cleaned: boolean
  /** For the whole of an exchange; 0: none. */
  readonly timeoutMs: number
  /** Absent or null: every request is of normal priority. */
  readonly priorityOf?: PriorityOf | null
  /** null: anybody may come, as often as he likes. */
  readonly guard: Pick<Guard, 'refuses'> | null
  /** null: nothing is copied anywhere. */
  readonly mirror: Mirror | null
}

/** Where a request of a route that leads to an upstream goes. @param headers names in lower case and values, alternately */
export function upstreamOf({ upstream, split }: Route, headers: readonly string[]): Upstream {
  return split === null ? (upstream as Upstream) : split.choose(headers)
}

interface Entry {
  /** '' for any. */
  readonly host: string
  /** `.example.com` for `*.example.com`, '' for none. */
  readonly hostSuffix: string
  /** '' for any. */
  readonly path: string
  /** `/api/` for `/api/*`, '' for none. */
  readonly pathPrefix: string
  readonly route: Route
}

export class Router {
  readonly #entries: readonly Entry[]
  /** Some route looks at the host; otherwise it need not be read before routing. */
  readonly byHost: boolean

  /** @param guards of the routes, in order; absent: none has one */
  constructor(
    routes: readonly RoutePlan[],
    upstreams: ReadonlyMap<string, Upstream>,
    guards: readonly (Guard | null)[] = [],
    random: RandomSource = Math.random,
  ) {
    this.#entries = routes.map((plan, index) => compile(plan, upstreams, guards[index] ?? null, random))
    this.byHost = routes.some((plan) => plan.host !== null)
  }

  /**
   * @param host the Host header as received, '' if no route needs it
   * @param path the target without its query, cleaned (plan/clean-path.ts)
   */
  match(host: string, path: string): Route | null {
    const name = this.byHost ? hostName(host) : ''
    for (const entry of this.#entries) {
      if (entry.host !== '' && entry.host !== name) continue
      if (
        entry.hostSuffix !== '' &&
        !(name.endsWith(entry.hostSuffix) && name.length > entry.hostSuffix.length)
      )
        continue
      if (entry.path !== '' && entry.path !== path) continue
      if (entry.pathPrefix !== '' && !isBelow(path, entry.pathPrefix)) continue
      return entry.route
    }
    return null
  }
}

/** The binding compares each request with all of them. */
const fixedPathsMax = 16
/** What a pattern of the binding's router means as it stands: `*` and `:` mean more to it. */
const plainPath = /^(?:\/[\w.~-]+)+$/

/**
 * Paths that routes with a fixed answer name, for the binding's router to know. Which route a request takes is `match`'s to say all
 * the same.
 */
export function fixedPaths(routes: readonly RoutePlan[]): readonly string[] {
  const paths = new Set<string>()
  for (const { path, target } of routes) {
    if (target.kind === 'respond' && path !== null && plainPath.test(path)) paths.add(path)
  }
  return [...paths].slice(0, fixedPathsMax)
}

/** `/api/*` takes `/api/`, what is below it, and `/api` itself. */
function isBelow(path: string, prefix: string): boolean {
  return path.startsWith(prefix) || (path.length === prefix.length - 1 && prefix.startsWith(path))
}

/** The Host that came last, and its name: it comes again and again. */
let lastHost = ''
let lastName = ''

/**
 * Lower case, without port and without the dot of a fully qualified name, percent-escapes undone: `%61dmin.example` does not walk past a
 * route for `admin.example`. An IPv6 address keeps its brackets.
 */
export function hostName(host: string): string {
  if (host === lastHost) return lastName
  const end = host.charCodeAt(0) === 0x5b ? host.indexOf(']') + 1 : host.indexOf(':')
  let name = end > 0 ? host.slice(0, end) : host
  if (name.includes('%')) name = unescaped(name)
  if (name.endsWith('.')) name = name.slice(0, -1)
  lastHost = host
  lastName = name.toLowerCase()
  return lastName
}

/** As WHATWG URL reads the name, in which escapes may be UTF-8 of an international one; byte by byte where it is none to that. */
function unescaped(name: string): string {
  const ascii = domainToASCII(name)
  if (ascii !== '') return ascii
  return name.replace(/%([0-9a-f]{2})/gi, (_escape, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

function compile(
  plan: RoutePlan,
  upstreams: ReadonlyMap<string, Upstream>,
  guard: Guard | null,
  random: RandomSource,
): Entry {
  const { host, target, timeoutMs } = plan
  // In the spelling that requests are compared in. One that climbs above the root, which no configuration has, matches nothing.
  const path = plan.path === null ? null : (cleanPath(plan.path) ?? plan.path)
  const cleaned = plan.forwardPath === 'cleaned'
  const wildcard = host?.startsWith('*.') ?? false
  const prefix = path?.endsWith('/*') ?? false
  const copies =
    plan.mirror === undefined
      ? null
      : new Mirror(upstreams.get(plan.mirror.upstream) as Upstream, plan.mirror.share, random)
  const common = { cleaned, timeoutMs, guard, mirror: copies }
  return {
    host: wildcard ? '' : (host ?? ''),
    hostSuffix: wildcard ? (host as string).slice(1) : '',
    path: prefix ? '' : (path ?? ''),
    pathPrefix: prefix ? (path as string).slice(0, -1) : '',
    route:
      target.kind === 'respond'
        ? { ...common, upstream: null, split: null, reply: new FixedReply(target.respond) }
        : {
            ...common,
            upstream: upstreams.get(target.upstream) as Upstream,
            split: target.split === undefined ? null : new Split(target.split, upstreams, random),
            reply: null,
            priorityOf: priorityOf(plan.priority),
          },
  }
}
