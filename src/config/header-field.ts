/**
 * Header fields that the configuration may set. What passes here goes out byte for byte: the layer below checks
 * nothing, so one line break in a value would split the response.
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

/** What is wrong with a name, or null. */
export function headerNameFault(name: string): string | null {
  if (!token.test(name)) return "a header's name is letters, digits and !#$%&'*+-.^_`|~"
  if (reserved.has(name.toLowerCase())) return 'Weir sets this header itself: leave it out'
  return null
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
