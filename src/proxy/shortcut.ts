/**
 * A way around the WebAssembly half of undici's parser for responses that came whole (headers/whole-response.ts). The half in
 * JavaScript, which keeps undici's account of requests, bodies and connections, is told of them as it is told by the other:
 *
 *     read ──► whole? ── yes ──► onMessageBegin, onHeadersComplete, onBody, onMessageComplete ──► the next one in the read
 *                └─ no ──► what is left goes to undici's parser, as everything does behind it until that is through
 *
 * Invariant: the shortcut is taken between two responses only, where the WebAssembly half has nothing of a response, and leaves
 * it there.
 */
import { WholeResponse } from './headers/whole-response.ts'
import type { Parser } from './undici-parser.ts'

/** Is good until the callbacks that are told of it have returned. */
const response = new WholeResponse()

/** The last body, for the next one that lies in the same place: see `bodyOf`. */
let lastBody: Buffer = Buffer.alloc(0)
let lastBytes: Buffer | null = null
let lastAt = 0

/**
 * Responses are often of the same length, and what is read of all connections lies in one buffer (endpoint-socket.ts): then the view on
 * the body is the same as well. Making one costs as much as reading a head.
 */
function bodyOf(bytes: Buffer, at: number, length: number): Buffer {
  if (bytes !== lastBytes || at !== lastAt || length !== lastBody.length) {
    lastBody = bytes.subarray(at, at + length)
    lastBytes = bytes
    lastAt = at
  }
  return lastBody
}

/** What `onHeadersComplete` says of the response to a HEAD, which has no body. */
const noBody = 1

export class Shortcut {
  readonly #parser: Parser
  /** undici's parser has the beginning of a response, and not its end. */
  #begun = false

  constructor(parser: Parser) {
    this.#parser = parser
    const { onMessageBegin, onMessageComplete } = parser
    parser.onMessageBegin = () => {
      this.#begun = true
      return onMessageBegin.call(parser)
    }
    parser.onMessageComplete = () => {
      this.#begun = false
      return onMessageComplete.call(parser)
    }
  }

  /**
   * Takes the responses that are whole from the beginning of what was read.
   * @param bytes what came over the connection; what undici is given of it are pieces of this
   * @returns how many bytes they were, 0 if there are none; -1: the connection is of no use any more
   * @throws what undici throws, which then is to get rid of the connection
   */
  take(bytes: Buffer): number {
    let at = 0
    while (!this.#begun && at < bytes.length && response.read(bytes, at)) {
      const length = this.#tell(bytes)
      if (length < 0) return -1
      at = response.bodyAt + length
    }
    return at
  }

  /** @returns how many bytes the body is, or -1 */
  #tell(bytes: Buffer): number {
    const parser = this.#parser
    const { bodyAt, head } = response
    const { contentLength, status } = head
    if (parser.onMessageBegin() !== 0) return -1
    parser.keepAlive = head.keepAlive
    parser.headers = head
    const verdict = parser.onHeadersComplete(status, false, true)
    if (verdict !== 0 && verdict !== noBody) return -1
    const length = verdict === noBody ? 0 : contentLength
    // That the endpoint is to pause says nothing here: it has nothing more to send, and the client's side keeps what it got.
    if (length > 0 && parser.onBody(bodyOf(bytes, bodyAt, length)) === -1) return -1
    return parser.onMessageComplete() === 0 ? length : -1
  }
}
