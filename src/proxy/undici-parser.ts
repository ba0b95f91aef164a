/**
 * The two things that Weir needs of undici's parser and that have no public name. The version is exact in package.json;
 * test/unit/proxy/undici-parser.test.ts fails where an update moves them.
 */
import { Buffer } from 'node:buffer'
import { kParser } from '../native/undici.ts'

export interface Parser {
  /** Names and values, alternately, of a head or of trailers that are not whole yet: pieces of what was read. */
  readonly headers: Buffer[]
  timeoutType: number | null
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
