/**
 * The head of an endpoint's response, turned into what is written to the client: one block of header lines, since one
 * native call for all costs a fraction of a call for each. The binding writes what it is given without a look at it;
 * that the lines are well formed rests on undici's parser, or on whole-response.ts before it, which refuse control characters,
 * folded lines and names that are no tokens (native-notes/04-response-heads.md). What it lets pass is checked here (native-notes/17-responses.md).
 */
import { Buffer } from 'node:buffer'
import { contentLength } from './bytes.ts'
import { forwardedHeadBytesMax } from './head-limits.ts'
import { isHopByHop, nominated } from './hop-by-hop.ts'

/** For the log. @param bytes of a head that is longer */
export function tooLong(bytes: number): string {
  return `the head has ${bytes} bytes, and no more than ${forwardedHeadBytesMax} can be passed on`
}

/** The head of a response that is text already, without what is not passed on: as a ResponseBlock has it. */
export interface FieldLines {
  readonly name: string
  readonly rest: string
  readonly contentLength: number
  /** Name and rest are known to have no character above 0x7F. */
  readonly ascii: boolean
  /** Status line and fields, in bytes as the binding's `writeStatus` takes them; null: nobody has put them together. */
  readonly written: ArrayBuffer | null
}

/** Names and values alternately, as undici's parser cut them out of the socket's bytes, or a head that went past that parser. */
export type ResponseFields = readonly Buffer[] | FieldLines

export class ResponseBlock {
  /** The first header's name, '' if there is no header. */
  name = ''
  /** Its value and all further lines: a byte string that begins behind the first colon and ends before the last CRLF. */
  rest = ''
  /** -1: none given. */
  contentLength = -1
  /** Name and rest are known to have no character above 0x7F. */
  ascii = false
  /** Status line, name and rest in one, ready to be written; null: they are to be written one by one. */
  written: ArrayBuffer | null = null
  /** It comes in chunks. */
  chunked = false
  /**
   * The parser has read it, but it could be read in another way too: a length beyond counting, or a Transfer-Encoding that is
   * not `chunked` alone, once (RFC 9112, sections 6.1 and 6.3). Two lengths, or both framings, the parser refuses itself.
   */
  malformed = false

  /** The interim responses before it (headers/interim.ts). */
  interim = ''
  /** Others have been sent ahead of it: its status cannot be written as such. Set by whoever sends them; `read` leaves it. */
  behindInterim = false

  /** Bytes on the wire. */
  get length(): number {
    return this.interim.length + this.name.length + this.rest.length
  }

  /** Why it is not to be passed on, for the log; '' if it is. */
  get fault(): string {
    if (this.malformed) return 'the framing of its body could be read in two ways'
    return this.length > forwardedHeadBytesMax ? tooLong(this.length) : ''
  }

  read(fields: ResponseFields, interim = ''): void {
    this.interim = ''
    if (Array.isArray(fields)) this.#read(fields)
    else this.#adopt(fields as FieldLines)
    // They are hints: where the head leaves them no room, the head matters more.
    if (interim !== '' && interim.length + this.length <= forwardedHeadBytesMax) this.interim = interim
  }

  /** One more line, behind the others. */
  add(name: string, value: string): void {
    this.written = null
    this.ascii = false
    if (this.name === '') {
      this.name = name
      this.rest = value
    } else this.rest += `\r\n${name}: ${value}`
  }

