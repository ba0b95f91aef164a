/**
 * Text and bytes of header fields. uWebSockets.js hands header values out as UTF-8 text and writes text as UTF-8;
 * undici reads and writes latin1. Between them every value is kept as a byte string: one character per byte.
 */

// Not the global one, which is a getter: it costs 140 instructions each time.
import { Buffer } from 'node:buffer'
import { isIPv6 } from 'node:net'

const shortValue = 24
/** Whatever is not printable ASCII. Tabs are so rare that the loop may judge them: one range less to compare each character with. */
const unusual = /[^\x20-\x7e]/

/**
 * The value of a field as uWebSockets.js gives it -> a byte string, as undici wants it. Looked at once, since undici does not look again
 * (undici-request.ts).
 * @returns null if it has control characters other than the tab (RFC 9110, section 5.5)
 */
export function fieldValue(text: string): string | null {
  // A compiled expression reads faster than this loop, but calling it costs more than reading a short value here.
  if (text.length > shortValue && !unusual.test(text)) return text
  let wide = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code > 0x7e) {
      if (code === 0x7f) return null
      wide = true
    } else if (code < 0x20 && code !== 0x09) return null
  }
  return wide ? Buffer.from(text, 'utf8').latin1Slice() : text
}

/** U+FFFD as a byte string: what bytes that are no UTF-8 have become, or what the client has sent. */
const replacement = Buffer.from('\uFFFD').latin1Slice()

/**
 * Puts the bytes back that were not UTF-8. Of the binding's ways to a field only `getHeader` tells bytes, one character for each, and only of
 * the first field of a name (native-notes/03-request-parser.md).
 * @param fields name and value alternately, as `fieldValue` made them
 * @returns false if one cannot be put back
 */
export function restoreBytes(fields: string[], request: { getHeader(name: string): string }): boolean {
  for (let index = 1; index < fields.length; index += 2) {
    const value = fields[index] as string
    if (!value.includes(replacement)) continue
    const name = fields[index - 1] as string
    const bytes = request.getHeader(name)
    const isFirst = !fields.some((other, at) => at % 2 === 0 && at < index - 1 && other === name)
    if (!isFirst || fieldValue(Buffer.from(bytes, 'latin1').toString()) !== value) return false
    fields[index] = bytes
  }
  return true
}

/**
 * A byte string -> what `writeHeader` and `writeStatus` take: text where it is ASCII, else the bytes, since text would
 * be encoded a second time. The native length of the UTF-8 form differs from the number of characters exactly where one
 * is above 0x7F.
 */
export function toWritable(bytes: string): string | Buffer {
  return Buffer.byteLength(bytes) === bytes.length ? bytes : Buffer.from(bytes, 'latin1')
}

const colon = 0x3a

/** RFC 9110, section 5.6.2: the characters of a method and of a field name are 1 in here, by their code. */
export const tokenCharacters = charset(
  "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
)
/** RFC 3986, section 3.2.2: what a name or an IPv4 address consists of, but for percent-escapes. */
const hostCharacters = charset(
  "-._~!$&'()*+,;=0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
)

function charset(characters: string): Uint8Array {
  const table = new Uint8Array(256)
  for (const character of characters) table[character.charCodeAt(0)] = 1
  return table
}

function consistsOf(text: string, table: Uint8Array): boolean {
  for (let index = 0; index < text.length; index++) {
    // Outside of the table (a character above 0xFF) reads as undefined.
    if (table[text.charCodeAt(index)] !== 1) return false
  }
  return text.length > 0
}

export function isToken(text: string): boolean {
  return consistsOf(text, tokenCharacters)
}

/** What was found well formed last: it comes again and again, and comparing takes a tenth of looking at each character. */
let lastHost = 'localhost'
let lastTarget = '/'

/**
 * A Host: a name, an address in brackets, and a port (RFC 3986, sections 3.2.2 and 3.2.3). Not empty, since no URI of http is (RFC
 * 9110, section 4.2.1).
 */
export function isHost(text: string): boolean {
  if (text === lastHost) return true
  const valid = readsAsHost(text)
  if (valid) lastHost = text
  return valid
}

function readsAsHost(text: string): boolean {
  let end = 0
  while (hostCharacters[text.charCodeAt(end)] === 1) end++
  if (end === text.length) return end > 0
  if (end > 0 && text.charCodeAt(end) === colon) return isDigits(text, end + 1)
  return isRareHost(text)
}

function isDigits(text: string, from: number): boolean {
  for (let index = from; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x30 || code > 0x39) return false
  }
  return true
}

const literal = /^\[(?:([0-9a-f:.]+)|v[0-9a-f]+\.[-.\w~!$&'()*+,;=:]+)\](?::[0-9]*)?$/i
const escapedName = /^(?:[-.\w~!$&'()*+,;=]|%[0-9a-f]{2})+(?::[0-9]*)?$/i

/** With an address in brackets or percent-escapes, or none at all. */
function isRareHost(text: string): boolean {
  const match = literal.exec(text)
  if (match === null) return escapedName.test(text)
  return match[1] === undefined || isIPv6(match[1])
}

/**
 * A request target that may go to an endpoint as it stands: it begins with `/` and has visible ASCII only. `#` never
 * stands in a target (RFC 9112, section 3.2), and what stands behind it would be read differently by different servers.
 */
export function isTarget(target: string): boolean {
  if (target === lastTarget) return true
  if (target.charCodeAt(0) !== 0x2f || !isQuery(target)) return false
  lastTarget = target
  return true
}

/** What may stand behind the `?` of a request target: visible ASCII but for `#`, or nothing. */
export function isQuery(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x21 || code > 0x7e || code === 0x23) return false
  }
  return true
}

/** Of a Content-Length that is small enough to count with. */
export const contentLengthDigitsMax = 15

/** The value of a Content-Length, or -1: digits only (RFC 9110, section 8.6), and small enough to count with. */
export function contentLength(text: string): number {
  if (text.length === 0 || text.length > contentLengthDigitsMax) return -1
  let value = 0
  for (let index = 0; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}
