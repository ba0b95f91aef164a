/**
 * A request body on its way from uWebSockets.js to undici, for bodies that do not come in one piece. undici takes it
 * for a stream: it needs `pipe` and `on` to be recognised, listens to data, end and error, and calls pause and resume.
 *
 *     client ─► onData ─► push ─► 'data' ─► undici ─► endpoint
 *                           └─ while paused: kept, and the client's socket is not read
 *
 * Invariants
 *   - `source.resume` comes only after a `source.pause` since the last one: a resume too many kills the connection. A pause
 *     too many does no harm, and is what keeps a leaky pause tight (native-notes/05-pause-and-resume.md).
 *   - what was in the socket when it was paused may still arrive; it is kept in order, up to `heldLimit`.
 *   - a `push` that ends paused is followed by another pause before the loop turns: one from inside the binding's callback does not hold.
 *   - never paused while `complete`: there is nothing to hold back, and the client's going is to be noticed.
 *   - after `destroy` or `detach` nothing is emitted, and what arrives is dropped.
 *   - `untouched` until undici has first asked for data; until then another body can take over all of it (`renewed`).
 */
import { EventEmitter } from 'node:events'
import { giveBack, handOver } from './piece.ts'

/** The client's side: uWS's response object, which pauses the socket it shares with the request. */
export interface Source {
  pause(): void
  resume(): void
}

/**
 * The binding reads on, pause or not, for as long as each read fills its 512 KiB. The receive buffer is kept smaller than
 * that (native/receive-buffer.ts), so next to nothing comes behind a pause. Where it could not be, a fast client gets
 * this far and no further.
 */
const heldLimitBytes = 32 * 1_024 * 1_024

export class RequestBody extends EventEmitter {
  /** The client has sent everything. */
  complete = false
  /** undici has been given everything. */
  delivered = false
  /** The client's socket is not read. */
  paused = false
  /** More has arrived than may be held. */
  overrun = false
  /** undici has taken nothing of it, and has not given it up. */
  untouched = true
  /** The source has been paused or resumed since this was last set to false. */
  disturbed = false
  #source: Source | null
  readonly #onDelivered: () => void
  #flowing = false
  #held: Buffer[] = []
  #heldBytes = 0
  #behindCallback: NodeJS.Immediate | null = null

  /** @param onDelivered undici has been given everything: the endpoint's answer is next */
  constructor(source: Source, onDelivered = (): void => {}) {
    super()
    this.#source = source
    this.#onDelivered = onDelivered
  }

  /** A chunk from the client, as `copyPiece` makes it: the bytes are this body's own, which gives them back. */
  push(chunk: Buffer, last: boolean): void {
    if (last) {
      this.complete = true
      this.#resumeSource()
    }
    if (this.#source === null) return giveBack(chunk)
    this.#take(chunk, last)
    if (this.paused) this.#pauseBehindCallback()
  }

  #take(chunk: Buffer, last: boolean): void {
    if (this.#flowing && this.#held.length === 0) {
      this.#emitChunk(chunk)
      if (last) this.#deliverEnd()
      return
    }
    if (chunk.length > 0) this.#held.push(chunk)
    this.#heldBytes += chunk.length
    if (this.#heldBytes > heldLimitBytes) this.overrun = true
    if (!last) this.#pauseSource()
  }

  #emitChunk(chunk: Buffer): void {
    if (chunk.length === 0) return
    handOver(chunk)
    this.emit('data', chunk)
    giveBack(chunk)
  }

  /**
   * The same body for another attempt, if this is `untouched`. This one is of no use any more: what undici may still do with it (destroy
   * it, when an attempt that was given up ends) harms nobody.
   */
  renewed(): RequestBody {
    const next = new RequestBody(this.#source as Source, this.#onDelivered)
    next.complete = this.complete
    next.paused = this.paused
    next.overrun = this.overrun
    next.disturbed = this.disturbed
    next.#held = this.#held
    next.#heldBytes = this.#heldBytes
    if (next.paused) next.#pauseBehindCallback()
    this.#source = null
    this.#held = []
    this.untouched = false
    return next
  }

  /** undici: go on. */
  resume(): this {
    this.untouched = false
    this.#flowing = true
    while (this.#flowing && this.#held.length > 0) {
      const chunk = this.#held.shift() as Buffer
      this.#heldBytes -= chunk.length
      this.#emitChunk(chunk)
    }
    if (!this.#flowing || this.#source === null) return this
    if (this.complete) this.#deliverEnd()
    else this.#resumeSource()
    return this
  }

  /** Called now and then while the upload stands still for the endpoint's sake: that must not count as the client's. */
  rearm(): void {
    if (this.paused) this.#pauseSource()
  }

  /** undici: the endpoint's socket is full. */
  pause(): this {
    this.#flowing = false
    if (!this.complete) this.#pauseSource()
    return this
  }

  /** undici is done with it, for better or worse. The rest of the body is read and dropped. */
  destroy(): this {
    this.detach(true)
    return this
  }

  /**
   * Lets go of the client's side.
   * @param resume the client's connection lives on and must be readable again
   */
  detach(resume: boolean): void {
    this.untouched = false
    if (resume) this.#resumeSource()
    this.#source = null
    for (const chunk of this.#held) giveBack(chunk)
    this.#held = []
    this.#heldBytes = 0
    this.overrun = false
  }

  /** Only so that undici knows a stream when it sees one. */
  pipe(): never {
    throw new Error('a request body is consumed by events, not piped')
  }

  #deliverEnd(): void {
    // undici may have let go of it inside the last 'data'.
    if (this.delivered || this.#source === null) return
    this.delivered = true
    this.#onDelivered()
    this.emit('end')
  }

  /** Data in spite of a pause has set the binding's timer and may have turned reading on: pausing again undoes both. */
  #pauseSource(): void {
    this.paused = this.#source !== null
    this.disturbed = true
    this.#source?.pause()
  }

  /**
   * Behind `onData` the binding tries to write what it holds of the response. If the client does not take that, the binding reads on,
   * pause or not, and so on for ever: a pause holds that comes when it is through with this event.
   */
  #pauseBehindCallback(): void {
    this.#behindCallback ??= setImmediate(() => {
      this.#behindCallback = null
      this.rearm()
    })
  }

  #resumeSource(): void {
    if (!this.paused || this.#source === null) return
    this.paused = false
    this.disturbed = true
    this.#source.resume()
  }
}