  #adopt({ name, rest, contentLength, ascii, written }: FieldLines): void {
    this.#clear()
    this.ascii = ascii
    this.written = written
    this.name = name
    this.rest = rest
    this.contentLength = contentLength
  }

  #read(raw: readonly Buffer[]): void {
    this.#clear()
    let dropped = this.#cut(raw)
    if (dropped === null) {
      this.#clear()
      dropped = this.#append(raw, null)
    }
    if (dropped === '') return
    // Rare: Connection nominates further headers. Begin again without them.
    const names = nominated(dropped)
    if (names.size === 0) return
    this.#clear()
    this.#append(raw, names)
  }

  #clear(): void {
    this.name = ''
    this.rest = ''
    this.contentLength = -1
    this.ascii = false
    this.written = null
    this.chunked = false
    this.malformed = false
  }

  /**
   * The ordinary case, of lines that lie one behind the other as nearly every server writes them (`Name: value` CR LF): made
   * text in one go, of which whole runs of lines are taken.
   * @returns the Connection header's value, '' if there is none; null if the lines lie otherwise
   */
  #cut(raw: readonly Buffer[]): string | null {
    if (raw.length === 0) return ''
    const first = raw[0] as Buffer
    const last = raw[raw.length - 1] as Buffer
    const base = first.byteOffset
    // Enough to know that those between lie there too, if each begins where the one before it ends: pieces of several reads are
    // copies, out of pools that are left behind one after the other.
    const memory = first.buffer
    if (last.buffer !== memory || last.byteOffset < base) return null
    const text = Buffer.from(memory, base, last.byteOffset - base + last.length).latin1Slice()
    let connection = ''
    /** Where the present run of lines begins; -1: with the next line that is kept. */
    let from = -1
    let end = -2
    for (let index = 0; index < raw.length; index += 2) {
      const name = raw[index] as Buffer
      const value = raw[index + 1] as Buffer
      const nameAt = name.byteOffset - base
      const nameEnd = nameAt + name.length
      const valueAt = value.byteOffset - base
      if (nameAt !== end + 2 || !isSeparator(text, nameEnd, valueAt) || value.length === 0) return null
      if (index > 0 && !(text.charCodeAt(end) === 0x0d && text.charCodeAt(end + 1) === 0x0a)) return null
      const valueEnd = valueAt + value.length
      if (mayBeDropped(name.length)) {
        const lower = text.substring(nameAt, nameEnd).toLowerCase()
        if (lower === 'connection') connection = joined(connection, text.substring(valueAt, valueEnd))
        if (this.#isDropped(lower, text.substring(valueAt, valueEnd))) {
          if (from >= 0) this.#keep(text.substring(from, end))
          from = -1
          end = valueEnd
          continue
        }
      }
      if (this.name === '') {
        this.name = text.substring(nameAt, nameEnd)
        from = valueAt
      } else if (from < 0) from = nameAt
      end = valueEnd
    }
    if (from >= 0) this.#keep(text.substring(from, end))
    return connection
  }

  /** @param lines the first of them without its name, where it is the first of all */
  #keep(lines: string): void {
    this.rest = this.rest === '' ? lines : `${this.rest}\r\n${lines}`
  }

  /** Takes down what says how the body is framed. @param lower the name. @returns whether the line is not passed on */
  #isDropped(lower: string, value: string): boolean {
    switch (lower) {
      case 'date': // the binding adds a Date of its own and cannot be told not to
        return true
      case 'content-length': // and a Content-Length that follows from how the body is written
        this.contentLength = contentLength(value.trim())
        if (this.contentLength < 0) this.malformed = true
        return true
      case 'transfer-encoding':
        if (this.chunked || !isChunked(value)) this.malformed = true
        this.chunked = true
        return true
      default:
        return isHopByHop(lower)
    }
  }

  /** The same line by line. @returns the Connection header's value, '' if there is none */
  #append(raw: readonly Buffer[], without: ReadonlySet<string> | null): string {
    let connection = ''
    for (let index = 0; index < raw.length; index += 2) {
      const name = (raw[index] as Buffer).latin1Slice()
      const value = (raw[index + 1] as Buffer).latin1Slice()
      const lower = name.toLowerCase()
      if (lower === 'connection') connection = joined(connection, value)
      if (this.#isDropped(lower, value) || without?.has(lower)) continue
      this.add(name, value)
    }
    return connection
  }
}

/** Whether the parser reads chunks, too: behind the word it bears spaces, and nothing else that could pass for white space. */
function isChunked(value: string): boolean {
  return /^[\t ]*chunked *$/i.test(value)
}

function joined(before: string, value: string): string {
  return before === '' ? value : `${before},${value}`
}

/** A colon, and at most one space. */
function isSeparator(text: string, from: number, to: number): boolean {
  if (text.charCodeAt(from) !== 0x3a) return false
  return to === from + 1 || (to === from + 2 && text.charCodeAt(from + 1) === 0x20)
}

/** Whether a name of this length is among those that are not passed on. */
function mayBeDropped(length: number): boolean {
  switch (length) {
    case 2:
    case 4:
    case 5:
    case 7:
    case 10:
    case 14:
    case 16:
    case 17:
      return true
    default:
      return false
  }
}
