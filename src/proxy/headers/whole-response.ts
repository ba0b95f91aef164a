/**
 * The ordinary response, read without undici's parser: one that came whole in one read, with nothing about it that two servers
 * write in two ways. That parser is WebAssembly which calls JavaScript, and makes a Buffer, for each name and each value: a good
 * twentieth of what a small GET costs (native-notes/07-undici-connections.md).
 *
 *     HTTP/1.1 SP 3DIGIT SP reason CR LF
 *     *( token ":" [ SP ] value CR LF )          value: not empty, no white space around it, no control characters
 *     CR LF
 *     as many bytes as the one Content-Length says
 *
 * It is a part of what that parser accepts, and whatever is not in it is left to that parser, which knows how to refuse: there is
 * no error here. test/unit/proxy/headers/whole-response.test.ts holds the two against each other.
 */
import { contentLengthDigitsMax, tokenCharacters } from './bytes.ts'
import { shortcutHeadBytesMax } from './head-limits.ts'
import { isHopByHop } from './hop-by-hop.ts'
import { type HeadRead, type KnownHead, KnownHeads } from './known-heads.ts'
import { MemoryView } from './memory-view.ts'
import type { FieldLines } from './response-block.ts'

const prefix = Buffer.from('HTTP/1.1 ')
const statusEnd = 12
const tab = 0x09
const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const colon = 0x3a
const zero = 0x30

/** RFC 9110, section 5.5: field-vchar, space and tab. The reason phrase has the same (RFC 9112, section 4). */
const fieldCharacters = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === tab || (byte >= space && byte !== 0x7f) ? 1 : 0,
)

/** In any of four bytes. */
const aboveAscii = 0x80808080

/** Bytes of a value are looked at by so many, as long as they are what nearly all are. */
const wordBytes = 4

/** Whether none of four bytes is below 0x20 or 0x7F: each of them is in `fieldCharacters`. A tab is not among these, and looked at by itself. */
function isUsual(word: number): boolean {
  const belowSpace = (word - 0x20202020) & ~word
  const likeDelete = word ^ 0x7f7f7f7f
  return ((belowSpace | ((likeDelete - 0x01010101) & ~likeDelete)) & aboveAscii) === 0
}

/** Runs of lines that are passed on, with lines between them that are not. */
const runsMax = 8

export class WholeResponse implements FieldLines {
  /** As undici's parser has it of a list of fields, which this stands for: it must be even. */
  readonly length = 0
  status = 0
  name = ''
  rest = ''
  contentLength = -1
  /** The value of Keep-Alive, '' if there is none. */
  keepAlive = ''
  ascii = false
  /** Nobody has put it together for a head that may not come again. */
  readonly written = null
  /** What was read: this, or what was read of the same bytes before. */
  head: HeadRead & FieldLines = this
  /** Where the body begins. It ends with the response, `contentLength` bytes on. */
  bodyAt = 0
  /** Where each run of lines that are passed on begins and ends. */
  readonly #runs = new Int32Array(2 * runsMax)
  #runCount = 0
  #inRun = false
  #nameEnd = 0
  #valueAt = 0
  readonly #known: KnownHeads
  readonly #memory = new MemoryView()

  constructor(known = new KnownHeads()) {
    this.#known = known
  }

  /**
   * @param at where it begins in the bytes
   * @returns whether it is one of these. If not, nothing that is in here means anything.
   */
  read(bytes: Buffer, at: number): boolean {
    const known = this.#known.find(bytes, at)
    if (known !== null) return this.#recall(known, bytes, at)
    const fieldsAt = this.#readStatusLine(bytes, at)
    if (fieldsAt < 0) return false
    this.contentLength = -1
    this.keepAlive = ''
    this.head = this
    this.#runCount = 0
    this.#inRun = false
    const end = this.#readFields(bytes, fieldsAt)
    if (end < 0 || end - at > shortcutHeadBytesMax || this.contentLength < 0) return false
    if (end + this.contentLength > bytes.length) return false
    this.bodyAt = end
    this.#join(bytes)
    this.#known.learn(bytes, at, end, this)
    return true
  }

