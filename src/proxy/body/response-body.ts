/**
 * A response on its way from undici to uWebSockets.js: the head, then the body piece by piece, never more in memory than
 * the piece that did not fit.
 *
 *     begin ──► write* ──► end        write says false: blocked; `onDrained` is called when there is room again
 *
 *   none      HEAD, 204, 304, nothing to send: complete with its head.
 *   fixed     the length is known: `tryEnd`, which takes what fits and says how much that was.
 *   chunked   it is not: `write`, one piece per cork. A first small piece waits for the end of this turn of the event
 *             loop, so that a short response leaves in one packet.
 *
 * A connection that is to close is closed by `end` where the whole response goes out in one call, and by hand where there is no
 * body, or one in pieces (../closing.ts). A client that has not kept up is to close it itself.
 * The head leaves with the first body byte: neither binding can send it alone (native-notes/06-head-needs-a-byte.md).
 *
 * Invariants
 *   - what is kept beyond the call that brought it, and its microtasks, is a copy (endpoint-socket.ts).
 *   - `pending` is not null exactly while `blocked`; nothing is written then but from `onWritable`.
 *   - never an empty `tryEnd`, never two writes in one cork unless both fit it together (native-notes/01-lost-writes.md).
 *   - after `complete` the native response is not touched again from here; closing.ts has it where it closes the connection.
 */
import { Buffer } from 'node:buffer'
import type { HttpResponse } from '../../native/uws.ts'
import { closeBehindLastByte, endChunksAndClose, type Remainder } from '../closing.ts'
import { writeHead } from '../headers/interim.ts'
import type { ResponseBlock } from '../headers/response-block.ts'
import { endWhole, endWithoutBody, oneCorkBytes } from '../reply.ts'
import { seePolling } from '../see-polling.ts'
import { isBodiless } from '../status-line.ts'

/** What is written at a time while the client is slow: less than any writable event makes room for. */
const cautiousBytes = 4_096
/** What is written to find out whether there is room; a write that is refused is kept by the binding. */
const probeBytes = 64
const noop = (): void => {}
const nothingComes = (): Remainder | null => null

export class ResponseBody {
  /** Body bytes that the binding has taken. */
  bytes = 0
  /** The head is out: from here on a failure can only be shown by closing. */
  headWritten = false
  /** Everything is written and the native response is gone. */
  complete = false
  /** The client does not keep up. */
  blocked = false
  readonly #writeBytes: number
  readonly #onDrained: () => void
  readonly #onLast: () => Remainder | null
  readonly #onComplete: () => void
  #res: HttpResponse | null = null
  #mode: 'none' | 'fixed' | 'chunked' = 'none'
  #status = 200
  #block: ResponseBlock | null = null
  #close = false
  #bindingCloses = false
  #total = 0
  #pending: Buffer | null = null
  /** The chunk at hand lies in memory that the next read overwrites. */
  #borrowed = false
  /** chunked: how much of `pending` is written. fixed: the write offset at which `pending` begins. */
  #at = 0
  #pieceBytes = 0
  #ended = false
  /** chunked: a small first chunk that waits for the end of the turn. */
  #held: Buffer | null = null
  /** What the corked function writes and what became of it. */
  #piece: Buffer | null = null
  #ok = false
  #writableSet = false
  /** The connection is ours to close, behind the last piece. */
  #closes = false
  /** Of the client's own body, when the last byte is at hand. */
  #remainder: Remainder | null = null
  #continuation: NodeJS.Immediate | null = null

  readonly #corkedFixed = (): void => this.#writeFixed()
  readonly #corkedPiece = (): void => this.#writePiece()
  readonly #corkedLast = (): void => this.#writeLast()
  readonly #flushHeld = (): void => void this.#releaseHeld()
  readonly #continue = (): void => this.#goOn()
  readonly #writable = (offset: number): boolean => this.#onWritable(offset)

