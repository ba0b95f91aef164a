/**
 * What Weir needs of undici's parser and that has no public name. The version is exact in package.json;
 * test/unit/proxy/undici-parser.test.ts fails where an update moves them.
 */
import { Buffer } from 'node:buffer'
import { kParser } from '../native/undici.ts'
import type { ResponseFields } from './headers/response-block.ts'
import { isBodiless } from './status-line.ts'

export interface Parser {
  /** Names and values, alternately, of a head or of trailers that are not whole yet: pieces of what was read. */
  headers: ResponseFields
  /** The value of Keep-Alive in the head at hand. */
  keepAlive: string
  timeoutType: number | null
  /** Of the head at hand: its Content-Length, with which the body is compared; '' for none. */
  contentLength: string
  /** Of the head at hand: the connection is used again. */
  shouldKeepAlive: boolean
  /** @param kind what the timer is for: `keepAliveKind`, or one of those that are off */
  setTimeout(ms: number, kind: number): void

  // What its WebAssembly half calls. -1: the connection is of no use any more.
  onMessageBegin(): number
  /** Hands `headers` on. @returns 0, 1 if no body follows, or -1 */
  onHeadersComplete(status: number, upgrade: boolean, keepAlive: boolean): number
  /** @returns 0, or 21 for a pause, or -1 */
  onBody(bytes: Buffer): number
  /** @returns 0, or anything else if the connection has been ended behind the response */
  onMessageComplete(): number
}

/** client-h1.js: the timer of a connection without requests. */
export const keepAliveKind = 8

/** null: undici has not made the socket its own, or is through with it. */
export function parserOf(socket: object): Parser | null {
  return (Reflect.get(socket, kParser) as Parser | null | undefined) ?? null
}

/** What was read will be overwritten: what the parser has of a head or of trailers becomes a copy. */
export function keepFields(socket: object): void {
  const headers = parserOf(socket)?.headers as Buffer[] | undefined
  if (headers === undefined) return
  for (let index = 0; index < headers.length; index++) headers[index] = Buffer.from(headers[index] as Buffer)
}

/**
 * Called from inside `onHeaders`, since undici takes three things otherwise than the RFCs:
 *   - the length that a 304 may announce is not that of its own body (RFC 9110, section 8.6);
 *   - a 204 has no body (same place; RFC 9112, section 6.1). If it announces one and that comes, it must not be taken for the next answer;
 *   - HTTP/1.0 has no Transfer-Encoding, so that the connection is not to be trusted behind it (RFC 9112, section 6.1).
 * @param chunked it has a Transfer-Encoding, and is a 204 or HTTP/1.0
 */
export function readAsMeant(socket: object, status: number, chunked: boolean): void {
  const parser = parserOf(socket)
  if (parser === null) return
  if (chunked || (status === 204 && Number(parser.contentLength) > 0)) parser.shouldKeepAlive = false
  if (isBodiless(status)) parser.contentLength = ''
}