  /** One that was read before. @returns whether its body is here, too */
  #recall(known: KnownHead, bytes: Buffer, at: number): boolean {
    this.head = known
    this.bodyAt = at + known.bytes
    return this.bodyAt + known.contentLength <= bytes.length
  }

  /** @returns where the fields begin, or -1 */
  #readStatusLine(bytes: Buffer, at: number): number {
    for (let index = 0; index < prefix.length; index++) if (bytes[at + index] !== prefix[index]) return -1
    this.status = 0
    for (let index = at + prefix.length; index < at + statusEnd; index++) {
      const digit = (bytes[index] as number) - zero
      if (!(digit >= 0 && digit <= 9)) return -1
      this.status = this.status * 10 + digit
    }
    // Interim ones are followed by another, and those two have no body whatever their length says.
    if (this.status < 200 || this.status > 599 || this.status === 204 || this.status === 304) return -1
    if (bytes[at + statusEnd] !== space) return -1
    let index = at + statusEnd + 1
    while (fieldCharacters[bytes[index] as number] === 1) index++
    return bytes[index] === carriageReturn && bytes[index + 1] === lineFeed ? index + 2 : -1
  }

  /** @returns behind the empty line, or -1 */
  #readFields(bytes: Buffer, fieldsAt: number): number {
    const view = this.#memory.of(bytes)
    const offset = bytes.byteOffset
    const lastWordAt = bytes.length - wordBytes
    /** All of the values' bytes, one over the other. */
    let seen = 0
    let index = fieldsAt
    while (bytes[index] !== carriageReturn) {
      const nameAt = index
      while (tokenCharacters[bytes[index] as number] === 1) index++
      const nameEnd = index
      if (nameEnd === nameAt || bytes[index++] !== colon) return -1
      if (bytes[index] === space) index++
      const valueAt = index
      for (; index <= lastWordAt; index += wordBytes) {
        const word = view.getInt32(offset + index, true)
        if (!isUsual(word)) break
        seen |= word
      }
      while (fieldCharacters[bytes[index] as number] === 1) seen |= bytes[index++] as number
      const end = index
      if (bytes[index] !== carriageReturn || bytes[index + 1] !== lineFeed) return -1
      if (end === valueAt || isBlank(bytes[valueAt] as number) || isBlank(bytes[end - 1] as number)) return -1
      if (!this.#take(bytes, nameAt, nameEnd, valueAt, end)) return -1
      index += 2
    }
    this.ascii = (seen & aboveAscii) === 0
    return bytes[index + 1] === lineFeed ? index + 2 : -1
  }

  /** @returns false: it is no line of an ordinary response */
  #take(bytes: Buffer, nameAt: number, nameEnd: number, valueAt: number, end: number): boolean {
    switch (nameEnd - nameAt) {
      case 4:
        // The binding writes a Date of its own.
        if (isName(bytes, nameAt, 'date')) return this.#drop()
        break
      case 10:
        if (isName(bytes, nameAt, 'connection'))
          return end - valueAt === 10 && isName(bytes, valueAt, 'keep-alive') && this.#drop()
        if (isName(bytes, nameAt, 'keep-alive')) {
          this.keepAlive += bytes.latin1Slice(valueAt, end)
          return this.#drop()
        }
        break
      case 14:
        if (isName(bytes, nameAt, 'content-length'))
          return this.#readLength(bytes, valueAt, end) && this.#drop()
        break
      case 2:
      case 5:
      case 7:
      case 16:
      case 17:
        // Rare, and what they mean for the connection and the body is undici's to say.
        if (isHopByHop(bytes.latin1Slice(nameAt, nameEnd).toLowerCase())) return false
        break
    }
    return this.#keep(nameAt, nameEnd, valueAt, end)
  }

  #readLength(bytes: Buffer, from: number, end: number): boolean {
    if (this.contentLength !== -1 || end - from > contentLengthDigitsMax) return false
    let value = 0
    for (let index = from; index < end; index++) {
      const digit = (bytes[index] as number) - zero
      if (!(digit >= 0 && digit <= 9)) return false
      value = value * 10 + digit
    }
    this.contentLength = value
    return true
  }

  #drop(): true {
    this.#inRun = false
    return true
  }

  #keep(nameAt: number, nameEnd: number, valueAt: number, end: number): boolean {
    if (this.#inRun) {
      this.#runs[2 * this.#runCount - 1] = end
      return true
    }
    if (this.#runCount === runsMax) return false
    if (this.#runCount === 0) {
      this.#nameEnd = nameEnd
      this.#valueAt = valueAt
    }
    this.#runs[2 * this.#runCount] = nameAt
    this.#runs[2 * this.#runCount + 1] = end
    this.#runCount++
    this.#inRun = true
    return true
  }

  /** Makes text of the lines that are passed on. */
  #join(bytes: Buffer): void {
    this.name = ''
    this.rest = ''
    if (this.#runCount === 0) return
    const runs = this.#runs
    const base = runs[0] as number
    const text = bytes.latin1Slice(base, runs[2 * this.#runCount - 1])
    this.name = text.substring(0, this.#nameEnd - base)
    this.rest = text.substring(this.#valueAt - base, (runs[1] as number) - base)
    for (let run = 1; run < this.#runCount; run++) {
      this.rest += `\r\n${text.substring((runs[2 * run] as number) - base, (runs[2 * run + 1] as number) - base)}`
    }
  }
}

/** The bytes of a name are those of a token: setting this bit makes lower case of letters, and nothing else of this one. */
function isName(bytes: Buffer, at: number, lower: string): boolean {
  for (let index = 0; index < lower.length; index++) {
    if (((bytes[at + index] as number) | 0x20) !== lower.charCodeAt(index)) return false
  }
  return true
}

function isBlank(byte: number): boolean {
  return byte === space || byte === tab
}
