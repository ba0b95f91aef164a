/**
 * The head of an endpoint's response, turned into what is written to the client: one block of header lines, since one
 * native call for all costs a fraction of a call for each. The binding writes what it is given without a look at it;
 * that the lines are well formed rests on undici's parser, which refuses control characters, folded lines and names
 * that are no tokens (native-notes/04-response-heads.md).
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

  /** Bytes on the wire. */
  get length(): number {
    return this.name.length + this.rest.length
  }

  /** @param raw names and values alternately, as undici's parser cut them out of the socket's bytes. */
  read(raw: readonly Buffer[]): void {
    this.name = ''
    this.rest = ''
    this.contentLength = -1
    let dropped = this.#append(raw, null)
    if (dropped === '') return
    // Rare: Connection nominates further headers. Begin again without them.
    const names = nominated(dropped)
    if (names.length === 0) return
    this.name = ''
    this.rest = ''
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
        case 17:
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
            this.contentLength = contentLength(value)
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
