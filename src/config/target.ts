import { cleanPath } from '../plan/clean-path.ts'

/**
 * What stands in a request line: ASCII without spaces and control characters (RFC 9112, section 3.2); everything
 * else arrives percent-encoded, so a route or a check that holds it could never match.
 */
const notInTarget = /[^\x21-\x7e]/

/** What is wrong with the path of a route (exact, or a prefix that ends in `/*`), or null. */
export function routePathFault(text: string): string | null {
  if (!text.startsWith('/')) return `write ${JSON.stringify(`/${text.slice(0, 40)}`)}`
  if (notInTarget.test(text)) return 'percent-encode it as clients do: a space is "%20"'
  if (text.includes('?') || text.includes('#')) return 'a route matches the path only: leave out the query'
  const exact = text.endsWith('/*') ? text.slice(0, -1) : text
  if (exact.includes('*')) return 'a "*" stands at the end only, behind a slash, as in "/api/*"'
  if (cleanPath(text) === null)
    return 'it climbs above the root, or has both %5C and ".."; a request for such a path is answered 400'
  return null
}

/** What is wrong with the target of a health check (a path, perhaps with a query), or null. */
export function checkPathFault(text: string): string | null {
  if (!text.startsWith('/')) return `write ${JSON.stringify(`/${text.slice(0, 40)}`)}`
  if (notInTarget.test(text)) return 'percent-encode it: a space is "%20"'
  if (text.includes('#')) return 'no fragment: it is never sent'
  return null
}
