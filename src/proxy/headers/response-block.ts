/**
 * The head of an endpoint's response, turned into what is written to the client: one block of header lines, since one
 * native call for all costs a fraction of a call for each. The binding writes what it is given without a look at it;
 * that the lines are well formed rests on undici's parser, which refuses control characters, folded lines and names
 * that are no tokens (native-notes/04-response-heads.md). What it lets pass is checked here (native-notes/17-responses.md).
 */
import { contentLength } from './bytes.ts'
import { isHopByHop, nominated } from './hop-by-hop.ts'

/**
 * Longer heads are not passed on. The binding gathers 16 KiB in a cork, and what goes beyond that may be lost on 20.51.4
 * (native-notes/01-lost-writes.md): this leaves room for the status line, the lines that it adds, and some body.
 */
export const headBytesMax = 14_000

export class ResponseBlock {
  /** The first header's name, '' if there is no header. */
  name = ''
  /** Its value and all further lines: a byte string that begins behind the first colon and ends before the last CRLF. */
  rest = ''
  /** -1: none given. */
  contentLength = -1
  /** It comes in chunks. */
  chunked = false
  /**
   * The parser has read it, but it could be read in another way too: a length beyond counting, or a Transfer-Encoding that is
   * not `chunked` alone, once (RFC 9112, sections 6.1 and 6.3). Two lengths, or both framings, the parser refuses itself.
   */
  malformed = false

  /**
   * A 204 announces a body, which it cannot have (RFC 9110, section 8.6; RFC 9112, section 6.1). Should one come all the same,
   * it must not be taken for the next response.
   */
  suspect = false

  /** The interim responses before it (headers/interim.ts). */
  interim = ''

  /** Bytes on the wire. */
  get length(): number {
    return this.interim.length + this.name.length + this.rest.length
  }

  /** @param raw names and values alternately, as undici's parser cut them out of the socket's bytes. */
  read(raw: readonly Buffer[], status = 200, interim = ''): void {
    this.interim = ''
    this.#read(raw)
    // They are hints: where the head leaves them no room, the head matters more.
    if (interim !== '' && interim.length + this.length <= headBytesMax) this.interim = interim
    this.suspect = status === 204 && (this.chunked || this.contentLength > 0)
  }

  #read(raw: readonly Buffer[]): void {
    this.name = ''
    this.rest = ''
    this.contentLength = -1
    this.chunked = false
    this.malformed = false
    let dropped = this.#append(raw, null)
    if (dropped === '') return
    // Rare: Connection nominates further headers. Begin again without them.
    const names = nominated(dropped)
    if (names.length === 0) return
    this.name = ''
    this.rest = ''
    this.chunked = false
    dropped = this.#append(raw, names)
  }

  /** @returns the Connection header's value, '' if there is none. */
  #append(raw: readonly Buffer[], without: readonly string[] | null): string {
    let connection = ''
    for (let index = 0; index < raw.length; index += 2) {
      const name = (raw[index] as Buffer).latin1Slice()
      const value = (raw[index + 1] as Buffer).latin1Slice()
      switch (name.length) {
        case 2:
        case 7:
        case 16:
          if (isHopByHop(name.toLowerCase())) continue
          break
        case 4: // the binding adds a Date of its own and cannot be told not to
          if (name.toLowerCase() === 'date') continue
          break
        case 10: {
          const lower = name.toLowerCase()
          if (lower === 'connection') connection = connection === '' ? value : `${connection},${value}`
          if (isHopByHop(lower)) continue
          break
        }
        case 14: // and a Content-Length that follows from how the body is written
          if (name.toLowerCase() === 'content-length') {
            this.contentLength = contentLength(value.trim())
            if (this.contentLength < 0) this.malformed = true
            continue
          }
          break
        case 17:
          if (name.toLowerCase() === 'transfer-encoding') {
            if (this.chunked || value.trim().toLowerCase() !== 'chunked') this.malformed = true
            this.chunked = true
            continue
          }
          break
      }
      if (without?.includes(name.toLowerCase())) continue
      if (this.name === '') {
        this.name = name
        this.rest = value
      } else {
        this.rest += `\r\n${name}: ${value}`
      }
    }
    return connection
  }
}
