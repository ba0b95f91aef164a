/**
 * Interim responses (1xx), which a proxy passes on (RFC 9110, section 15.2; RFC 8297 for 103). The binding has no call for
 * them, but writes what stands in a status line, or in a field's name or value, as it is (native-notes/06-head-needs-a-byte.md).
 *
 *   with the head     where the head has come in the same read: all in front of its status, in one packet
 *
 *     HTTP/1.1 │ 103 Early Hints CR LF Link: </a> CR LF CR LF HTTP/1.1 │ 200 OK
 *     (binding)   what is kept here                                      (the final status)
 *
 *   ahead of it       where it has not: the first ones are "the status line", which can be written once only. Everything that
 *                     comes later, further ones or the head, has its own status line inside a field's name.
 */
import type { HttpResponse } from '../../native/uws.ts'
import { statusLine } from '../status-line.ts'
import { toWritable } from './bytes.ts'
import { disguisedContinue } from './disguise-continue.ts'
import { ResponseBlock } from './response-block.ts'

/** Bytes that the interim responses to one request may have together. What comes above that is dropped. */
export const interimBytesMax = 4_096

const version = 'HTTP/1.1 '
/** The binding writes the colon of a field: where there is none, this one, which any proxy may add (RFC 9110, section 7.6.3). */
const via = '1.1 weir'
const block = new ResponseBlock()

/**
 * @param before what the earlier ones came to; '' for none
 * @param raw names and values alternately, as undici's parser cut them
 * @param sent bytes of those that have left already
 * @returns `before` with this one added to it, as a byte string. `100 Continue` is between Weir and the endpoint only: the
 * client has had its own from the binding.
 */
export function withInterim(before: string, status: number, raw: readonly Buffer[], sent = 0): string {
  if (status === disguisedContinue) return before
  block.read(raw)
  const lines = block.name === '' ? '' : `${block.name}: ${block.rest}\r\n`
  const all = `${before}${statusLine(status)}\r\n${lines}\r\n${version}`
  return sent + all.length > interimBytesMax ? before : all
}

/**
 * Sends them now. Not from inside a callback of the binding's.
 * @param interim as `withInterim` has put it together, not empty
 * @param begun others have been sent before
 */
export function sendInterim(res: HttpResponse, interim: string, begun: boolean): void {
  // What the binding adds ends the last of them.
  const text = interim.slice(0, -version.length - 2)
  res.cork(() => {
    if (begun) writeLines(res, text)
    else res.writeStatus(toWritable(text))
  })
}

/** Writes the status and the fields of an endpoint's final response. How its body is framed is the caller's to say. */
export function writeStatusAndFields(
  res: HttpResponse,
  status: number,
  { name, rest, ascii, written, interim, behindInterim }: ResponseBlock,
): void {
  if (behindInterim) {
    if (name === '') writeStatusBehind(res, interim, status, 'via', via)
    else writeStatusBehind(res, interim, status, name, rest)
    return
  }
  if (interim === '' && written !== null) {
    res.writeStatus(written)
    return
  }
  if (interim !== '') res.writeStatus(toWritable(interim + statusLine(status)))
  else if (status !== 200) res.writeStatus(statusLine(status))
  if (name === '') return
  if (ascii) res.writeHeader(name, rest)
  else res.writeHeader(toWritable(name), toWritable(rest))
}

/**
 * Writes an endpoint's final head: status, fields, and what the binding does not write by itself. That adds Date, and its own framing of the body.
 * @param withLength with the Content-Length that the endpoint has given, if it has
 * @param close with `Connection: close`
 */
export function writeHead(
  res: HttpResponse,
  status: number,
  block: ResponseBlock,
  withLength: boolean,
  close: boolean,
): void {
  writeStatusAndFields(res, status, block)
  if (withLength && block.contentLength >= 0) res.writeHeader('content-length', String(block.contentLength))
  if (close) res.writeHeader('connection', 'close')
}

/**
 * Writes the status of a final response behind interim ones that have been sent, and the field that goes with it.
 * @param interim further ones, or ''
 */
export function writeStatusBehind(
  res: HttpResponse,
  interim: string,
  status: number,
  name: string,
  value: string,
): void {
  res.writeHeader(toWritable(`${version}${interim}${statusLine(status)}\r\n${name}`), toWritable(value))
}

/** @param text begins behind the version, and ends with a line whose end the binding adds */
function writeLines(res: HttpResponse, text: string): void {
  const at = text.indexOf(': ')
  if (at < 0) res.writeHeader(`${version}${text}via`, `${via}\r\n`)
  else res.writeHeader(toWritable(version + text.slice(0, at)), toWritable(text.slice(at + 2)))
}
