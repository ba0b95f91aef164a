/**
 * A plain TCP or Unix connection to an endpoint, as undici sees it: what undici uses of a `net.Socket`, and no more. A
 * socket of Node's costs a good part of what a proxied request costs: it allocates 64 KiB for each read, and takes each
 * piece through a Readable and each head through a Writable that nobody needs here
 * (native-notes/07-undici-connections.md has the figures).
 *
 *     kernel ──► one buffer for all sockets of the worker ──► 'readable' ──► undici's parser ──► read
 *     kernel ◄── the handle, one call per head, or head and piece of a body ◄── write
 *
 * What the kernel does not take at once libuv writes later, in order with what follows (`#late`). Without a handle (native/socket-handle.ts)
 * everything goes through the net.Socket, and waits in there.
 *
 * Invariants
 *   - bytes that `read` returns are good until the callback that brought them and its microtasks have ended: the next read,
 *     of any socket, overwrites them. Who keeps them longer copies them: ResponseBody what its client does not take, and
 *     this file what the parser keeps of a head, or of trailers, that are not whole yet.
 *   - while `#held` is not null the kernel's side is not read.
 *   - a write goes past the net.Socket only while nothing waits in that, so that bytes stay in order. With a handle nothing ever does.
 *   - the process does not wait for these sockets: what is in flight is held by its client's connection.
 */

import { Buffer } from 'node:buffer'
import { EventEmitter } from 'node:events'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { type Handle, handleOf, takeReads, writeLatin1, writeWithHead } from '../native/socket-handle.ts'
import { errors } from '../native/undici.ts'
import { taken } from './body/piece.ts'
import { ContinueDisguise, type ResponsesRead } from './headers/disguise-continue.ts'
import { Shortcut } from './shortcut.ts'
import { keepFields, parserOf } from './undici-parser.ts'

/** As much as a read of Node's own asks for. */
const readBytes = 65_536
const readBuffer = Buffer.allocUnsafeSlow(readBytes)
/** As undici's connector has it. */
const keepAliveProbeMs = 60_000

/**
 * Views of the buffer's first bytes, by their number. Responses are often of the same size, and a view with a `buffer` of its
 * own is worth keeping: undici asks the one at hand for it at every piece of a head, and the inherited getter costs more than
 * all else that is done with it.
 */
const views: (Buffer | undefined)[] = []
const viewsMax = 4_096

function viewOf(bytes: number): Buffer {
  if (bytes > viewsMax) return readBuffer.subarray(0, bytes)
  const known = views[bytes]
  if (known !== undefined) return known
  const view = readBuffer.subarray(0, bytes)
  Object.defineProperty(view, 'buffer', { value: readBuffer.buffer })
  views[bytes] = view
  return view
}

/** What is asked of the requests on the connection. */
export interface Reading extends ResponsesRead {
  /** Whose response is being read; null between two. */
  readonly reader: { resume(): void } | null
  /** Requests that are under way. */
  readonly inFlight: number
}

/** Heads written while these are held leave when they are flushed, those of one socket together. null: they leave at once. */
let holding: EndpointSocket[] | null = null
const heldSockets: EndpointSocket[] = []

export function holdHeads(): void {
  holding = heldSockets
}

export function flushHeads(): void {
  holding = null
  for (let index = 0; index < heldSockets.length; index++) (heldSockets[index] as EndpointSocket).flush()
  heldSockets.length = 0
}

/** undici's mark of a socket whose last request left it idle; found by its description when one is first seen. */
let usedMark: symbol | undefined

type Callback = (error: Error | null, socket: EndpointSocket | null) => void

