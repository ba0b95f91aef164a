/**
 * Response heads that came lately, byte for byte, and what was read in them: an endpoint says the same again and again, but for its
 * Date once a second. Comparing takes two instructions for each byte, reading some twenty, and what is to be written is ready in
 * bytes, where the binding would make a copy of text. One that comes only once is compared in vain as far as it is like another.
 *
 * A head is looked for in one place, which the number of bytes that came tells: answers that are alike are as long as each other.
 */
import { statusLine } from '../status-line.ts'
import { Curiosity } from './curiosity.ts'
import { MemoryView } from './memory-view.ts'

/** What was read in a head. */
export interface HeadRead {
  readonly status: number
  readonly name: string
  readonly rest: string
  readonly contentLength: number
  readonly keepAlive: string
}

/** A power of two. */
const places = 8
/** A longer one is read anew. */
const bytesMax = 1_024
const wordBytes = 8

export class KnownHead implements HeadRead {
  readonly status: number
  readonly name: string
  readonly rest: string
  readonly contentLength: number
  readonly keepAlive: string
  /** See WholeResponse. */
  readonly length = 0
  /** Nobody has looked: it is written from bytes, save behind an interim response, where either will do. */
  readonly ascii = false
  /** Of the head, with the empty line. */
  readonly bytes: number
  /** Status line and fields, as the binding's `writeStatus` takes them. */
  readonly written: ArrayBuffer
  /** Its bytes, eight at a time; the last ones overlap those before. */
  readonly words: Float64Array

  constructor({ status, name, rest, contentLength, keepAlive }: HeadRead, bytes: DataView) {
    this.status = status
    this.name = name
    this.rest = rest
    this.contentLength = contentLength
    this.keepAlive = keepAlive
    this.bytes = bytes.byteLength
    const fields = name === '' ? '' : `\r\n${name}: ${rest}`
    this.written = Uint8Array.from(Buffer.from(statusLine(status) + fields, 'latin1')).buffer
    this.words = new Float64Array(Math.ceil(this.bytes / wordBytes))
    const last = this.words.length - 1
    for (let word = 0; word < last; word++) this.words[word] = bytes.getFloat64(word * wordBytes, true)
    this.words[last] = bytes.getFloat64(this.bytes - wordBytes, true)
  }
}

export class KnownHeads {
  readonly #heads: (KnownHead | null)[] = Array.from({ length: places }, () => null)
  readonly #curiosity: Curiosity
  readonly #memory = new MemoryView()

  constructor(curiosity = new Curiosity()) {
    this.#curiosity = curiosity
  }

  /** @param at where a head begins in the bytes, if one does */
  find(bytes: Buffer, at: number): KnownHead | null {
    const left = bytes.length - at
    const head = this.#heads[left % places] as KnownHead | null
    if (head === null || left < head.bytes) return null
    const view = this.#memory.of(bytes)
    const from = bytes.byteOffset + at
    const { words } = head
    const last = words.length - 1
    // As numbers of eight bytes, since that is what can be read and compared without a call. Two are equal where their bytes are: 0 and -0
    // do not stand in a head, and what is no number is equal to nothing.
    for (let word = 0; word < last; word++) {
      if (view.getFloat64(from + word * wordBytes, true) !== words[word]) return null
    }
    if (view.getFloat64(from + head.bytes - wordBytes, true) !== words[last]) return null
    this.#curiosity.recognised()
    return head
  }

  /**
   * A head that was not known, and has been read.
   * @param end behind its empty line
   */
  learn(bytes: Buffer, at: number, end: number, read: HeadRead): void {
    if (end - at > bytesMax || !this.#curiosity.asks()) return
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, end - at)
    this.#heads[(bytes.length - at) % places] = new KnownHead(read, view)
  }
}
