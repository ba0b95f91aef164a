/**
 * The path that routes are matched on: one spelling for every path that an origin could take for the same (RFC 3986,
 * section 6.2.2). Without it `/public/../admin`, `//admin`, `/%61dmin` and `/a%2fdmin` walk past a route that guards
 * `/admin`. What is forwarded is the target as the client sent it, unless the route asks for the clean one.
 *
 * Servers do not agree on one spelling. Empty segments are merged before dot segments are resolved, as in nginx (WHATWG URL makes `/a/b` of
 * `/a//../b`), and `;` has no meaning (to some servers `/..;/` is a dot segment). An escaped backslash is a slash to few servers (IIS, and Envoy
 * where it is asked for it). Where nothing climbs, to take it for one only makes a path longer. With `..` the two readings may lead anywhere,
 * `/public/a%5cb/../../admin` to `/public/admin` and to `/admin`, so that neither may be gone by.
 *
 *     /a/./b/../c   dot segments resolved            /a/c
 *     /a//b         empty segments merged            /a/b
 *     /%2e%2E/a     an escaped dot is a dot          above the root: null
 *     /a%2fb        an escaped slash is a slash      /a/b
 *     /a\b          so is a backslash (WHATWG URL)   /a/b
 *     /a%5cb        and an escaped one               /a/b; with a dot segment `..` anywhere: null
 *     /%7eme/%c3    unreserved characters unescaped, other escapes in upper case   /~me/%C3
 */

const slash = 0x2f
const dot = 0x2e
const percent = 0x25
const nine = 0x39
const backslash = 0x5c

/** Whether the path is as `cleanPath` would leave it: nearly every path is, and costs one look at each character. */
function isClean(path: string): boolean {
  let previous = 0
  for (let index = 0; index < path.length; index++) {
    const code = path.charCodeAt(index)
    // Two comparisons for a letter or a digit, which nearly every character is.
    if (code > nine) {
      if (code === backslash) return false
    } else if (code <= slash) {
      if (code === percent) return false
      // A segment that begins with a dot may be a dot segment, or a name such as `.well-known`: the slow way finds out.
      if (previous === slash && (code === slash || code === dot)) return false
    }
    previous = code
  }
  return true
}

/** A clean path that came last: it comes again and again, and comparing takes a fraction of looking at each character. */
let lastClean = '/'

/**
 * @param path begins with `/`; without the query
 * @returns null if it climbs above the root, or may be read in two ways that lead apart
 */
export function cleanPath(path: string): string | null {
  if (path === lastClean) return path
  if (!isClean(path)) return cleaned(withoutNeedlessEscapes(path))
  lastClean = path
  return path
}

function cleaned(path: string): string | null {
  const readable = path.replaceAll('%5C', '/')
  return resolve(readable, readable === path)
}

/** @param mayClimb it may have `..`. @returns null if it climbs above the root, or at all where it may not */
function resolve(path: string, mayClimb: boolean): string | null {
  const kept: string[] = []
  const segments = (path.includes('\\') ? path.replaceAll('\\', '/') : path).split('/')
  const last = segments.length - 1
  for (let index = 1; index <= last; index++) {
    const segment = segments[index] as string
    const names = segment !== '' && segment !== '.' && segment !== '..'
    if (names) kept.push(segment)
    else if (segment === '..' && (!mayClimb || kept.pop() === undefined)) return null
    // A path that ends in a slash or a dot segment names a folder, and goes on doing so.
    if (!names && index === last && kept.length > 0) return `/${kept.join('/')}/`
  }
  return `/${kept.join('/')}`
}

const unreserved = /[A-Za-z0-9._~/-]/

/**
 * A percent sign that begins no escape is escaped itself: `%a%41` would otherwise become `%aA`, which is another escape.
 */
function withoutNeedlessEscapes(path: string): string {
  return path.replace(/%([0-9a-fA-F]{2})?/g, (escaped, hex: string | undefined) => {
    if (hex === undefined) return '%25'
    const character = String.fromCharCode(Number.parseInt(hex, 16))
    return unreserved.test(character) ? character : escaped.toUpperCase()
  })
}
