/**
 * The head of a request, copied out of uWebSockets.js before its handler returns (its request object is dead
 * afterwards), judged, and turned into what goes to the endpoint: hop-by-hop fields removed, framing left to undici,
 * and what says where the request comes from kept apart.
 *
 * What a client may not send is what two parsers could read in two ways (RFC 9112, sections 6.1 to 6.3 and 11.2). The
 * binding lets some of it through (native-notes/03-request-parser.md), so the verdict is made here.
 */
import type { HttpRequest } from '../native/uws.ts'
import { type Outcome, outcomes } from '../plan/outcome.ts'
import type { LimitsPlan } from '../plan/plan.ts'
import {
  contentLength,
  fieldValue,
  isHost,
  isQuery,
  isTarget,
  isToken,
  restoreBytes,
} from './headers/bytes.ts'
import { type FieldName, fieldName } from './headers/field-names.ts'
import { isClaim } from './headers/forwarding.ts'
import { bindingCloses, isHopByHop, nominated, none, wantsClose } from './headers/hop-by-hop.ts'
import { KnownFields, KnownValues } from './headers/known-fields.ts'
import { type ListenerFacts, plainListener } from './listener-facts.ts'
import { asksForWebSocket, isHandshake } from './websocket/handshake.ts'

/** Of all requests: what is known of one is known of the next. */
const known = new KnownFields()
const knownValues = new KnownValues()

const unfit = 'a header field has characters that must not be forwarded'

export class RequestHead {
  /** Of the listener that it came by; it stays until the next one. */
  listener: ListenerFacts = plainListener
  /** The answer is the connection's last, for Weir's own reasons. */
  last = false
  method = ''
  /** Path and query, byte for byte as the client sent it. */
  target = ''
  host = ''
  accept = ''
  /** Name and value alternately, without Host. Values are byte strings. All of it is fit to be written as it stands. */
  readonly headers: string[] = []
  /**
   * The same, of fields that say where the request comes from (headers/forwarding.ts). Connection cannot nominate them away: a trusted
   * proxy's word would be gone, and the request the proxy's own, if that passes on what its clients write there.
   */
  readonly claims: string[] = []
  /** '' if none is sent. */
  requestId = ''
  /** The client wants the connection closed behind the answer, which then says so (RFC 9112, section 9.6). */
  closes = false
  /** See `bindingCloses`. */
  bindingCloses = false
  /** The client waits for `100 Continue` before it sends its body, and the binding has not understood that. */
  awaitsContinue = false
  /** It may not be forwarded any further (RFC 9110, section 7.6.2). */
  isLastHop = false
  /** -1: none given. */
  contentLength = -1
  chunked = false
  /** Why it must not be forwarded; null if it may. */
  fault: string | null = null
  /** What the client is told then. */
  verdict: Outcome = outcomes.badRequest
  #path = ''
  #bytes = 0
  #count = 0
  #hosts = 0
  #connections = 0
  #connection = ''
  #nominated = none
  #counted = false
  #wide = false
  #upgrade = ''
  /** It has a Content-Length or a Transfer-Encoding, whatever that says. */
  #framed = false
  readonly #collect = (name: string, value: string): void => this.#add(name, value)

  /**
   * The connection closes behind the answer, whatever that is: the client asks for it, it has carried as many requests as it
   * may, or the body is chunked (native-notes/03-request-parser.md).
   */
  get endsConnection(): boolean {
    return this.closes || this.bindingCloses || this.last || this.chunked
  }

  /** It is malformed and says something of its body: where the next request begins nobody can tell. Not of HEAD (`refuseAtOnce`). */
  get endInDoubt(): boolean {
    return this.#framed && this.verdict === outcomes.badRequest && this.method !== 'HEAD'
  }

  /** Whether Connection nominates the field: one of `headers` is gone then, one of `claims` is not. @param name in lower case */
  nominates(name: string): boolean {
    return this.#nominated.has(name)
  }

  get hasBody(): boolean {
    return this.chunked || this.contentLength > 0
  }

