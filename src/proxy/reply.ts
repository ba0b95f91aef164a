/**
 * Answers that Weir makes itself: those of the outcome table, as small JSON or plain text, and the fixed answers of
 * routes. Everything that can be put together beforehand is.
 */

import { bytesOf, type HttpResponse } from '../native/uws.ts'
import { type Outcome, outcomes } from '../plan/outcome.ts'
import type { FixedResponse } from '../plan/route-plan.ts'
import {
  closeBehindLastByte,
  closeBehindUpload,
  endBehindUpload,
  endHeadBehindUpload,
  endHeadByHand,
  linger,
  type Remainder,
} from './closing.ts'
import { writeStatusBehind } from './headers/interim.ts'
import { isBodiless, statusLine } from './status-line.ts'

interface Bodies {
  readonly json: string
  readonly text: string
}

const bodies = new Map<Outcome, Bodies>(
  Object.values(outcomes).map((outcome) => {
    const { code: error, status, message } = outcome
    return [
      outcome,
      { json: `${JSON.stringify({ error, status, message })}\n`, text: `${status} ${message}\n` },
    ]
  }),
)

const jsonType = 'application/json'
const textType = 'text/plain; charset=utf-8'

/** `Retry-After`, in seconds: what is short of room now may have some soon. */
const retryAfterSeconds = '1'

/** Header fields of an answer, ready to write. */
export type Fields = readonly (readonly [name: string, value: string])[]
export const noFields: Fields = Object.freeze([])

/** What may be known of the request beside what every answer needs. */
export interface AnswerOptions {
  /** The binding closes by itself, and says nothing (`bindingCloses` in headers/hop-by-hop.ts). */
  readonly bindingCloses?: boolean
  /** Further ones. */
  readonly fields?: Fields
  /** Interim responses have been sent. */
  readonly behindInterim?: boolean
  /** What the client still sends; null: nothing. */
  readonly upload?: Remainder | null
}

/**
 * Answers with an outcome's status and body. The response must be alive and its head unwritten.
 * @param accept the request's Accept header, '' if none
 * @param close the connection closes behind the answer
 */
export function answer(
  res: HttpResponse,
  outcome: Outcome,
  method: string,
  accept: string,
  close: boolean,
  { bindingCloses = false, fields = noFields, behindInterim = false, upload = null }: AnswerOptions = {},
): void {
  const json = acceptsJson(accept)
  const { json: jsonBody, text } = bodies.get(outcome) as Bodies
  const body = json ? jsonBody : text
  res.cork(() => {
    const type = json ? jsonType : textType
    if (behindInterim) writeStatusBehind(res, '', outcome.status, 'content-type', type)
    else res.writeStatus(statusLine(outcome.status)).writeHeader('content-type', type)
    if (outcome.status === 426)
      res.writeHeader('upgrade', 'websocket').writeHeader('sec-websocket-version', '13')
    if (outcome.status === 503) res.writeHeader('retry-after', retryAfterSeconds)
    for (const [name, value] of fields) res.writeHeader(name, value)
    writeBody(res, method, body, close, bindingCloses, upload)
  })
}

/** The binding's cork: what does not fit it goes out at once, with all that is in it. */
const corkBytes = 16_384

/**
 * Refuses and closes, inside the request's handler, so that nothing behind the request is read, not even what has come in the same packet.
 * An answer that waits in the binding's cork would be lost then (native-notes/03-request-parser.md): this one is filled up with spaces
 * until it leaves, and written by hand, since `end` would let the binding read on. Not for HEAD. The abort handler is replaced.
 */
export function refuseAtOnce(res: HttpResponse, outcome: Outcome, accept: string): void {
  const json = acceptsJson(accept)
  const { json: jsonBody, text } = bodies.get(outcome) as Bodies
  const body = (json ? jsonBody : text).padEnd(corkBytes)
  res.onAborted(() => {})
  res.writeStatus(statusLine(outcome.status))
  res.writeHeader('date', new Date().toUTCString())
  res.writeHeader('content-type', json ? jsonType : textType)
  res.writeHeader('connection', 'close')
  // The line end that the binding writes behind a field is the body's last.
  res.writeHeader('content-length', `${body.length + 2}\r\n\r\n${body}`)
  res.close()
}

