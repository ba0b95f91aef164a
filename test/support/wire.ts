/**
 * HTTP/1.1 on a raw socket, as little of it as tests need and strict where a proxy could go wrong: chunk sizes, the
 * CRLF behind each chunk, early ends. Both the scriptable origin and the raw client read through a Wire.
 *
 * Invariants of a Wire
 * - It pulls: bytes leave the socket only while somebody waits for them, so a reader that stops reading stops the peer
 *   (the kernel's buffers and at most 64 KiB here lie between).
 * - `#rest` are the bytes taken from the socket and not yet handed out. One reader at a time.
 * - An end of the connection is noticed even while nobody reads, unless unread bytes lie in front of it.
 */
import type { Socket } from 'node:net'

/** Name and value as byte strings (one character per byte, latin1), the name as it was sent. */
export type Header = readonly [name: string, value: string]

export interface Head {
  /** Every byte, with the empty line. */
  readonly raw: Buffer
  readonly startLine: string
  readonly headers: readonly Header[]
}

export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' }

/**
 * `closed`: the peer ended the connection between messages. `truncated`: within one. `reset`: by RST, wherever.
 * `malformed`: bytes that are not HTTP/1.1. `timeout`: nothing came for too long.
 */
export type WireErrorKind = 'closed' | 'truncated' | 'reset' | 'malformed' | 'timeout'

export class WireError extends Error {
  readonly kind: WireErrorKind

  constructor(kind: WireErrorKind, message: string) {
    super(message)
    this.name = 'WireError'
    this.kind = kind
  }
}

const empty = Buffer.alloc(0)
const crlf = Buffer.from('\r\n')
const emptyLine = Buffer.from('\r\n\r\n')
const headBytesMax = 1 << 20

