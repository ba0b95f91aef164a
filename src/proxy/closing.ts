/**
 * Closes a client's connection behind a response whose body went out in pieces. The binding cannot: its `end(body, true)` writes
 * `Connection: close` where the body is by then (native-notes/11-closing.md). So the response's end is written by hand, the binding never
 * learns that it has ended, and the response object stays valid until the connection is closed with it. What the client sends behind its
 * request meanwhile is not served: the binding closes a connection on which a request comes before the answer to another has ended.
 */
import type { HttpResponse } from '../native/uws.ts'

/**
 * From the last write, or the last that the kernel made room for, to the close. What the kernel has refused is lost by closing, and is told
 * only by a writable event once there is room: a third of its buffer, which grows with what a path can carry in a round trip.
 */
const lingerMs = 1_000
/** Where the kernel can hardly have refused: a short response, or one of which it has just taken all but the last byte. */
const shortLingerMs = 50

/**
 * Ends a response in chunks, of which `write` has been called and has never been refused, and has the connection closed. Inside a cork; the
 * handlers of the response are replaced, and nobody else may touch it any more.
 *
 * Of what can be written behind `write`, a header field, the colon stands in the value of an extension to the last chunk, which means
 * nothing to anybody (RFC 9112, section 7.1.1).
 *
 * @param isShort the response fits the kernel's buffer, whoever reads it
 */
export function endChunksAndClose(res: HttpResponse, isShort: boolean): void {
  res.writeHeader('\r\n0;x="', '"\r\n')
  closeBehind(res, isShort ? shortLingerMs : lingerMs)
}

/**
 * Has the connection closed behind a response of known length, of which `tryEnd` has taken the last byte apart from all others, and counted
 * it as one of more to come.
 */
export function closeBehindLastByte(res: HttpResponse): void {
  closeBehind(res, shortLingerMs)
}

function closeBehind(res: HttpResponse, ms: number): void {
  const timer = setTimeout(() => res.close(), ms)
  res.onAborted(() => clearTimeout(timer))
  res.onWritable(() => {
    // An empty cork makes the binding flush its own buffer.
    res.cork(() => {})
    timer.refresh()
    return true
  })
}