/** RFC 9110, section 12.5.1, as far as it decides between two types: no Accept, or one that covers JSON. */
function acceptsJson(accept: string): boolean {
  return (
    accept === '' ||
    accept === '*/*' ||
    /(?:^|[\s,])(?:application\/(?:json|\*)|\*\/\*)(?=[\s;,]|$)(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(
      accept,
    )
  )
}

function writeBody(
  res: HttpResponse,
  method: string,
  body: string,
  close: boolean,
  bindingCloses: boolean,
  upload: Remainder | null,
): void {
  if (method === 'HEAD') {
    res.writeHeader('content-length', String(Buffer.byteLength(body)))
    return endWithoutBody(res, close, bindingCloses, upload)
  }
  endWhole(res, body, close, bindingCloses, upload)
}

/**
 * Ends with the whole body, which fits the cork together with the head. Status and fields must have been written, in the same one.
 * @param close see `answer`
 * @param bindingCloses see `AnswerOptions`
 * @param upload see `AnswerOptions`; the abort handler is replaced where there is one and the connection closes
 */
export function endWhole(
  res: HttpResponse,
  body: Buffer | string,
  close: boolean,
  bindingCloses: boolean,
  upload: Remainder | null,
): void {
  if (close && upload !== null) return endBehindUpload(res, body, upload)
  if (close && bindingCloses) res.writeHeader('connection', 'close')
  res.end(body, close && !bindingCloses)
}

/**
 * Ends a response that has no body. The binding cannot close the connection behind one (native-notes/11-closing.md): the head is
 * ended by hand then, and the connection closed when it is out. Status and fields must have been written, in the same cork.
 * @param close see `answer`
 * @param bindingCloses see `AnswerOptions`
 * @param upload see `endWhole`
 */
export function endWithoutBody(
  res: HttpResponse,
  close: boolean,
  bindingCloses: boolean,
  upload: Remainder | null = null,
): void {
  if (close && upload !== null) return endHeadBehindUpload(res, upload)
  if (close && bindingCloses) res.writeHeader('connection', 'close')
  if (!close || bindingCloses) {
    res.endWithoutBody()
    return
  }
  let gone = false
  // Whoever had the response has let go of it.
  res.onAborted(() => {
    gone = true
  })
  endHeadByHand(res)
  setImmediate(() => {
    if (!gone) res.close()
  })
}

/** Head and body that fit the binding's cork of 16 KiB together, with room for what the binding adds to the head. */
export const oneCorkBytes = 15_000

/**
 * Ends with a body that does not fit the cork together with its head, which must have been written in the same one. `end` would
 * lose it on 20.51.4 where the client's kernel takes nothing (native-notes/01-lost-writes.md); `tryEnd` says what it took.
 * The abort handler is replaced: nobody else may touch the response any more.
 * @param close the connection closes behind it, where the client's kernel takes it at once or the client still sends. Otherwise it is left
 * to the client
 * @param upload see `endWhole`
 */
export function endWithLarge(
  res: HttpResponse,
  body: Buffer,
  close: boolean,
  upload: Remainder | null = null,
): void {
  res.onAborted(() => {})
  const [ok, done] = res.tryEnd(close ? body.subarray(0, -1) : body, body.length)
  if (done) return
  // The last byte apart: see closeBehindLastByte.
  if (close && ok && res.tryEnd(body.subarray(-1), body.length + 1)[0])
    return closeBehindLastByte(res, upload)
  if (close && upload !== null) return closeBehindUpload(res, upload, body)
  const over = linger(res)
  res.onWritable((offset) => {
    const [taken, ended] = res.tryEnd(body.subarray(offset), body.length)
    if (ended) over()
    return taken
  })
}

/**
 * Sends `100 Continue` by itself, inside the request's handler. The binding writes one status per response, as it is, and this is it: the
 * final one must come as a part of the first field (`writeStatusBehind`, headers/interim.ts).
 */
export function writeContinue(res: HttpResponse): void {
  res.writeStatus('100 Continue\r\n')
}

/** An answer of Weir's own that no endpoint takes part in. */
export interface Reply {
  readonly status: number
  /** See `FixedReply`. */
  send(
    res: HttpResponse,
    method: string,
    close: boolean,
    bindingCloses: boolean,
    upload?: Remainder | null,
  ): void
}

/** A route's fixed answer, ready to write. */
export class FixedReply implements Reply {
  readonly status: number
  readonly #statusLine: ArrayBuffer
  /** Null: there are no headers. Else the first one's name, and its value with all further lines: one call writes them all. */
  readonly #name: ArrayBuffer | null
  readonly #lines: ArrayBuffer
  /** Undefined: empty, which is cheaper than to say so. */
  readonly #body: ArrayBuffer | undefined
  readonly #bodyBytes: string
  /** null: it fits the cork. */
  readonly #large: Buffer | null

  constructor({ status, headers, body }: FixedResponse) {
    this.status = status
    this.#statusLine = bytesOf(statusLine(status))
    const [first, ...others] = headers
    this.#name = first === undefined ? null : bytesOf(first[0])
    this.#lines = bytesOf(
      [first?.[1] ?? '', ...others.map(([name, value]) => `${name}: ${value}`)].join('\r\n'),
    )
    this.#body = body === '' ? undefined : bytesOf(body)
    this.#bodyBytes = String(Buffer.byteLength(body))
    const headBytes = headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0)
    const large = headBytes + Buffer.byteLength(body) > oneCorkBytes && !isBodiless(status)
    this.#large = large ? Buffer.from(body) : null
  }

  /**
   * Must run inside the request's handler, where the binding corks by itself, or in a cork.
   * @param method the request's
   * @param close see `answer`
   * @param bindingCloses see `AnswerOptions`
   * @param upload see `endWhole`
   */
  send(
    res: HttpResponse,
    method: string,
    close: boolean,
    bindingCloses = false,
    upload: Remainder | null = null,
  ): void {
    if (this.status !== 200) res.writeStatus(this.#statusLine)
    if (this.#name !== null) res.writeHeader(this.#name, this.#lines)
    if (isBodiless(this.status)) return endWithoutBody(res, close, bindingCloses, upload)
    if (method === 'HEAD') {
      res.writeHeader('content-length', this.#bodyBytes)
      return endWithoutBody(res, close, bindingCloses, upload)
    }
    if (this.#large !== null) {
      if (close) res.writeHeader('connection', 'close')
      return endWithLarge(res, this.#large, close && (!bindingCloses || upload !== null), upload)
    }
    if (close && upload !== null) return endBehindUpload(res, this.#body ?? '', upload)
    if (close && bindingCloses) res.writeHeader('connection', 'close')
    res.end(this.#body, close && !bindingCloses)
  }
}

const lastHopOptions = new FixedReply({ status: 200, headers: [], body: '' })
const lastHopTrace = new FixedReply({ status: 501, headers: [], body: '' })

/** What Weir says itself where a request may go no further (RFC 9110, section 7.6.2). It does not send requests back, as TRACE wants. */
export function lastHopReply(method: string): FixedReply {
  return method === 'TRACE' ? lastHopTrace : lastHopOptions
}
