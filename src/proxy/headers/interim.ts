/**
 * Interim responses (1xx), which a proxy passes on (RFC 9110, section 15.2; RFC 8297 for 103). The binding has no call for
 * one, but writes what stands in a status line as it is, so they travel in front of the final response's status,
 * all at once: right by the RFC, though too late to save a browser time (native-notes/06-head-needs-a-byte.md).
 *
 *     HTTP/1.1 │ 103 Early Hints CR LF Link: </a> CR LF CR LF HTTP/1.1 │ 200 OK
 *     (binding)   what is kept here                                      (the final status)
 */
import { statusLine } from '../status-line.ts'
import { disguisedContinue } from './disguise-continue.ts'
import { ResponseBlock } from './response-block.ts'

/** Bytes that the interim responses to one request may have together. What comes above that is dropped. */
export const interimBytesMax = 4_096

const block = new ResponseBlock()

/**
 * @param before what the earlier ones came to; '' for none
 * @param raw names and values alternately, as undici's parser cut them
 * @returns `before` with this one added to it, as a byte string. `100 Continue` is between Weir and the endpoint only: the
 * client has had its own from the binding.
 */
export function withInterim(before: string, status: number, raw: readonly Buffer[]): string {
  if (status === disguisedContinue) return before
  block.read(raw)
  const lines = block.name === '' ? '' : `${block.name}: ${block.rest}\r\n`
  const all = `${before}${statusLine(status)}\r\n${lines}\r\nHTTP/1.1 `
  return all.length > interimBytesMax ? before : all
}