  /**
   * What is known before the head is read.
   * @param path as the client sent it, without the query
   * @param listener the one that the request came by
   * @param last the answer is the connection's last, for Weir's own reasons
   */
  begin(method: string, path: string, listener: ListenerFacts, last: boolean): void {
    this.method = method
    this.#path = path
    this.listener = listener
    this.last = last
  }

  /**
   * Reads what `begin` does not tell, all but the remote address. Afterwards `fault` says whether the request may be forwarded.
   * @param cleaned the cleaned path (plan/clean-path.ts); null if there is none
   * @param forwardCleaned `target` is to have it instead of the one received
   */
  read(request: HttpRequest, cleaned: string | null, forwardCleaned: boolean, limits: LimitsPlan): void {
    const path = forwardCleaned ? (cleaned as string) : this.#path
    // undefined without a `?`, '' with nothing behind it; the types say string.
    const query = request.getQuery() as string | undefined
    this.target = query === undefined ? path : `${path}?${query}`
    request.forEach(this.#collect)
    this.#measure(limits)
    if (this.fault !== null) return
    if (!isToken(this.method)) this.fault = 'the method is not a token'
    // One by one: of both together V8 would make one piece of text to look at it.
    else if (!isTarget(path) || !(query === undefined || isQuery(query)))
      this.fault = 'the request target has characters that must be percent-encoded'
    else if (cleaned === null) this.fault = 'the path climbs above the root, or has both %5C and ".."'
    else if (!isHost(this.host)) this.fault = 'the Host header is empty or malformed'
    else if (this.chunked && this.contentLength !== -1)
      this.fault = 'both Content-Length and Transfer-Encoding are given'
    if (this.#wide) this.#restoreBytes(request)
    if (this.#upgrade !== '' && this.fault === null) this.#readUpgrade()
    if (this.#counted) this.#countForward()
    if (this.#connection !== '') this.#readConnection()
  }

  #measure({ targetBytes, headBytes, headerCount, bodyBytes }: LimitsPlan): void {
    if (this.target.length > targetBytes) this.#exceeds(outcomes.targetTooLong)
    else if (this.#count > headerCount) this.#exceeds(outcomes.headTooLarge)
    // Method, spaces, version and line ends of the request line are 12 bytes and the method.
    else if (this.#bytes + this.target.length + this.method.length + 12 > headBytes)
      this.#exceeds(outcomes.headTooLarge)
    else if (bodyBytes > 0 && this.contentLength > bodyBytes) this.#exceeds(outcomes.bodyTooLarge)
  }

  #exceeds(verdict: Outcome): void {
    if (this.fault !== null) return
    this.verdict = verdict
    this.fault = verdict.message
  }

  reset(): void {
    this.last = false
    this.method = ''
    this.target = ''
    this.host = ''
    this.accept = ''
    empty(this.headers)
    empty(this.claims)
    this.requestId = ''
    this.closes = false
    this.bindingCloses = false
    this.awaitsContinue = false
    this.isLastHop = false
    this.contentLength = -1
    this.chunked = false
    this.#framed = false
    this.fault = null
    this.verdict = outcomes.badRequest
    this.#path = ''
    this.#bytes = 0
    this.#count = 0
    this.#hosts = 0
    this.#connections = 0
    if (this.#connection !== '') {
      this.#connection = ''
      this.#nominated = none
    }
    this.#counted = false
    this.#wide = false
    this.#upgrade = ''
  }

  /** Names come in lower case. */
  #add(name: string, value: string): void {
    this.#count++
    // Name, colon, space, value and line end, as nearly every client writes them.
    this.#bytes += name.length + value.length + 4
    switch (name.length) {
      case 4:
        if (name === 'host') {
          if (this.#hosts++ > 0) this.fault ??= 'Host is given twice'
          this.host = value
          return
        }
        break
      case 6:
        if (name === 'accept') this.accept = value
        else if (name === 'expect') {
          this.#readExpectation(value)
          return
        }
        break
      case 7:
        if (name === 'upgrade') this.#upgrade = value
        break
      case 10:
        if (name === 'connection') {
          this.#addConnection(value)
          // Not passed on either way, and nothing to find fault with.
          if (value === 'keep-alive') return
        }
        break
      case 12:
        if (name === 'max-forwards') this.#counted = true
        break
      case 14:
        if (name === 'content-length') {
          this.#readLength(value)
          return
        }
        break
      case 17:
        if (name === 'transfer-encoding') {
          this.#readEncoding(value)
          return
        }
        break
    }
    const found = fieldName(name)
    if (found !== null) this.#addFound(found, value)
    else if (!known.addIfKnown(this.headers, name, value)) this.#addOther(name, value)
  }

  #addFound(name: FieldName, value: string): void {
    if (knownValues.addIfKnown(this.headers, name, value)) return
    const bytes = fieldValue(value)
    if (bytes !== value) this.#wide = true
    if (bytes === null) this.fault ??= unfit
    else if (!name.passes) this.claims.push(name.text, bytes)
    else {
      if (bytes === value) knownValues.learn(name, value)
      this.headers.push(name.text, bytes)
    }
  }

  #addOther(name: string, value: string): void {
    const bytes = fieldValue(value)
    if (bytes !== value) this.#wide = true
    if (bytes === null || !isToken(name)) this.fault ??= unfit
    else if (isClaim(name)) this.claims.push(name, bytes)
    else if (!isHopByHop(name)) {
      if (bytes === value) known.learn(this.headers.length, name, value)
      this.headers.push(name, bytes)
    }
  }

  #addConnection(value: string): void {
    if (this.#connections++ === 0) this.bindingCloses = bindingCloses(value)
    this.#connection = this.#connection === '' ? value : `${this.#connection},${value}`
  }

  #readLength(value: string): void {
    this.#framed = true
    if (this.contentLength !== -1) this.fault ??= 'Content-Length is given twice'
    this.contentLength = contentLength(value)
    if (this.contentLength === -1) this.fault ??= 'Content-Length is not a number'
  }

  #readEncoding(value: string): void {
    this.#framed = true
    if (this.chunked) this.fault ??= 'Transfer-Encoding is given twice'
    this.chunked = true
    if (value.toLowerCase() !== 'chunked') this.fault ??= 'Transfer-Encoding is other than chunked'
  }

  /** `100-continue` in any case; the binding has answered it where it stands in lower case (native-notes/03-request-parser.md). */
  #readExpectation(value: string): void {
    if (value === '100-continue' || value === '') return
    if (value.toLowerCase() === '100-continue') this.awaitsContinue = true
    else this.#exceeds(outcomes.expectationFailed)
  }

