/**
 * Closes a client's connection behind a response whose body went out in pieces. The binding cannot: its `end(body, true)` writes
 * `Connection: close` where the body is by then (native-notes/11-closing.md). So the response's end is written by hand, the binding never
 * learns that it has ended, and the response object stays valid until the connection is closed with it. What the client sends behind its
 * request meanwhile is not served: the binding closes a connection on which a request comes before the answer to another has ended.
 *
 * While the client still sends the body of its request, closing would reset the connection, and what it has not read of the answer would
 * be lost with it (RFC 9112, section 9.6): its connection is closed when the body is over, or no longer comes at a rate worth waiting for, or
 * has come for half a minute. That is so behind a body in one piece, too, and behind none.
 */
import { Buffer } from 'node:buffer'
import type { HttpResponse } from '../native/uws.ts'

/** The rest of a request's body, which nobody reads any more. */
export interface Remainder {
  /** More is to come. */
  readonly coming: boolean
  /** Received of the body. */
  readonly bytes: number
}

/**
 * From the last write, or the last that the kernel made room for, to the close. What the kernel has refused is lost by closing, and is told
 * only by a writable event once there is room: a third of its buffer, which grows with what a path can carry in a round trip.
 */
const lingerMs = 1_000
/** Where the kernel can hardly have refused: a short response, or one of which it has just taken all but the last byte. */
const shortLingerMs = 50

/** How often a connection is looked at on which the client still sends. */
const lookMs = 1_000
/**
 * In so many looks so much of the body must come. The binding's own timer wants more, but begins anew whenever it cannot write what it has of
 * the answer; and behind the end of the body it has none at all.
 */
const stillLooks = 10
const leastBytes = 16_384
/** Behind the end of the upload and the answer: what the kernel has refused of that, a writable event tells. */
const spareLooks = 2
/** As nginx's `lingering_time`: who has not looked for an answer by then will not. Who takes a long one does. */
const looksMax = 30

const nothing = (): void => {}

/** Of the process: it has one worker at most. */
let lingering = 0

/** Responses that are not over for their clients, although their exchanges are. A drain waits for them. */
export function lingeringResponses(): number {
  return lingering
}

/**
 * Counts a response among them, until its connection has closed or the function that is returned is called. The abort handler is replaced.
 * @param onGone the connection has closed
 */
export function linger(res: HttpResponse, onGone = nothing): () => void {
  let isOver = false
  const over = (): void => {
    if (!isOver) lingering--
    isOver = true
  }
  lingering++
  res.onAborted(() => {
    over()
    onGone()
  })
  return over
}

/**
 * Ends a response in chunks, of which `write` has been called, and has taken all but the last byte for certain, and has the connection
 * closed. Inside a cork; the handlers of the response are replaced, and nobody else may touch it any more.
 *
 * Of what can be written behind `write`, a header field, the colon stands in the value of an extension to the last chunk, which means
 * nothing to anybody (RFC 9112, section 7.1.1).
 *
 * @param isShort the response fits the kernel's buffer, whoever reads it
 * @param remainder what the client still sends; null: nothing
 */
export function endChunksAndClose(res: HttpResponse, isShort: boolean, remainder: Remainder | null): void {
  res.writeHeader('\r\n0;x="', '"\r\n')
  if (remainder !== null) closeBehindUpload(res, remainder)
  else closeBehind(res, isShort ? shortLingerMs : lingerMs)
}

/**
 * Has the connection closed behind a response of known length, of which `tryEnd` has taken the last byte apart from all others, and counted
 * it as one of more to come.
 * @param remainder what the client still sends; null: nothing
 */
export function closeBehindLastByte(res: HttpResponse, remainder: Remainder | null = null): void {
  if (remainder !== null) closeBehindUpload(res, remainder)
  else closeBehind(res, shortLingerMs)
}

/**
 * Ends a response with its whole body while the client still sends its own. The status and fields must have been written, in the same cork, and
 * nothing of its framing or of Connection; the body fits that cork with them. The handlers are replaced, as above.
 */
export function endBehindUpload(
  res: HttpResponse,
  body: Buffer | ArrayBuffer | string,
  upload: Remainder,
): void {
  const bytes = Buffer.from(body as Buffer)
  if (bytes.length === 0) {
    res.writeHeader('content-length', '0')
    return endHeadBehindUpload(res, upload)
  }
  res.writeHeader('connection', 'close')
  if (bytes.length === 1) {
    res.write(bytes)
    return endChunksAndClose(res, true, upload)
  }
  // The first one says the length, the second one that there is more to come. Behind an answer that the client has not read nothing is taken.
  const [ok] = res.tryEnd(bytes.subarray(0, -1), bytes.length)
  const taken = ok && res.tryEnd(bytes.subarray(-1), bytes.length + 1)[0]
  closeBehindUpload(res, upload, taken ? null : bytes)
}

/** The same without a body. */
export function endHeadBehindUpload(res: HttpResponse, upload: Remainder): void {
  endHeadByHand(res)
  closeBehindUpload(res, upload)
}

/** Ends the head as a part of its last field: to the binding the response goes on. */
export function endHeadByHand(res: HttpResponse): void {
  res.writeHeader('date', new Date().toUTCString())
  res.writeHeader('connection', 'close\r\n')
}

function closeBehind(res: HttpResponse, ms: number): void {
  const timer = setTimeout(() => res.close(), ms)
  linger(res, () => clearTimeout(timer))
  res.onWritable(() => {
    // An empty cork makes the binding flush its own buffer.
    res.cork(nothing)
    timer.refresh()
    return true
  })
}

/**
 * Closes when the upload is over and the answer taken, or neither gets on. The handlers are replaced, as above.
 * @param body the answer's, where `tryEnd` has not taken all of it; null: nothing is left. Not inside `onWritable` where there is one
 */
export function closeBehindUpload(res: HttpResponse, upload: Remainder, body: Buffer | null = null): void {
  // Once it is over, `upload` may be another request's.
  let sending = upload.coming
  let from = upload.bytes
  let rest = body
  // Looks: since something has moved, since there was nothing more to wait for, and since the answer was taken.
  let still = 0
  let spare = 0
  let waited = 0
  const looks = setInterval(() => {
    res.cork(nothing)
    still++
    waited++
    if (sending && upload.bytes - from >= leastBytes) {
      from = upload.bytes
      still = 0
    }
    sending &&= upload.coming
    if (!sending && rest === null) spare++
    if (still === stillLooks || spare === spareLooks || waited === looksMax) res.close()
  }, lookMs)
  const listen = (): void => {
    res.onWritable((offset) => {
      still = 0
      spare = 0
      if (rest !== null && offset < rest.length) {
        waited = 0
        if (res.tryEnd(rest.subarray(offset), rest.length + 1)[0]) rest = null
      } else {
        // A client that is slow to take the answer has some of it in the binding's buffer.
        rest = null
        res.cork(nothing)
      }
      return true
    })
  }
  // Inside `onWritable`, where this may be when nothing is left, 20.51.4 throws a new handler away. Otherwise the event may come before the loop
  // has turned, and is the only one.
  const listening = body === null ? setImmediate(listen) : undefined
  if (body !== null) listen()
  linger(res, () => {
    clearInterval(looks)
    clearImmediate(listening)
  })
}
