/** Where a route sends requests: one upstream, or several by weight. */
import { z } from 'zod'
import { asDictionary, type Dictionary } from './dictionary.ts'
import { limits } from './limits.ts'
import { fraction, integer, list, section } from './nodes.ts'
import { type Finding, type Path, show } from './problem.ts'
import { unknownUpstream } from './upstream-names.ts'

/** Also the key of `upstreams`. No slash: it separates the name from the origin in an endpoint's id. */
export const upstreamName = z
  .string({ error: 'the name of an upstream: 1 to 64 letters, digits, ".", "_" or "-"' })
  .regex(/^[A-Za-z0-9._-]{1,64}$/)
  .describe('The name of an upstream: 1 to 64 letters, digits, ".", "_" or "-".')

const part = section({
  upstream: upstreamName,
  weight: integer(limits.splitWeight).describe(
    'Share of the requests relative to the others of the list, 0 to 1000000. Has no default; 0: only what "upstreamHeader" sends there.',
  ),
}).describe('An upstream and its share.')

export const routeUpstream = z
  .union(
    [
      upstreamName,
      list(part, 'upstreams with their weights', limits.splitParts).describe(
        'Several upstreams, 2 to 100, each once, by weight.',
      ),
    ],
    {
      error:
        'the name of an upstream, or an array such as [{"upstream":"app","weight":95},{"upstream":"canary","weight":5}]',
    },
  )
  .describe(
    'Where matching requests go: a name from "upstreams", or, for a canary, a list of them with weights, of which each request ' +
      'gets one at random. Either this or "respond".',
  )

export const mirror = section({
  upstream: upstreamName.describe(
    'Where copies go: another upstream than the one that answers. A copy counts there like any request, and is dropped if it would have to wait.',
  ),
  share: fraction()
    .default(1)
    .describe('Share of the requests that is copied, 0 to 1. Default 1: all of them.'),
}).describe(
  'Requests without a body are copied to another upstream, whose answers are dropped, to try out a new version. Clients ' +
    'notice nothing, whatever becomes of a copy; the servers do: a copied DELETE deletes.',
)

/** What the lists of routes must be together with everything else. */
export function splitFindings(input: unknown): Finding[] {
  const root = asDictionary(input)
  if (root === null || !Array.isArray(root.routes)) return []
  const upstreams = asDictionary(root.upstreams)
  const names = upstreams === null ? null : Object.keys(upstreams)
  return (root.routes as readonly unknown[]).flatMap((route, index) => {
    const own = asDictionary(route)
    if (own === null) return []
    const path: Path = ['routes', index]
    return [...ofRoute(own, path, names), ...ofMirror(own, [...path, 'mirror'], names)]
  })
}

function ofRoute(route: Dictionary, path: Path, names: readonly string[] | null): Finding[] {
  const { upstream, upstreamHeader } = route
  if (!Array.isArray(upstream)) {
    if (upstreamHeader === undefined || upstream === undefined) return []
    return [
      {
        path: [...path, 'upstreamHeader'],
        expected: 'upstreamHeader beside a list of upstreams only',
        found: show(upstreamHeader),
        hint: 'it chooses among those in the list',
      },
    ]
  }
  const findings: Finding[] = []
  const seen = new Set<string>()
  let total = 0
  for (const [index, entry] of (upstream as readonly unknown[]).entries()) {
    const { upstream: name, weight } = asDictionary(entry) ?? {}
    const at = [...path, 'upstream', index, 'upstream']
    total += typeof weight === 'number' ? weight : 1
    if (typeof name !== 'string') continue
    if (names !== null && !names.includes(name)) {
      findings.push(unknownUpstream(at, name, names))
    } else if (seen.has(name)) {
      findings.push({ path: at, expected: 'each upstream once', found: `${show(name)} again`, hint: null })
    }
    seen.add(name)
  }
  if (upstream.length > 1 && total === 0) {
    const hint = 'nobody would be sent anywhere'
    findings.push({
      path: [...path, 'upstream'],
      expected: 'a weight that is 1 or more',
      found: 'weight 0 for all',
      hint,
    })
  }
  return findings
}

function ofMirror(route: Dictionary, path: Path, names: readonly string[] | null): Finding[] {
  const { upstream, mirror } = route
  const name = asDictionary(mirror)?.upstream
  if (upstream === undefined && mirror !== undefined) {
    return [{ path, expected: 'mirror beside upstream only', found: show(mirror), hint: null }]
  }
  if (typeof name !== 'string') return []
  const at = [...path, 'upstream']
  if (names !== null && !names.includes(name)) return [unknownUpstream(at, name, names)]
  const own: readonly unknown[] = Array.isArray(upstream) ? upstream : [{ upstream }]
  if (!own.some((part) => asDictionary(part)?.upstream === name)) return []
  const expected = 'another upstream than the one that answers'
  return [{ path: at, expected, found: show(name), hint: 'copies would take its places' }]
}