  /** An intermediary counts Max-Forwards for two methods (RFC 9110, section 7.6.2). */
  #countForward(): void {
    if (this.method !== 'OPTIONS' && this.method !== 'TRACE') return
    for (let index = 0; index < this.headers.length; index += 2) {
      if (this.headers[index] !== 'max-forwards') continue
      const value = this.headers[index + 1] as string
      if (!/^\d+$/.test(value)) continue
      if (Number(value) === 0) this.isLastHop = true
      this.headers[index + 1] = String(Math.min(Number(value) - 1, Number.MAX_SAFE_INTEGER))
    }
  }

  #restoreBytes(request: HttpRequest): void {
    if (!restoreBytes(this.headers, request) || !restoreBytes(this.claims, request))
      this.fault ??= 'a header field that is given twice has bytes that are not UTF-8'
  }

  #readUpgrade(): void {
    const asks = this.method === 'GET' && !this.hasBody && asksForWebSocket(this.#upgrade, this.#connection)
    if (asks && !isHandshake(this.headers)) this.fault = 'the WebSocket handshake is malformed'
  }

  #readConnection(): void {
    this.closes = wantsClose(this.#connection)
    this.#nominated = nominated(this.#connection)
    if (this.#nominated.size > 0) without(this.#nominated, this.headers)
  }
}

/** Takes the fields with these names out of a list of names and values, in place: undici was given the list itself. */
function without(names: ReadonlySet<string>, fields: string[]): void {
  let kept = 0
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string
    if (names.has(name)) continue
    fields[kept] = name
    fields[kept + 1] = fields[index + 1] as string
    kept += 2
  }
  fields.length = kept
}

/** Not by its length: that takes a call into V8's runtime, and gives the memory back that the next request needs. */
function empty(list: string[]): void {
  while (list.length > 0) list.pop()
}