export class Wire {
  readonly socket: Socket
  /** Longest wait for the next byte, in milliseconds; 0: none. */
  patienceMs = 0
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<'fin' | 'reset'>
  #rest: Buffer = empty
  #fin = false
  #resetCode = ''
  #isClosed = false
  #wake: (() => void) | null = null

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('readable', () => {
      // Only a read discovers the end of a stream; with nothing buffered it takes nothing away.
      if (socket.readableLength === 0) socket.read()
      this.#wake?.()
    })
    socket.on('end', () => {
      this.#fin = true
      this.#wake?.()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#resetCode = error.code ?? error.message
    })
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true
        resolve(this.#resetCode === '' ? 'fin' : 'reset')
        this.#wake?.()
      })
    })
  }

  /** Has the connection ended, as far as one can tell without reading on? */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** What has arrived and was not consumed yet, left where it is. */
  peek(): Buffer {
    const chunk: Buffer | null = this.#isClosed ? null : this.socket.read()
    if (chunk !== null) this.#rest = Buffer.concat([this.#rest, chunk])
    return this.#rest
  }

  /** The next head, or null where the peer ended the connection before the first byte of one. */
  async head(): Promise<Head | null> {
    let searched = 0
    for (;;) {
      const end = this.#rest.indexOf(emptyLine, Math.max(0, searched - 3))
      if (end >= 0) return parseHead(this.#take(end + 4))
      searched = this.#rest.length
      if (searched > headBytesMax) throw new WireError('malformed', 'no end of the head in 1 MiB')
      if (await this.#more()) continue
      if (this.#rest.length > 0) throw this.#early(`in a head, after ${shown(this.#rest.toString('latin1'))}`)
      if (this.#resetCode !== '') throw this.#early('where a head was expected')
      return null
    }
  }

  /** The body in pieces as they come, and then the end of the generator; a WireError where it ends early. */
  async *body(framing: Framing): AsyncGenerator<Buffer, void> {
    if (framing.kind === 'length') yield* this.#exactly(framing.bytes)
    else if (framing.kind === 'chunked') yield* this.#chunks()
    else if (framing.kind === 'close') {
      for (let more = true; more; more = await this.#more()) {
        if (this.#rest.length > 0) yield this.#take(this.#rest.length)
      }
      if (this.#resetCode !== '') throw this.#early('in a body that ends with the connection')
    }
  }

  /** Writes, and waits while the socket's buffer is full. False when the connection is gone. */
  async write(data: Buffer | string): Promise<boolean> {
    const { socket } = this
    if (socket.destroyed || !socket.writable) return false
    if (socket.write(data as string, 'latin1')) return true
    await new Promise<void>((resolve) => {
      const done = () => {
        socket.off('drain', done)
        socket.off('close', done)
        resolve()
      }
      socket.on('drain', done)
      socket.on('close', done)
    })
    return !socket.destroyed
  }

  /** Ends the connection with an RST. */
  reset(): void {
    resetSocket(this.socket)
  }

  async *#exactly(total: number): AsyncGenerator<Buffer, void> {
    let left = total
    while (left > 0) {
      if (this.#rest.length === 0 && !(await this.#more()))
        throw this.#early(`${left} bytes short of ${total}`)
      const piece = this.#take(Math.min(left, this.#rest.length))
      left -= piece.length
      yield piece
    }
  }

  async *#chunks(): AsyncGenerator<Buffer, void> {
    for (;;) {
      const line = await this.#line()
      if (!/^[0-9a-fA-F]+(;.*)?$/.test(line)) throw new WireError('malformed', `chunk size ${shown(line)}`)
      const size = Number.parseInt(line, 16)
      if (size === 0) break
      yield* this.#exactly(size)
      const after = await this.#line()
      if (after !== '') throw new WireError('malformed', `${shown(after)} behind a chunk`)
    }
    while ((await this.#line()) !== '') {} // trailers
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf(crlf)
      if (end >= 0) return this.#take(end + 2).toString('latin1', 0, end)
      if (this.#rest.length > 16_384) throw new WireError('malformed', 'no end of a line in 16 KiB')
      if (!(await this.#more())) throw this.#early('between two chunks')
    }
  }

  #take(count: number): Buffer {
    const taken = this.#rest.subarray(0, count)
    this.#rest = this.#rest.subarray(count)
    return taken
  }

  /** Waits for bytes and adds them to the rest. False at the end of the connection. */
  async #more(): Promise<boolean> {
    for (;;) {
      const chunk: Buffer | null = this.#isClosed ? null : this.socket.read()
      if (chunk !== null) {
        this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
        return true
      }
      if (this.#fin || this.#isClosed) return false
      await this.#event()
    }
  }

  #event(): Promise<void> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | null = null
      this.#wake = () => {
        if (timer) clearTimeout(timer)
        this.#wake = null
        resolve()
      }
      if (this.patienceMs === 0) return
      timer = setTimeout(() => {
        this.#wake = null
        reject(new WireError('timeout', `nothing came for ${this.patienceMs} ms`))
      }, this.patienceMs)
    })
  }

  #early(where: string): WireError {
    return this.#resetCode === ''
      ? new WireError('truncated', `the connection ended ${where}`)
      : new WireError('reset', `${this.#resetCode} ${where}`)
  }
}

/**
 * Ends a connection with an RST; a plain close where our FIN is already on its way. libuv refuses a reset then
 * (uv_tcp_close_reset, EINVAL) and Node 22 is left with a handle that nobody closes: the process never exits.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}

/** Every value of a header, in order. */
export function headerValues(headers: readonly Header[], name: string): string[] {
  const wanted = name.toLowerCase()
  return headers.filter(([key]) => key.toLowerCase() === wanted).map(([, value]) => value)
}

/** The first value of a header, or undefined. */
export function headerValue(headers: readonly Header[], name: string): string | undefined {
  return headerValues(headers, name)[0]
}

/** How the body of a request is delimited (RFC 9112, section 6.3). */
export function requestFraming(head: Head): Framing {
  if (headerValue(head.headers, 'transfer-encoding')?.toLowerCase() === 'chunked') return { kind: 'chunked' }
  const length = headerValue(head.headers, 'content-length')
  return length === undefined ? { kind: 'none' } : { kind: 'length', bytes: Number(length) }
}

/** How the body of a response to `method` is delimited. */
export function responseFraming(method: string, status: number, head: Head): Framing {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { kind: 'none' }
  const framing = requestFraming(head)
  return framing.kind === 'none' ? { kind: 'close' } : framing
}

function parseHead(raw: Buffer): Head {
  const [startLine = '', ...lines] = raw.toString('latin1', 0, raw.length - 4).split('\r\n')
  const headers = lines.map((line): Header => {
    const colon = line.indexOf(':')
    if (colon < 0) throw new WireError('malformed', `header line without a colon: ${shown(line)}`)
    return [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')]
  })
  return { raw, startLine, headers }
}

/** For a message: enough to recognise it, and no megabytes of binary. */
function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
