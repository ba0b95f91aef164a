/**
 * The client's side of a request body: what uWebSockets.js hands over, kept as one buffer if it comes in one piece or is wanted so, and
 * turned into a stream if not. Belongs to an exchange and is used again with it.
 *
 *     none ──begin──► coming ──► whole     the first piece was the last
 *                         ├────► whole     or all of it was waited for, so that it can be sent twice
 *                         └────► streamed  further pieces go through a RequestBody
 *
 * Invariants
 *   - `onReady` is called once, when the first bytes are here or the body has turned out empty.
 *   - while `coming`, the native layer goes on calling back, whatever has become of the response: an exchange is not used
 *     again before it has ended, or the rest of one body would become another's.
 */
import { Buffer } from 'node:buffer'
import type { HttpResponse } from '../../native/uws.ts'
import { type Outcome, outcomes } from '../../plan/outcome.ts'
import { copyPiece, giveBack, streamPieceBytes } from './piece.ts'
import { RequestBody, type Source } from './request-body.ts'

/** Memory for a body that is waited for, unless it is shorter: beyond that, no more than twice what has come. */
const gatherBytes = 65_536

export class Upload {
  /** The native layer still has body to hand over. */
  coming = false
  /** Received of this body, framing not counted. */
  bytes = 0
  #whole: Buffer | null = null
  #stream: RequestBody | null = null
  #res: HttpResponse | null = null
  #onReady: (() => void) | null = null
  readonly #onMoved: () => void
  readonly #onRefused: (outcome: Outcome) => void
  #bytesMax = 0
  /** Nobody takes any more of it. */
  #dropped = false
  /** Of a body that is wanted whole, all of it; 0: it is not. */
  #wholeBytes = 0
  /** The beginning of such a body, and room for more. */
  #gathered: Buffer | null = null
  readonly #onData = (bytes: ArrayBuffer, last: boolean): void => this.#take(bytes, last)

  /**
   * @param onMoved a further piece has come, or the last one has been delivered
   * @param onRefused more has come than may be held, or than a body may have
   */
  constructor(onMoved: () => void, onRefused: (outcome: Outcome) => void) {
    this.#onMoved = onMoved
    this.#onRefused = onRefused
  }

  /** What an attempt is to send: null for no body. Whoever writes a Buffer hands it over (piece.ts); a stream does so itself. */
  get body(): Buffer | RequestBody | null {
    return this.#whole ?? this.#stream
  }

  /** It can be sent a second time: there is none, or it is whole in memory. */
  get replayable(): boolean {
    return this.#stream === null
  }

  /** Nothing of it has been taken: it can be given to another attempt, which streams the rest. */
  get untouched(): boolean {
    return this.#stream?.untouched ?? true
  }

