/**
 * One request at the scriptable origin and what a behaviour may do about it: read the body at its pace, answer in
 * pieces, or break the connection in one of the ways that real servers do.
 */
import { createHash } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { type Pace, Pacer } from './pace.ts'
import { type Head, type Header, headerValue, requestFraming, type Wire, WireError } from './wire.ts'

/** A request as it was received. */
export interface RecordedRequest {
  readonly method: string
  /** As on the wire, byte string. */
  readonly target: string
  readonly headers: readonly Header[]
  readonly rawHead: Buffer
  /** Number of the connection, from 1, in the order they were accepted. */
  readonly connection: number
  /** Which request of its connection this is, from 1. */
  readonly ordinal: number
  /** Of the body, as far as it was read. */
  bodyBytes: number
  /** In hex; '' until the body is complete. */
  bodySha256: string
  /** The body came to its proper end. */
  complete: boolean
}

export interface Response {
  /** 200 by default. */
  readonly status?: number
  readonly headers?: readonly Header[]
  /** With `framing` length (the default) this is also the Content-Length. */
  readonly body?: Buffer | string
}

export class OriginExchange {
  readonly wire: Wire
  readonly record: RecordedRequest
  /** Runs the connection in the open: it ends behind this exchange. */
  closing = false
  #body: AsyncGenerator<Buffer, void> | null
  readonly #hash = createHash('sha256')

  constructor(wire: Wire, head: Head, connection: number, ordinal: number) {
    const [method = '', target = ''] = head.startLine.split(' ')
    this.wire = wire
    this.record = {
      method,
      target,
      headers: head.headers,
      rawHead: head.raw,
      connection,
      ordinal,
      bodyBytes: 0,
      bodySha256: '',
      complete: false,
    }
    this.#body = wire.body(requestFraming(head))
    // Whoever waits for 100 (Continue) before sending a body gets it.
    if (headerValue(head.headers, 'expect')?.toLowerCase() === '100-continue')
      void this.write('HTTP/1.1 100 Continue\r\n\r\n')
  }

  /** Path without the query. */
  get path(): string {
    return this.record.target.split('?', 1)[0]!
  }

  /** A query parameter, or undefined. */
  query(name: string): string | undefined {
    const query = this.record.target.split('?')[1] ?? ''
    return new URLSearchParams(query).get(name) ?? undefined
  }

  /** The connection has ended: the proxy went away, or we broke it. */
  get isClosed(): boolean {
    return this.wire.isClosed
  }

  /** Resolves when the connection has ended. */
  get closed(): Promise<unknown> {
    return this.wire.closed
  }

  /**
   * The rest of the body piece by piece, recorded as it goes. An end before its time leaves `record.complete` false and
   * ends the loop; it is not thrown.
   */
  async *body(pace: Pace = {}): AsyncGenerator<Buffer, void> {
    const body = this.#body
    if (body === null) return
    this.#body = null
    const pacer = new Pacer(pace)
    try {
      for await (const piece of body) {
        this.record.bodyBytes += piece.length
        this.#hash.update(piece)
        yield piece
        await pacer.passed(piece.length)
      }
      this.record.complete = true
      this.record.bodySha256 = this.#hash.digest('hex')
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.closing = true
    }
  }

  /** Reads what is left of the body and forgets the bytes; the record keeps count and hash. */
  async drain(pace: Pace = {}): Promise<void> {
    for await (const _ of this.body(pace)) {
    }
  }

  /** The whole body, for small ones. */
  async text(): Promise<string> {
    const pieces: Buffer[] = []
    for await (const piece of this.body()) pieces.push(piece)
    return Buffer.concat(pieces).toString('latin1')
  }

  /** Raw bytes, as they are. False once the connection is gone. */
  write(data: Buffer | string): Promise<boolean> {
    return this.wire.write(data)
  }

  /** Status line and headers; nothing is added. */
  head(status: number, headers: readonly Header[] = []): Promise<boolean> {
    return this.write(headText(status, headers))
  }

  /** A whole answer with Content-Length, in one write. No body goes out to HEAD, with 204 and with 304. */
  async respond(response: Response = {}): Promise<void> {
    const { status = 200, headers = [] } = response
    const body =
      typeof response.body === 'string' ? Buffer.from(response.body) : (response.body ?? Buffer.alloc(0))
    const length: Header[] = status === 204 || status === 304 ? [] : [['content-length', String(body.length)]]
    const head = headText(status, [...headers, ...length])
    const empty = this.record.method === 'HEAD' || length.length === 0 || body.length === 0
    await this.write(empty ? head : Buffer.concat([Buffer.from(head, 'latin1'), body]))
  }

  /** One chunk of a chunked body. */
  async chunk(data: Buffer | string): Promise<boolean> {
    const body = typeof data === 'string' ? Buffer.from(data, 'latin1') : data
    if (body.length === 0) return !this.isClosed
    await this.write(`${body.length.toString(16)}\r\n`)
    await this.write(body)
    return this.write('\r\n')
  }

  /** The last chunk. */
  endChunks(): Promise<boolean> {
    return this.write('0\r\n\r\n')
  }

  /** Ends the connection with an RST, as a server that crashed. */
  reset(): void {
    this.wire.reset()
  }

  /** Ends the connection with a FIN behind what was written. */
  finish(): void {
    this.closing = true
    this.wire.socket.end()
  }
}

function headText(status: number, headers: readonly Header[]): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}