  /**
   * @param writeBytes what the binding can write safely at a time
   * @param onDrained room again after `write` said false
   * @param onComplete the last byte is with the binding; may come inside `begin`, `write` or `end`
   * @param onLast the native response is about to be ended: whoever else holds it must let go now, and say what is still to come
   */
  constructor(writeBytes: number, onDrained: () => void, onComplete: () => void, onLast = nothingComes) {
    this.#writeBytes = writeBytes
    this.#onDrained = onDrained
    this.#onLast = onLast
    this.#onComplete = onComplete
  }

  /**
   * Takes the head. Completes at once if no body can follow.
   * @param close the client's connection is to close behind the response
   * @param bindingCloses the binding closes by itself, and says nothing
   */
  begin(
    res: HttpResponse,
    status: number,
    block: ResponseBlock,
    isHead: boolean,
    close: boolean,
    bindingCloses = false,
  ): void {
    this.#res = res
    this.#status = status
    this.#block = block
    this.#close = close
    this.#bindingCloses = bindingCloses
    this.#pieceBytes = this.#writeBytes
    this.#total = block.contentLength
    this.#mode = this.#total < 0 ? 'chunked' : 'fixed'
    if (isHead || isBodiless(status)) this.#mode = 'none'
    if (this.#mode === 'none') this.#endWith(null)
    else if (this.#total === 0) this.end()
  }

  /** A chunk of the body. @returns false if the endpoint must be paused until `onDrained`. */
  write(chunk: Buffer): boolean {
    if (this.#mode === 'none' || chunk.length === 0) return !this.blocked
    if (this.blocked) return this.#queue(chunk)
    if (this.#mode === 'fixed') {
      if (this.headWritten || chunk.length < this.#total || chunk.length > this.#roomBesideHead()) {
        const isLast = this.bytes + chunk.length === this.#total
        if (isLast) this.#remainder = this.#onLast()
        if (!isLast || !this.#mayClose() || chunk.length === 1) return this.#writeFixedChunk(chunk, isLast)
        // The last byte apart: that it is taken says that all before it has left the binding.
        this.write(chunk.subarray(0, -1))
        return this.write(chunk.subarray(-1))
      }
      this.bytes = chunk.length
      this.#endWith(chunk)
      return true
    }
    if (!this.headWritten && this.#held === null && chunk.length <= this.#roomBesideHead()) {
      this.#held = chunk
      queueMicrotask(this.#flushHeld)
      return true
    }
    return this.#releaseHeld() ? this.#writeChunked(chunk) : this.#queue(chunk)
  }

  /** The endpoint has sent everything. */
  end(): void {
    this.#ended = true
    if (this.#mode === 'none' || this.complete || this.blocked) return
    if (this.#mode === 'fixed' && this.#total > 0) return // `tryEnd` has ended it, or is about to
    const held = this.#held
    this.#held = null
    if (held !== null) this.bytes += held.length
    this.#endWith(held)
  }

  /** Finds out whether the client takes more, where the binding may not say it: see Upload. */
  nudge(): void {
    const res = this.#res
    if (res === null || this.#pending === null || this.#continuation !== null) return
    if (this.#mode === 'fixed') return void this.#onWritable(res.getWriteOffset())
    res.cork(noop)
    this.#pieceBytes = Math.min(probeBytes, this.#writeBytes)
    this.#goOn()
  }

  reset(): void {
    this.bytes = 0
    this.headWritten = false
    this.complete = false
    this.blocked = false
    this.#res = null
    this.#mode = 'none'
    this.#status = 200
    this.#block = null
    this.#close = false
    this.#bindingCloses = false
    this.#total = 0
    this.#pending = null
    this.#borrowed = false
    this.#at = 0
    this.#pieceBytes = 0
    this.#ended = false
    this.#held = null
    this.#piece = null
    this.#ok = false
    this.#writableSet = false
    this.#closes = false
    this.#remainder = null
    if (this.#continuation !== null) clearImmediate(this.#continuation)
    this.#continuation = null
  }

  /** Ends the response with this piece, which fits one cork. */
  #endWith(piece: Buffer | null): void {
    this.#piece = piece
    this.#remainder = this.#onLast()
    this.#closes = this.#mayClose()
    ;(this.#res as HttpResponse).cork(this.#corkedLast)
    this.#done()
  }

  #done(): void {
    this.complete = true
    this.blocked = false
    this.#res = null
    this.#onComplete()
  }

  /** The client has kept up: all but the last byte is with its kernel for certain. Or it still sends, and is waited for. */
  #mayClose(): boolean {
    return this.#close && (this.#remainder !== null || !(this.#bindingCloses || this.#writableSet))
  }

  /** Bytes that fit one cork together with the head. There are some: the head's length is limited. */
  #roomBesideHead(): number {
    return oneCorkBytes - (this.#block as ResponseBlock).length
  }

  /** @param closeHeader say that the connection closes; not where `end` follows at once and says it */
  #writeHead(res: HttpResponse, lengthHeader: boolean, closeHeader: boolean): void {
    this.headWritten = true
    writeHead(res, this.#status, this.#block as ResponseBlock, lengthHeader, this.#close && closeHeader)
  }

  // ---- fixed ----

  #writeFixedChunk(chunk: Buffer, isLast: boolean): boolean {
    this.#borrowed = true
    this.#piece = chunk
    this.#at = this.bytes
    this.#closes = isLast && this.#mayClose() && this.headWritten
    ;(this.#res as HttpResponse).cork(this.#corkedFixed)
    return this.#afterFixed(chunk)
  }

  #writeFixed(): void {
    const res = this.#res as HttpResponse
    if (!this.headWritten) this.#writeHead(res, false, true)
    // As if there were more: the response stays ours.
    const total = this.#closes ? this.#total + 1 : this.#total
    ;[this.#ok, this.complete] = res.tryEnd(this.#piece as Buffer, total)
  }

  #afterFixed(chunk: Buffer): boolean {
    this.#piece = null
    if (this.#closes && this.#ok) {
      closeBehindLastByte(this.#res as HttpResponse, this.#remainder)
      this.complete = true
    }
    this.#closes = false
    if (this.complete || this.#ok) {
      this.bytes = this.#at + chunk.length
      if (this.complete) this.#done()
      return true
    }
    this.bytes = (this.#res as HttpResponse).getWriteOffset()
    return this.#wait(chunk)
  }

  // ---- chunked ----

  #writeChunked(chunk: Buffer): boolean {
    this.#pending = chunk
    this.#borrowed = true
    this.#at = 0
    if (!this.headWritten) this.#pieceBytes = Math.min(this.#writeBytes, this.#roomBesideHead())
    return this.#writePieces()
  }

  /** Writes `pending` as far as the client takes it. */
  #writePieces(): boolean {
    const res = this.#res as HttpResponse
    const pending = this.#pending as Buffer
    const before = this.bytes - this.#at
    while (this.#at < pending.length) {
      let end = Math.min(pending.length, this.#at + this.#pieceBytes)
      // As in `write`, the last byte apart: of each piece, since nobody knows which is the last.
      if (this.#close && end === pending.length && end > this.#at + 1 && before + end > oneCorkBytes) end--
      this.#piece = this.#at === 0 && end === pending.length ? pending : pending.subarray(this.#at, end)
      res.cork(this.#corkedPiece)
      this.#piece = null
      this.bytes += end - this.#at
      this.#at = end
      if (!this.#ok) {
        this.#pieceBytes = Math.min(cautiousBytes, this.#writeBytes)
        return this.#wait(pending)
      }
      this.#pieceBytes = this.#writeBytes
    }
    this.#pending = null
    return true
  }

  #writePiece(): void {
    const res = this.#res as HttpResponse
    if (!this.headWritten) this.#writeHead(res, false, true)
    this.#ok = res.write(this.#piece as Buffer)
  }

  /** More has come although the last write was refused: the endpoint's parser had it already. */
  #queue(chunk: Buffer): false {
    const pending = this.#pending as Buffer
    const from = this.#mode === 'fixed' ? 0 : this.#at
    this.#pending = Buffer.concat([pending.subarray(from), chunk])
    if (this.#mode === 'chunked') this.#at = 0
    else if (this.#at + this.#pending.length === this.#total) this.#remainder = this.#onLast()
    return false
  }

  /** @returns false if the client does not keep up. */
  #releaseHeld(): boolean {
    const held = this.#held
    if (held === null || this.#res === null) return !this.blocked
    this.#held = null
    return this.#writeChunked(held)
  }

  /** Everything that is left, in one cork: only ever as much as fits it. */
  #writeLast(): void {
    const res = this.#res as HttpResponse
    const piece = this.#piece
    this.#piece = null
    if (this.#mode === 'none') {
      this.#writeHead(res, this.#status !== 204, false)
      return endWithoutBody(res, this.#close, this.#bindingCloses, this.#remainder)
    }
    // In chunks only what goes out in more than one piece, or need not end the connection.
    if (this.#mode === 'fixed' || (!this.headWritten && (piece === null || this.#mayClose()))) {
      this.#writeHead(res, false, false)
      return endWhole(res, piece ?? '', this.#close, this.#bindingCloses, this.#remainder)
    }
    if (!this.headWritten) this.#writeHead(res, false, true)
    if (piece !== null) res.write(piece)
    if (this.#closes) endChunksAndClose(res, this.bytes <= oneCorkBytes, this.#remainder)
    else res.end()
  }

  // ---- the client does not keep up ----

  #wait(chunk: Buffer): false {
    this.blocked = true
    this.#pending = this.#borrowed ? this.#ownCopy(chunk) : chunk
    if (!this.#writableSet) {
      // 20.51.4 throws away a handler that is set a second time from inside the first: one for the whole response.
      this.#writableSet = true
      const res = this.#res as HttpResponse
      res.onWritable(this.#writable)
      // With something in the binding's buffer, which is another place than a new connection's.
      if (this.#mode === 'chunked') seePolling(res)
    }
    return false
  }

  /** Of what is not written yet. */
  #ownCopy(chunk: Buffer): Buffer {
    const written = this.#mode === 'fixed' ? this.bytes - this.#at : this.#at
    this.#at = this.#mode === 'fixed' ? this.bytes : 0
    this.#borrowed = false
    return Buffer.from(chunk.subarray(written))
  }

  #onWritable(offset: number): boolean {
    const res = this.#res
    if (res === null) return true
    // An empty cork makes the binding flush its own buffer, which it leaves to us once there is a handler.
    if (this.#pending === null || this.#mode === 'chunked') res.cork(noop)
    if (this.#pending === null) return true
    if (this.#mode === 'fixed') {
      const chunk = this.#pending
      this.#piece = chunk.subarray(offset - this.#at)
      this.#pending = null
      this.blocked = false
      this.#closes = this.#remainder !== null && this.#mayClose()
      res.cork(this.#corkedFixed)
      if (!this.#afterFixed(chunk)) return false
      // `complete` is no help: the exchange may have ended and reset this inside `#afterFixed`.
      if (this.#res !== null) this.#drained()
      return true
    }
    // The rest goes outside of this callback, where each piece gets a cork of its own.
    this.#continuation ??= setImmediate(this.#continue)
    return true
  }

  #goOn(): void {
    this.#continuation = null
    if (this.#res === null || this.#pending === null || !this.blocked) return
    this.blocked = false
    if (this.#writePieces()) this.#drained()
  }

  #drained(): void {
    if (this.#ended) this.end()
    else this.#onDrained()
  }
}