  /** Before an attempt that is not the first: it gets a stream of its own. */
  renew(): void {
    if (this.#stream?.untouched === true) this.#stream = this.#stream.renewed()
  }

  /** Of what is here, in bytes. */
  get length(): number {
    return this.#whole?.length ?? 0
  }

  /** undici has not been given all of it. */
  get delivering(): boolean {
    return this.#stream !== null && !this.#stream.delivered
  }

  /** It is the client's turn: more is to come, and nothing of ours holds it back. */
  get awaitsClient(): boolean {
    return this.coming && !this.paused
  }

  /** The client's socket is not read, since the endpoint takes no more. */
  get paused(): boolean {
    return this.#stream?.paused ?? false
  }

  /**
   * Must be called inside the native handler: what comes before somebody listens is lost.
   * @param bytesMax what the body may have; 0: anything
   * @param wholeBytes wait for all of it, which is so much, so that it can be sent twice; 0: do not
   */
  begin(res: HttpResponse, onReady: () => void, bytesMax = 0, wholeBytes = 0): void {
    this.#wholeBytes = wholeBytes
    this.bytes = 0
    this.#bytesMax = bytesMax
    this.#dropped = false
    this.coming = true
    this.#res = res
    this.#onReady = onReady
    res.onData(this.#onData)
  }

  /** Tells the binding that this transfer is still wanted. @param res the connection, if it can be touched */
  rearm(res: Source | null): void {
    if (this.paused) return this.#stream?.rearm()
    res?.pause()
    res?.resume()
  }

  /** The client's connection has been paused or resumed, which the binding may have taken for both directions. */
  get disturbed(): boolean {
    return this.#stream?.disturbed ?? false
  }

  /**
   * To be called now and then while the response waits for the client and this is `disturbed`: a paused connection has no
   * writable events, and one that was resumed may have lost them (native-notes/05-pause-and-resume.md).
   */
  nudge(response: { nudge(): void }): void {
    const stream = this.#stream
    if (stream !== null && !stream.paused) stream.disturbed = false
    response.nudge()
    // A write that was refused has turned reading on.
    stream?.rearm()
  }

  /**
   * Lets go of the client's connection, before its response ends. What still comes is dropped, however much it is: nobody is there to refuse it.
   * @param alive it can still be touched, and must be readable again
   * @returns itself, if more is to come
   */
  detach(alive: boolean): this | null {
    this.#onReady = null
    this.#gathered = null
    this.#bytesMax = 0
    this.#dropped = true
    this.#stream?.detach(alive)
    return this.coming ? this : null
  }

  /** The connection is gone: nothing more can come. */
  gone(): void {
    this.coming = false
    this.detach(false)
  }

  reset(): void {
    this.coming = false
    this.bytes = 0
    if (this.#whole !== null) giveBack(this.#whole)
    this.#whole = null
    this.#stream = null
    this.#wholeBytes = 0
    this.#gathered = null
    this.#res = null
    this.#onReady = null
  }

  #take(bytes: ArrayBuffer, last: boolean): void {
    if (last) this.coming = false
    this.bytes += bytes.byteLength
    if (this.#dropped) return
    if (this.#bytesMax > 0 && this.bytes > this.#bytesMax) {
      this.#bytesMax = 0
      return this.#onRefused(outcomes.bodyTooLarge)
    }
    if (this.#stream !== null) {
      stream(bytes, this.#stream, last)
      if (this.#stream.overrun) this.#onRefused(outcomes.uploadOverrun)
      else this.#onMoved()
      return
    }
    const onReady = this.#onReady
    if (onReady === null || (bytes.byteLength === 0 && !last)) return
    if (this.#wholeBytes > 0 && (!last || this.#gathered !== null)) {
      this.#gather(bytes)
      if (!last) return this.#onMoved()
      this.#whole = this.#gathered
      this.#gathered = null
      this.#onReady = null
      return onReady()
    }
    this.#onReady = null
    if (!last) {
      this.#stream = new RequestBody(this.#res as HttpResponse, this.#onMoved)
      stream(bytes, this.#stream, false)
    } else if (bytes.byteLength > 0) {
      this.#whole = copyPiece(bytes)
    }
    onReady()
  }

  #gather(bytes: ArrayBuffer): void {
    const before = this.bytes - bytes.byteLength
    let gathered = this.#gathered
    if (gathered === null || gathered.length < this.bytes) {
      const room = Math.min(this.#wholeBytes, Math.max(gatherBytes, 2 * this.bytes))
      gathered = Buffer.allocUnsafeSlow(room)
      this.#gathered?.copy(gathered, 0, 0, before)
      this.#gathered = gathered
    }
    gathered.set(new Uint8Array(bytes), before)
  }
}

/** Gives a stream what has come, cut into pieces. */
function stream(bytes: ArrayBuffer, to: RequestBody, last: boolean): void {
  const { byteLength } = bytes
  let at = 0
  for (; byteLength - at > streamPieceBytes; at += streamPieceBytes)
    to.push(copyPiece(bytes, at, at + streamPieceBytes), false)
  to.push(copyPiece(bytes, at), last)
}
