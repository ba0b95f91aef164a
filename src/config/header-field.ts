/**
 * Header fields that the configuration names: those that it may set, and those of requests that it may look at. What it sets goes out byte
 * for byte: the layer below checks nothing, so one line break in a value would split the response.
 */

/** RFC 9110, section 5.6.2; the names of headers, and of cookies too (RFC 6265, section 4.1.1). */
export const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** What the proxy itself must say about a message and its connection (RFC 9112, section 6; RFC 9110, section 7.6.1). */
const reserved: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-connection',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** What is wrong with the name of one to set, or null. */
export function headerNameFault(name: string): string | null {
  if (!token.test(name)) return "a header's name is letters, digits and !#$%&'*+-.^_`|~"
  if (reserved.has(name.toLowerCase())) return 'Weir sets this header itself: leave it out'
  return null
}

/**
 * What is taken out of a request's head when it is read: what concerns one connection (RFC 9110, section 7.6.1), the message's framing,
 * and an expectation that Weir has met.
 */
const neverSeen: ReadonlySet<string> = new Set([
  'close',
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** What is wrong with the name of one to look at when a request is sent, or null. */
export function seenHeaderFault(name: string): string | null {
  if (!token.test(name)) return "letters, digits and !#$%&'*+-.^_`|~"
  return neverSeen.has(name.toLowerCase())
    ? 'Weir takes this header off when it reads a request, and it would never match'
    : null
}

/** The same for one to look at when a request comes: what says where from is not judged yet, and the host stands elsewhere. */
export function earlyHeaderFault(name: string): string | null {
  const lower = name.toLowerCase()
  if (lower === 'host') return 'hosts are told apart by routes: give each its own, with "host"'
  if (/^(?:forwarded|x[-_]request[-_]id|x[-_]forwarded[-_].+)$/.test(lower)) {
    return 'not looked at when a request comes, as anybody can write it; "address" is the client that "trustedProxies" name'
  }
  return seenHeaderFault(name)
}

/**
 * What is wrong with a value, or null. ASCII only, though RFC 9110 section 5.5 tolerates more: whether a character
 * above becomes one byte or several depends on the writer, and U+010D cut to one byte is a line break.
 */
export function headerValueFault(value: string): string | null {
  return /^[\t\x20-\x7e]*$/.test(value)
    ? null
    : 'printable ASCII, spaces and tabs only: no line break, no accents'
}
