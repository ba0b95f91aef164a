/**
 * What Weir needs of undici's parser and that has no public name. The version is exact in package.json;
 * test/unit/proxy/undici-parser.test.ts fails where an update moves them.
 */
import { Buffer } from 'node:buffer'
import { kParser } from '../native/undici.ts'

export interface Parser {
  /** Names and values, alternately, of a head or of trailers that are not whole yet: pieces of what was read. */
  readonly headers: Buffer[]
  timeoutType: number | null
  /** Of the head at hand: its Content-Length, with which the body is compared; '' for none. */
  contentLength: string
  /** Of the head at hand: the connection is used again. */
  shouldKeepAlive: boolean
  /** @param kind what the timer is for: `keepAliveKind`, or one of those that are off */
  setTimeout(ms: number, kind: number): void
}

/** client-h1.js: the timer of a connection without requests. */
export const keepAliveKind = 8

/** null: undici has not made the socket its own, or is through with it. */
export function parserOf(socket: object): Parser | null {
  return (Reflect.get(socket, kParser) as Parser | null | undefined) ?? null
}

/** What was read will be overwritten: what the parser has of a head or of trailers becomes a copy. */
export function keepFields(socket: object): void {
  const headers = parserOf(socket)?.headers
  if (headers === undefined) return
  for (let index = 0; index < headers.length; index++) headers[index] = Buffer.from(headers[index] as Buffer)
}

/**
 * Called from inside `onHeaders`, since undici takes two things otherwise than the RFCs: the length that a 304 may announce
 * is not that of its own body (RFC 9110, section 8.6), and HTTP/1.0 has no Transfer-Encoding, so that the connection is
 * not to be trusted behind it (RFC 9112, section 6.1).
 */
export function readAsMeant(socket: object, status: number, oldAndChunked: boolean): void {
  const parser = parserOf(socket)
  if (parser === null) return
  if (status === 304) parser.contentLength = ''
  if (oldAndChunked) parser.shouldKeepAlive = false
}
