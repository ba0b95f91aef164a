/**
 * A client that sees bytes: it sends what it is told, however wrong, and reports how a response ended instead of
 * hiding it. One request at a time, or pipelined by hand: `send` several, then `response` as often.
 */
import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { type Pace, Pacer } from './pace.ts'
import { within } from './wait.ts'
import {
  type Head,
  type Header,
  headerValue,
  headerValues,
  responseFraming,
  Wire,
  WireError,
} from './wire.ts'

export interface ClientRequest {
  /** GET by default. */
  readonly method?: string
  /** As it goes on the wire, byte string; `/` by default. */
  readonly target?: string
  /** In order. `host: test` is put in front, unless a host is among them. */
  readonly headers?: readonly Header[]
  /** Sent with Content-Length, or in chunks of these pieces where it is an array. */
  readonly body?: Buffer | string | readonly (Buffer | string)[]
}

export interface ReadOptions {
  /** Of the request that is answered: a response to HEAD has no body. GET by default. */
  readonly method?: string
  readonly pace?: Pace
  /** Takes the body's pieces; then they are not kept in `body`. */
  readonly onBody?: (piece: Buffer) => void
}

export class ClientResponse {
  readonly status: number
  readonly head: Head
  /** 1xx responses before this one. */
  readonly interim: readonly Head[]
  /** Empty where `onBody` took it. */
  readonly body: Buffer
  readonly bodyBytes: number
  /** Of the body, in hex. */
  readonly sha256: string
  /** `truncated` by FIN or `reset` by RST before the end that the head had announced. */
  readonly ended: 'complete' | 'truncated' | 'reset'

  constructor(
    head: Head,
    interim: Head[],
    body: Buffer,
    bodyBytes: number,
    sha256: string,
    ended: ClientResponse['ended'],
  ) {
    this.status = statusOf(head)
    this.head = head
    this.interim = interim
    this.body = body
    this.bodyBytes = bodyBytes
    this.sha256 = sha256
    this.ended = ended
  }

  get text(): string {
    return this.body.toString('utf8')
  }

  header(name: string): string | undefined {
    return headerValue(this.head.headers, name)
  }

  headers(name: string): string[] {
    return headerValues(this.head.headers, name)
  }
}

export class RawClient {
  readonly wire: Wire

  private constructor(wire: Wire) {
    this.wire = wire
    wire.patienceMs = 15_000
  }

  /**
   * A connection to 127.0.0.1.
   * @param from an address of this machine's: on Linux all of 127.0.0.0/8 is
   * @throws Error with the system's code when it is refused.
   */
  static async connect(port: number, from = '127.0.0.1'): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, localAddress: from })
    const client = new RawClient(new Wire(socket))
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return client
  }

  /** Bytes as they are (a string: one byte per character). Resolves when they are out of this process; false if they never will be. */
  send(data: Buffer | string): Promise<boolean> {
    return this.wire.write(data)
  }

  /** Sends a request. What is given is sent, be it allowed or not. */
  async request(request: ClientRequest = {}): Promise<void> {
    const { body } = request
    const head = requestHead(request)
    if (Array.isArray(body)) {
      await this.send(head)
      for (const piece of body as (Buffer | string)[]) await this.sendChunk(piece)
      await this.send('0\r\n\r\n')
    } else if (body === undefined || body.length === 0) {
      await this.send(head)
    } else {
      await this.send(Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body as string)]))
    }
  }

  /** One chunk of a chunked body; an empty piece is left out, since it would end the body. */
  async sendChunk(piece: Buffer | string): Promise<void> {
    const data = Buffer.from(piece as string)
    if (data.length === 0) return
    await this.send(
      Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]),
    )
  }

  /**
   * Reads one response. An end within the body is reported in `ended`.
   * @throws WireError: `closed` or `reset` when the connection ends without an answer, `truncated` within a head,
   *   `malformed`, `timeout`.
   */
  async response(options: ReadOptions = {}): Promise<ClientResponse> {
    const { method = 'GET', pace, onBody } = options
    const interim: Head[] = []
    let head = await this.#head()
    while (statusOf(head) < 200) {
      interim.push(head)
      head = await this.#head()
    }
    const pieces: Buffer[] = []
    const hash = createHash('sha256')
    const pacer = pace ? new Pacer(pace) : null
    let bodyBytes = 0
    let ended: ClientResponse['ended'] = 'complete'
    try {
      for await (const piece of this.wire.body(responseFraming(method, statusOf(head), head))) {
        bodyBytes += piece.length
        hash.update(piece)
        if (onBody) onBody(piece)
        else pieces.push(piece)
        if (pacer) await pacer.passed(piece.length)
      }
    } catch (error) {
      if (!(error instanceof WireError) || (error.kind !== 'truncated' && error.kind !== 'reset')) throw error
      ended = error.kind
    }
    return new ClientResponse(head, interim, Buffer.concat(pieces), bodyBytes, hash.digest('hex'), ended)
  }

  /** A request and its response. */
  async exchange(request: ClientRequest = {}): Promise<ClientResponse> {
    await this.request(request)
    return this.response({ method: request.method ?? 'GET' })
  }

  /**
   * Reads on until the other side has ended the connection.
   * @returns how it did, and what came before the end and had not been read (the first 64 KiB, as a byte string)
   * @throws Error after `timeoutMs`
   */
  async closed(timeoutMs = 15_000): Promise<{ readonly how: 'fin' | 'reset'; readonly unread: string }> {
    let unread = ''
    const readOn = async () => {
      for await (const piece of this.wire.body({ kind: 'close' })) {
        if (unread.length < 65_536) unread += piece.toString('latin1')
      }
    }
    const end = readOn().catch((error) => {
      if (!(error instanceof WireError) || error.kind === 'timeout') throw error
    })
    await within(end, timeoutMs, 'the other side to close the connection')
    return { how: await within(this.wire.closed, timeoutMs, 'the end of the connection'), unread }
  }

  /** Leaves with an RST. */
  reset(): void {
    this.wire.reset()
  }

  /** Leaves with a FIN, or an RST where unread bytes are left. */
  close(): void {
    this.wire.socket.destroy()
  }

  async #head(): Promise<Head> {
    const head = await this.wire.head()
    if (head === null) throw new WireError('closed', 'the connection was closed without an answer')
    return head
  }
}

/** One request on a connection of its own. */
export async function fetchRaw(port: number, request: ClientRequest = {}): Promise<ClientResponse> {
  const client = await RawClient.connect(port)
  try {
    return await client.exchange(request)
  } finally {
    client.close()
  }
}

/** The head that `request` sends. */
export function requestHead(request: ClientRequest): string {
  const { method = 'GET', target = '/', headers = [], body } = request
  const lines = [...headers]
  if (!headerValue(headers, 'host')) lines.unshift(['host', 'test'])
  if (Array.isArray(body)) lines.push(['transfer-encoding', 'chunked'])
  else if (body !== undefined) lines.push(['content-length', String(Buffer.byteLength(body as string))])
  return `${method} ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}

export function statusOf(head: Head): number {
  const match = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(head.startLine)
  if (!match) throw new WireError('malformed', `status line ${JSON.stringify(head.startLine)}`)
  return Number(match[1])
}
