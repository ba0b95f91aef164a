/**
 * Names of request header fields that come with nearly every request, or that Weir writes itself. The binding makes new text of each name each
 * time, and to look at its characters takes three times as long as to find it in here. What is not in here is judged character by character.
 */

export interface FieldName {
  /** Its own, from 0. */
  readonly index: number
  /** In lower case. */
  readonly text: string
  /** Whoever has sent the field, it is passed on as it stands: its name is a token and not hop-by-hop. If not, it is a claim (forwarding.ts). */
  readonly passes: boolean
  /** The end of the line in front, the name and what stands before a value. */
  readonly begin: string
}

/** Of the fetch standard, RFC 9110, client hints, and W3C's trace context. */
const passedOn = `accept accept-charset accept-encoding accept-language access-control-request-headers access-control-request-method authorization
baggage cache-control content-encoding content-language content-type cookie date dnt from if-match if-modified-since if-none-match if-range
if-unmodified-since origin pragma priority range referer save-data sec-ch-ua sec-ch-ua-arch sec-ch-ua-bitness sec-ch-ua-full-version-list
sec-ch-ua-mobile sec-ch-ua-model sec-ch-ua-platform sec-ch-ua-platform-version sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user sec-gpc
sec-purpose traceparent tracestate upgrade-insecure-requests user-agent via x-api-key x-csrf-token x-requested-with`
/** Weir writes most of them itself. */
const claims = 'forwarded x-forwarded-for x-forwarded-host x-forwarded-proto x-request-id'

/** A power of two. */
const slots = 256
const shortest = 3

/** Of no two names in here the same, which a test sees to. */
function slotOf(name: string): number {
  return (6 * name.length + name.charCodeAt(0) + 40 * name.charCodeAt(name.length - shortest)) & (slots - 1)
}

export const fieldNames: readonly FieldName[] = [
  ...passedOn.split(/\s/).map((text) => ({ text, passes: true })),
  ...claims.split(' ').map((text) => ({ text, passes: false })),
].map(({ text, passes }, index) => ({
  index,
  text: inOnePiece(text),
  passes,
  begin: inOnePiece(`\r\n${text}: `),
}))

/** What `split` and templates make is a part of other text, or a tree: to compare and to write it, V8 would walk it each time. */
function inOnePiece(text: string): string {
  return Buffer.from(text, 'latin1').latin1Slice()
}

const bySlot: (FieldName | null)[] = Array.from({ length: slots }, () => null)
for (const name of fieldNames) bySlot[slotOf(name.text)] = name

/** @returns null: it is none of these */
export function fieldName(name: string): FieldName | null {
  if (name.length < shortest) return null
  const found = bySlot[slotOf(name)] as FieldName | null
  return found !== null && found.text === name ? found : null
}
