/**
 * The response object of uWebSockets.js 20.51.4 with a socket and a client behind it, modelled on AsyncSocket.h and
 * HttpResponse.h of uWebSockets v20.71 (the C++ inside that version). It loses what the real one loses.
 *
 *     write, tryEnd, end ─► cork buffer (16 KiB, one per loop) ─► kernel (`kernelBytes`) ─► `read` by the client
 *                                                  └─ full ─► user-space buffer ─► flushed by the next write, or on
 *                                                             writable if no handler is set
 *
 * What a proxy must never do is noted in `misuse` rather than thrown, so that a test reports it whoever catches errors;
 * bytes that the binding drops are counted in `lostBytes`.
 */
import type { HttpResponse } from '../../../src/native/uws.ts'
import { type ParsedResponse, parseResponse } from './parse-response.ts'

const corkBufferBytes = 16_384
/** Two writes in one cork that are larger than this together are at the mercy of the kernel's buffer. */
const safeCorkBytes = 16_000
const date = 'Mon, 23 Nov 2026 12:00:00 GMT'

type Text = string | Uint8Array | ArrayBuffer

/** What all responses of one event loop share: one of them may be corked at a time. */
export class FakeLoop {
  corked: FakeResponse | null = null
  corkBuffer: Buffer[] = []
  corkOffset = 0
  /** What a pause saw last, of a connection with nothing in its user-space buffer and of one with something: for all of them. */
  readonly polled: [empty: Polled, buffered: Polled] = [nothingPolled, nothingPolled]
}

/** What a connection is looked at for. */
interface Polled {
  readonly readable: boolean
  readonly writable: boolean
}

const nothingPolled: Polled = { readable: false, writable: false }

export interface FakeResponseOptions {
  /** What the kernel takes before the client reads. Unlimited by default. */
  readonly kernelBytes?: number
  /** 127.0.0.1 by default. */
  readonly address?: readonly number[]
  readonly loop?: FakeLoop
  /** Of earlier answers, which the client has not read: they fill the kernel's buffer, and so much is in the user-space buffer. */
  readonly behindBytes?: number
  /** The client asked for the connection to be closed behind the response. */
  readonly clientCloses?: boolean
}

export class FakeResponse {
  readonly misuse: string[] = []
  /** Bytes handed over and dropped by the binding. */
  lostBytes = 0
  /** The response is complete as far as the binding is concerned. */
  done = false
  /** `end`: behind a complete response; `close`: by `close()`; `client`: the client left. */
  closedBy: 'end' | 'close' | 'client' | null = null
  /** Calls of `pause` and `resume` in order. */
  readonly throttling: ('pause' | 'resume')[] = []
  readonly #loop: FakeLoop
  readonly #kernelBytes: number
  readonly #address: readonly number[]
  readonly #received: Buffer[] = []
  /** Bytes that are not this response's. */
  readonly #behind: number = 0
  #kernel: Buffer = Buffer.alloc(0)
  #buffered: Buffer = Buffer.alloc(0)
  #polled: Polled = { readable: true, writable: false }
  #corkWrites: number[] = []
  #valid = true
  #statusCalled = false
  #writeCalled = false
  #endCalled = false
  #closing: boolean
  #offset = 0
  #onAborted: (() => void) | null = null
  #onWritable: ((offset: number) => boolean) | null = null
  #onData: ((bytes: ArrayBuffer, last: boolean) => void) | null = null

  constructor(options: FakeResponseOptions = {}) {
    this.#loop = options.loop ?? new FakeLoop()
    this.#kernelBytes = options.kernelBytes ?? Number.POSITIVE_INFINITY
    this.#address = options.address ?? [127, 0, 0, 1]
    this.#closing = options.clientCloses ?? false
    const { behindBytes = 0 } = options
    if (behindBytes === 0) return
    this.#kernel = Buffer.alloc(this.#kernelBytes)
    this.#buffered = Buffer.alloc(behindBytes)
    this.#behind = this.#kernelBytes + behindBytes
    this.#polled = { readable: true, writable: true }
  }

  get native(): HttpResponse {
    return this as unknown as HttpResponse
  }

  // ---- the client's side ----

