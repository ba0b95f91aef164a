/**
 * Status lines, made once. The reason phrase is Weir's, not the endpoint's: the binding would write whatever it is
 * given, and RFC 9112, section 4 lets a recipient ignore it.
 */
import { STATUS_CODES } from 'node:http'

const lines: readonly string[] = Array.from(
  { length: 1000 },
  (_, code) => `${code} ${STATUS_CODES[code] ?? 'Unknown'}`,
)

/** `200 OK`, for 100 to 999. */
export function statusLine(status: number): string {
  return lines[status] as string
}

/** No body, whatever the headers say (RFC 9112, section 6.3, rule 1). */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 304
}
