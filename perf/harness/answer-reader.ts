/**
 * Reads answers to GET from a connection, one after the other and as much of them as a load generator has to know: the status,
 * where the answer ends, and whether the connection can be used again.
 *
 *     reset ── push ──► push ──► push: true, the answer is complete ── reset …
 *                 └──── end: the connection has closed; true if that was the answer's end
 */
const headEnd = '\r\n\r\n'
const lastChunk = '\r\n0\r\n\r\n'
/** Longer than any head that is to be expected. */
const headLimit = 64 * 1024

export class AnswerReader {
  /** 0: not known yet. */
  status = 0
  /** The server closes the connection behind the answer. */
  closes = false
  /** What has come of the head, or the end of what has come of a chunked body. */
  #text = ''
  #chunked = false
  /** Bytes of the body that are missing; Infinity: all up to the connection's end. */
  #missing = Number.NaN

  /** Before each answer. */
  reset(): void {
    this.status = 0
    this.closes = false
    this.#text = ''
    this.#chunked = false
    this.#missing = Number.NaN
  }

  /**
   * @param text what has come, a character for each byte
   * @returns whether the answer is complete
   * @throws {SyntaxError} if this is no HTTP/1.1
   */
  push(text: string): boolean {
    if (this.status !== 0) return this.#body(text)
    const seen = this.#text + text
    const end = seen.indexOf(headEnd)
    if (end === -1) {
      if (seen.length > headLimit) throw new SyntaxError('the head of the answer does not end')
      this.#text = seen
      return false
    }
    this.#head(seen.slice(0, end))
    return this.#body(seen.slice(end + headEnd.length))
  }

  /** The connection has closed. @returns whether the answer is complete */
  end(): boolean {
    return this.#missing === Number.POSITIVE_INFINITY
  }

  #head(head: string): void {
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]
    if (status === undefined) throw new SyntaxError(`no status line: ${JSON.stringify(head.slice(0, 80))}`)
    this.status = Number(status)
    this.closes = /\r\nconnection: *close/i.test(head)
    this.#chunked = /\r\ntransfer-encoding: *chunked/i.test(head)
    // A chunked body is told by its last chunk, which begins with the line break behind the chunk before it.
    this.#text = '\r\n'
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    const bodiless = this.status === 204 || this.status === 304
    this.#missing = bodiless ? 0 : length === undefined ? Number.POSITIVE_INFINITY : Number(length)
    if (this.#chunked) this.#missing = Number.NaN
    else if (this.#missing === Number.POSITIVE_INFINITY) this.closes = true
  }

  #body(text: string): boolean {
    if (this.#chunked) {
      this.#text = (this.#text + text).slice(-lastChunk.length)
      return this.#text === lastChunk
    }
    this.#missing -= text.length
    return this.#missing <= 0
  }
}
