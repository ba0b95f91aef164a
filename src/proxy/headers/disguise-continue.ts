/**
 * Interim responses come at the origin's will, `100 Continue` too, and a client must bear one that it has not asked for (RFC
 * 9110, section 15.2). undici destroys the connection over a 100, but lets every other 1xx pass, so a 100 is made a 109,
 * which nobody has defined, before it is parsed (native-notes/17-responses.md). That takes one digit, so that it can be done
 * wherever the packets are cut. For the same reason the version is looked at here: a higher minor one is made 1.1, as which it
 * is to be read (RFC 9110, section 2.5), and which undici would refuse.
 *
 *     line ──1xx──► fields ──empty line──► line        what is cut goes on with the next piece
 *       └── any other status ──► final                 until the response has been read
 */

/** What a 100 is known by behind the parser. */
export const disguisedContinue = 109

/** What is asked of a connection. */
export interface ResponsesRead {
  /** Whose response is being read, behind its head; null between two. */
  readonly reader: object | null
  /** Responses that have been read. */
  readonly served: number
  /** The head at hand says HTTP/1.0. Kept by who looks at it; nobody else is told by undici. */
  isHttp10: boolean
}

const carriageReturn = 0x0d
const lineFeed = 0x0a
const zero = 0x30
const one = 0x31
const nine = 0x39
const versionPrefix = Buffer.from('HTTP/1.')
/** Within a status line. */
const minorAt = 7
const statusAt = 9
const statusLineBytes = 12
/** CR LF CR LF. */
const headEndBytes = 4

export class ContinueDisguise {
  readonly #responses: ResponsesRead
  #served = 0
  #phase: 'line' | 'fields' | 'final' = 'line'
  /** line: how much of it has come, up to the end of the status. fields: how much of what ends them. */
  #seen = 0
  #tens = 0

  constructor(responses: ResponsesRead) {
    this.#responses = responses
  }

  /**
   * Changes the status of every 100 in front of the final response, and versions above 1.1, in place.
   * @param bytes the next ones that have come over the connection. Where they begin within a body, what is behind it is left.
   */
  look(bytes: Buffer): void {
    const { reader, served } = this.#responses
    if (reader !== null || served !== this.#served) {
      this.#served = served
      this.#enter('line')
      if (reader !== null) return
    }
    // One look at two bytes is all that an ordinary response costs.
    if (
      this.#phase === 'line' &&
      this.#seen === 0 &&
      bytes.length > statusAt &&
      bytes[statusAt] !== one &&
      bytes[minorAt] === one
    ) {
      this.#phase = 'final'
    }
    let at = 0
    while (at < bytes.length && this.#phase !== 'final') {
      const byte = bytes[at] as number
      if (this.#phase === 'fields') this.#inFields(byte)
      else bytes[at] = this.#inLine(byte)
      at++
    }
  }

  #enter(phase: 'line' | 'fields'): void {
    this.#phase = phase
    this.#seen = 0
    if (phase === 'line') this.#responses.isHttp10 = false
  }

  /** @returns this byte of a status line as the parser is to see it */
  #inLine(byte: number): number {
    const at = this.#seen++
    if ((at < minorAt && byte !== versionPrefix[at]) || (at === statusAt && byte !== one)) {
      this.#phase = 'final'
    } else if (at === minorAt) {
      this.#responses.isHttp10 = byte === zero
      if (byte > one && byte <= nine) return one
    } else if (at === statusAt + 1) {
      this.#tens = byte
    } else if (at === statusLineBytes - 1) {
      this.#enter('fields')
      if (byte === zero && this.#tens === zero) return nine
    }
    return byte
  }

  #inFields(byte: number): void {
    const wanted = this.#seen % 2 === 0 ? carriageReturn : lineFeed
    if (byte === wanted) this.#seen++
    else this.#seen = byte === carriageReturn ? 1 : 0
    if (this.#seen === headEndBytes) this.#enter('line')
  }
}