  /** Takes what the kernel holds, `limit` bytes at most. Room that it makes is offered to the response. */
  read(limit = Number.POSITIVE_INFINITY): number {
    const count = Math.min(limit, this.#kernel.length)
    if (count === 0) return 0
    this.#received.push(this.#kernel.subarray(0, count))
    this.#kernel = this.#kernel.subarray(count)
    if (this.#polled.writable && this.closedBy === null) this.#writable()
    return count
  }

  /** All that has been written so far, wherever it is by now. */
  get bytes(): Buffer {
    return Buffer.concat([...this.#received, this.#kernel, this.#buffered]).subarray(this.#behind)
  }

  /** What the client has read so far. */
  get receivedBytes(): Buffer {
    return Buffer.concat(this.#received).subarray(this.#behind)
  }

  /** All that has been written, read as HTTP. @throws where it is none */
  parse(isHead = false): ParsedResponse {
    return parseResponse(this.bytes, isHead)
  }

  /** The client sends a piece of its body; its memory is gone when the handler returns. */
  sendBody(piece: Buffer | string, last: boolean): void {
    const bytes = new Uint8Array(Buffer.from(piece as string)).buffer
    this.inHandler(() => this.#onData?.(bytes, last))
    structuredClone(bytes, { transfer: [bytes] })
    if (last) this.#onData = null
  }

  /** The client is gone. */
  leave(): void {
    this.#close('client')
  }

  /** The binding takes what the client sends. */
  get isRead(): boolean {
    return this.#polled.readable
  }

  /** Runs as the binding runs a request or data handler: corked, and checked for a close behind it. */
  inHandler(handler: () => void): void {
    this.cork(handler, true)
  }

  // ---- what Weir calls ----

  onAborted(handler: () => void): this {
    this.#check()
    this.#onAborted = handler
    return this
  }

  onWritable(handler: (offset: number) => boolean): this {
    this.#check()
    this.#onWritable = handler
    return this
  }

  onData(handler: (bytes: ArrayBuffer, last: boolean) => void): this {
    this.#check()
    this.#onData = handler
    return this
  }

  getRemoteAddress(): ArrayBuffer {
    this.#check()
    return new Uint8Array(this.#address).buffer
  }

  getWriteOffset(): number {
    this.#check()
    return this.#offset
  }

  pause(): void {
    this.#check()
    this.throttling.push('pause')
    if (this.#polled.readable || this.#polled.writable) this.#loop.polled[this.#polledAt] = this.#polled
    this.#polled = nothingPolled
  }

  resume(): void {
    this.#check()
    this.throttling.push('resume')
    const resumes = this.throttling.filter((each) => each === 'resume').length
    if (2 * resumes > this.throttling.length) this.misuse.push('resume without a pause')
    this.#polled = this.#loop.polled[this.#polledAt]
    if (this.#polled === nothingPolled) this.misuse.push('a resume that makes the connection deaf')
  }

  /** AsyncSocket::throttle_helper. */
  get #polledAt(): 0 | 1 {
    return this.#buffered.length > 0 ? 1 : 0
  }

  close(): this {
    this.#check()
    this.#close('close')
    return this
  }

  cork(handler: () => void, fromBinding = false): this {
    if (!fromBinding) this.#check()
    if (this.#loop.corked !== null) {
      handler()
      return this
    }
    this.#loop.corked = this
    this.#corkWrites = []
    handler()
    // Nobody is corked any more where a large write has sent the buffer off.
    if (this.#loop.corked !== null) {
      this.#uncork()
      this.#closeIfDone()
    }
    return this
  }

  writeStatus(status: Text): this {
    this.#check()
    this.#status(status)
    return this
  }

  writeHeader(name: Text, value: Text): this {
    this.#check()
    this.#header(name, value)
    return this
  }

  write(data: Text): boolean {
    this.#check()
    const bytes = toBytes(data)
    this.#noteBodyWrite(bytes.length)
    this.#status('200 OK')
    if (bytes.length === 0) return true
    if (!this.#writeCalled) {
      this.#header('Date', date)
      this.#header('Transfer-Encoding', 'chunked')
      this.#writeCalled = true
    }
    for (const text of ['\r\n', bytes.length.toString(16), '\r\n']) this.#put(toBytes(text), false)
    return !this.#put(bytes, false).failed
  }

  tryEnd(data: Text, total: number): [ok: boolean, done: boolean] {
    this.#check()
    const bytes = toBytes(data)
    if (bytes.length === 0) this.misuse.push('an empty tryEnd')
    this.#noteBodyWrite(bytes.length)
    const ok = this.#internalEnd(bytes, total, true, true, false)
    if (this.done) this.#valid = false
    return [ok, this.done]
  }

  end(data: Text = '', close = false): this {
    this.#check()
    this.#valid = false
    const bytes = toBytes(data)
    this.#noteBodyWrite(bytes.length)
    this.#internalEnd(bytes, bytes.length, false, true, close)
    return this
  }

  endWithoutBody(reportedContentLength?: number, close = false): this {
    this.#check()
    this.#valid = false
    if (reportedContentLength !== undefined || close) this.misuse.push('endWithoutBody with arguments')
    this.#internalEnd(Buffer.alloc(0), 0, false, false, close)
    return this
  }

  // ---- HttpResponse.h ----

  #check(): void {
    if (this.#valid) return
    this.misuse.push('access after the end')
    throw new Error(
      'uWS.HttpResponse must not be accessed after uWS.HttpResponse.onAborted callback, or after a successful response.',
    )
  }

  #status(status: Text): void {
    if (this.#statusCalled) return
    this.#statusCalled = true
    for (const text of ['HTTP/1.1 ', status, '\r\n']) this.#put(toBytes(text), false)
  }

  #header(name: Text, value: Text): void {
    this.#status('200 OK')
    for (const text of [name, ': ', value, '\r\n']) this.#put(toBytes(text), false)
  }

  #internalEnd(data: Buffer, total: number, optional: boolean, withLength: boolean, close: boolean): boolean {
    this.#status('200 OK')
    if (close) {
      if (!this.#closing) this.#header('Connection', 'close')
      this.#closing = true
    }
    if (this.#writeCalled) {
      if (data.length > 0) {
        for (const text of ['\r\n', data.length.toString(16), '\r\n']) this.#put(toBytes(text), false)
        this.#put(data, false)
      }
      this.#put(toBytes('\r\n0\r\n\r\n'), false)
      this.#markDone()
      return true
    }
    if (!this.#endCalled) {
      this.#endCalled = true
      this.#header('Date', date)
      this.#put(toBytes(withLength ? `Content-Length: ${total || data.length}\r\n\r\n` : '\r\n'), false)
    }
    const { written, failed } = data.length > 0 ? this.#put(data, optional) : { written: 0, failed: false }
    this.#offset += written
    if (this.#offset === total) this.#markDone()
    return written === data.length && !failed
  }

  #markDone(): void {
    this.done = true
    this.#onAborted = null
    this.#onWritable = null
    if (this.#loop.corked !== this) this.#closeIfDone()
  }

  #closeIfDone(): void {
    if (this.#closing && this.done && this.#buffered.length === 0 && this.closedBy === null)
      this.#close('end')
  }

  #close(by: 'end' | 'close' | 'client'): void {
    if (this.closedBy !== null) return
    this.closedBy = by
    this.#valid = false
    this.#onData = null
    const aborted = this.#onAborted
    this.#onAborted = null
    aborted?.()
  }

  #writable(): void {
    this.#polled = { readable: true, writable: false }
    const handler = this.#onWritable
    if (handler === null) {
      this.#put(Buffer.alloc(0), true)
      this.#closeIfDone()
      return
    }
    // What is registered from inside is thrown away; what is taken away (a response that is done) stays away.
    this.#onWritable = () => true
    handler(this.#offset)
    if (this.#onWritable !== null) this.#onWritable = handler
  }

  #noteBodyWrite(bytes: number): void {
    if (this.#loop.corked !== this || bytes === 0) return
    this.#corkWrites.push(bytes)
    const together = this.#corkWrites.reduce((sum, each) => sum + each, 0)
    if (this.#corkWrites.length > 1 && together > safeCorkBytes) {
      this.misuse.push(`writes of ${this.#corkWrites.join(' and ')} bytes in one cork`)
    }
  }

  // ---- AsyncSocket.h ----

  /** Into the cork buffer, the kernel, or, unless `optional`, the user-space buffer. */
  #put(data: Buffer, optional: boolean): { written: number; failed: boolean } {
    if (this.closedBy !== null) return { written: data.length, failed: false }
    if (this.#buffered.length > 0) {
      this.#buffered = this.#buffered.subarray(this.#toKernel(this.#buffered))
      if (this.#buffered.length > 0) {
        if (optional) return { written: 0, failed: true }
        this.#buffered = Buffer.concat([this.#buffered, data])
        return { written: data.length, failed: true }
      }
    }
    if (data.length === 0) return { written: 0, failed: false }
    const loop = this.#loop
    if (loop.corked === this) {
      if (loop.corkOffset + data.length > corkBufferBytes) {
        const result = this.#uncork(data, optional)
        if (!optional && result.written < data.length) this.lostBytes += data.length
        return result
      }
      loop.corkBuffer.push(data)
      loop.corkOffset += data.length
      return { written: data.length, failed: false }
    }
    const written = this.#toKernel(data)
    if (written === data.length) return { written, failed: false }
    if (optional) return { written, failed: true }
    this.#buffered = Buffer.concat([this.#buffered, data.subarray(written)])
    return { written: data.length, failed: true }
  }

  #uncork(data: Buffer = Buffer.alloc(0), optional = false): { written: number; failed: boolean } {
    const loop = this.#loop
    loop.corked = null
    if (loop.corkOffset > 0) {
      const corked = Buffer.concat(loop.corkBuffer)
      loop.corkBuffer = []
      loop.corkOffset = 0
      // As in the binding: what was to follow is not written, and not kept either.
      if (this.#put(corked, false).failed) return { written: 0, failed: true }
    }
    return this.#put(data, optional)
  }

  #toKernel(data: Buffer): number {
    const count = Math.min(data.length, this.#kernelBytes - this.#kernel.length)
    if (count > 0) this.#kernel = Buffer.concat([this.#kernel, data.subarray(0, count)])
    if (count < data.length) this.#polled = { readable: true, writable: true }
    return count
  }
}

function toBytes(text: Text): Buffer {
  return typeof text === 'string' ? Buffer.from(text, 'utf8') : Buffer.from(new Uint8Array(text))
}