export class EndpointSocket extends EventEmitter {
  destroyed = false
  errored: Error | null = null
  readonly #reading: Reading
  readonly #disguise: ContinueDisguise
  #shortcut: Shortcut | null = null
  readonly #socket: Socket
  #handle: Handle | null = null
  /** Read from the kernel, not yet by undici. */
  #held: Buffer | null = null
  /** undici is to read what is held first. */
  #stopped = false
  #parsing = false
  /** The first so many are to be done: a list that is emptied would give its memory back, and most reads have one. */
  #actCount = 0
  readonly #acts: (() => void)[] = []
  #corked = false
  /** Text that leaves with the piece of a body behind it. */
  #corkedText = ''
  /** Writes of pieces past the net.Socket that the kernel has not taken all of. */
  #late = 0
  /** Something was given to the net.Socket since it was last seen empty. */
  #mayWait = false
  /** Written, and held back until the turn's requests have all been written. */
  #heads = ''

  /**
   * Begins to connect; calls back once.
   * @param timeoutMs 0: the system's
   */
  constructor(target: NetConnectOpts, timeoutMs: number, reading: Reading, callback: Callback) {
    super()
    this.#reading = reading
    this.#disguise = new ContinueDisguise(reading)
    // undici listens only while it has a client for the socket, and an error that nobody listens to ends the worker.
    this.on('error', () => {})
    this.#socket = connect({
      ...target,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveProbeMs,
      onread: {
        buffer: readBuffer,
        callback: (bytes: number) => this.#take(bytes),
      },
    })
    this.#open(timeoutMs, callback)
  }

  #open(timeoutMs: number, callback: Callback): void {
    const socket = this.#socket
    let settled = false
    const settle = (error: Error | null): void => {
      settled = true
      clearTimeout(timer)
      callback(error, error === null ? this : null)
    }
    const expired = (): void => {
      socket.destroy(new errors.ConnectTimeoutError(`no connection within ${timeoutMs} ms`))
    }
    const timer = timeoutMs > 0 ? setTimeout(expired, timeoutMs) : undefined
    socket.once('connect', () => {
      socket.unref()
      this.#handle = handleOf(socket)
      if (this.#handle !== null) takeReads(this.#handle, (bytes) => this.#take(bytes))
      settle(null)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.destroyed = true
      this.errored = error
      if (!settled) return settle(error)
      // undici would ask its parser whether the response was whole all the same. It was not, or nobody would read.
      if (this.#reading.reader !== null && error.code === 'ECONNRESET') error.code = 'ECONNABORTED'
      this.emit('error', error)
    })
    socket.on('end', () => {
      // All bytes are read: there is nothing left for a pause to hold back (native-notes/12-paused-at-the-end.md).
      this.#reading.reader?.resume()
      this.emit('end')
    })
    socket.on('drain', () => this.#drained())
    socket.on('close', () => {
      this.destroyed = true
      this.#handle = null
      if (!settled) return settle(new Error('closed before it was connected'))
      this.emit('close')
    })
  }

  // ---- reading ----

  /** undici has made the socket its own. */
  takeOver(): void {
    const parser = parserOf(this)
    this.#shortcut = parser === null ? null : new Shortcut(parser)
  }

  /** @returns false: the kernel's side is not to be read for now */
  #take(bytes: number): boolean {
    const chunk = viewOf(bytes)
    this.#parsing = true
    const whole = this.#takeWhole(chunk)
    if (whole < bytes) this.#parse(whole === 0 ? chunk : chunk.subarray(whole))
    this.#parsing = false
    this.#afterRead()
    if (this.#held === null) return true
    this.#stopped = true
    return false
  }

  /** @returns how much of it undici need not parse; all of it, if there is no connection any more */
  #takeWhole(chunk: Buffer): number {
    if (this.#shortcut === null) return 0
    let whole = -1
    try {
      whole = this.#shortcut.take(chunk)
    } catch (error) {
      this.destroy(error as Error)
    }
    if (whole >= 0) return whole
    this.destroy()
    return chunk.length
  }

  #parse(chunk: Buffer): void {
    this.#disguise.look(chunk)
    this.#held = chunk
    this.emit('readable')
    if (this.#reading.inFlight > 0) keepFields(this)
    // The response was paused before undici got this far, or within it, and then `unshift` has made a copy.
    if (this.#held === chunk) this.#held = Buffer.from(chunk)
  }

  /**
   * Has something done as soon as undici's parser is through with what is being read.
   * @returns false: nothing is
   */
  whenParsed(act: () => void): boolean {
    if (this.#parsing) this.#acts[this.#actCount++] = act
    return this.#parsing
  }

  #afterRead(): void {
    for (let index = 0; index < this.#actCount; index++) (this.#acts[index] as () => void)()
    this.#actCount = 0
  }

  read(): Buffer | null {
    const held = this.#held
    this.#held = null
    if (held === null && this.#stopped) {
      this.#stopped = false
      this.#socket.resume()
    }
    return held
  }

  /** What the parser has not got to before it was paused. */
  unshift(rest: Buffer): void {
    this.#held = Buffer.from(rest)
  }

  // ---- writing ----

  write(data: string | Uint8Array, encoding?: BufferEncoding): boolean {
    if (this.#handle !== null && !this.#waits()) {
      if (typeof data !== 'string') return this.#writePiece(this.#handle, data)
      if (encoding === 'latin1') return this.#writeText(this.#handle, data)
    }
    this.flush()
    this.#mayWait = true
    if (typeof data === 'string') return this.#socket.write(data, encoding)
    return this.#socket.write(data, (error) => {
      if (error == null) taken(data as Buffer)
    })
  }

  #writeText(handle: Handle, text: string): boolean {
    if (this.#corked) this.#corkedText += text
    else if (holding === null) writeLatin1(handle, text, this.#failed)
    else this.#hold(text)
    return true
  }

  /** With the text in front of it. @returns false: the kernel takes no more for now */
  #writePiece(handle: Handle, piece: Uint8Array): boolean {
    const text = this.#heads + this.#corkedText
    this.#heads = ''
    this.#corkedText = ''
    this.#late++
    let returned = false
    const atOnce = writeWithHead(handle, text, piece, (error) => {
      this.#late--
      if (error !== null) return this.#failed(error)
      taken(piece as Buffer)
      if (returned) this.#drained()
    })
    returned = true
    return atOnce
  }

  #drained(): void {
    if (!this.destroyed && !this.writableNeedDrain) this.emit('drain')
  }

  /** Whether something waits in the net.Socket, which takes some getters to tell. */
  #waits(): boolean {
    if (this.#mayWait) this.#mayWait = this.#socket.writableLength > 0
    return this.#mayWait
  }

  #hold(head: string): void {
    if (this.#heads === '') (holding as EndpointSocket[]).push(this)
    this.#heads += head
  }

  /** Sends the heads that are held. */
  flush(): void {
    const heads = this.#heads
    if (heads === '') return
    this.#heads = ''
    if (this.#handle !== null) writeLatin1(this.#handle, heads, this.#failed)
  }

  readonly #failed = (error: Error): void => {
    this.destroy(error)
  }

  get writableNeedDrain(): boolean {
    return this.#late > 0 || this.#socket.writableNeedDrain
  }

  /** What comes now leaves in one piece: undici has a piece of a body behind it. */
  cork(): void {
    this.#corked = true
    if (this.#handle === null || this.#waits()) this.#socket.cork()
  }

  uncork(): void {
    this.#corked = false
    const text = this.#corkedText
    this.#corkedText = ''
    if (text !== '') this.write(text, 'latin1')
    this.#socket.uncork()
  }

  /**
   * Everything that had come over the connection before this turn of the event loop has been read (departures.ts): undici
   * need not wait for a turn of its own. Where the mark is not found, it waits.
   */
  settled(): void {
    usedMark ??= Object.getOwnPropertySymbols(this).find(({ description }) => description === 'kSocketUsed')
    if (usedMark !== undefined) (this as unknown as Record<symbol, boolean>)[usedMark] = false
  }

  // ---- the rest of what undici asks for ----

  destroy(error?: Error): this {
    this.destroyed = true
    this.#handle = null
    this.#socket.destroy(error)
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  /** Only so that undici knows a stream when it sees one. */
  pipe(): never {
    throw new Error('an endpoint’s socket is read by its parser, not piped')
  }
}
