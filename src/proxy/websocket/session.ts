/**
 * One bridged WebSocket: a connection to the endpoint, made first, and the client's, upgraded when the endpoint has agreed.
 *
 *     begin ──► dialling ──► open ──► #finish, once
 *                │  ▲ │                  ▲
 *                │  └─┘ another endpoint │ either side closes, breaks off, or holds too much; the worker drains
 *                └───────────────────────┘ refused: the endpoint's answer; failed: 502, 504; the client leaves
 *
 * Invariants
 *   - `res` is not null exactly while the client waits for an answer.
 *   - `bridge` is not null exactly from the upgrade to the close of the client's side.
 *   - every path ends in `#finish`: recorded once, its place among the WebSockets given back.
 */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type WebSocket from 'ws'
import type { HttpRequest, HttpResponse } from '../../native/uws.ts'
import { type Outcome, outcomes } from '../../plan/outcome.ts'
import { Account } from '../account.ts'
import { clientAddress } from '../client-address.ts'
import type { DataPlaneContext } from '../context.ts'
import type { Endpoint } from '../endpoint.ts'
import { forwardedHeadBytesMax } from '../headers/head-limits.ts'
import { ResponseBlock, tooLong } from '../headers/response-block.ts'
import { answer } from '../reply.ts'
import { type Route, upstreamOf } from '../router.ts'
import type { Upstream } from '../upstream.ts'
import { Bridge, type ClientSocket } from './bridge.ts'
import { type DialListener, dial } from './dial.ts'
import { Refusal } from './refusal.ts'
import { upgrade } from './upgrade.ts'

/** What sessions share. */
export interface SessionHost {
  readonly context: DataPlaneContext
  /** Of one message, in bytes. */
  readonly payloadMax: number
  /** Any client's socket that is open, or null. */
  anyClient(): ClientSocket | null
  opened(session: Session): void
  ended(session: Session): void
}

const bodiless = { replayable: true, untouched: true, length: 0 } as const

export class Session extends Account implements DialListener {
  override readonly takesPlace = false
  /** See `Bridge`. */
  bridge: Bridge | null = null
  readonly #host: SessionHost
  #res: HttpResponse | null = null
  #upstream: Upstream | null = null
  #endpoint: Endpoint | null = null
  #epoch = 0
  /** The handshake is its endpoint's probe. */
  #isProbe = false
  #socket: WebSocket | null = null
  #refusalBytes = 0
  #key = ''
  #upgradeContext: unknown = null
  #ended = false

  constructor(host: SessionHost) {
    super()
    this.#host = host
  }

  /** Of an answer's body, or of messages. */
  get responseBytes(): number {
    return this.bridge?.bytes ?? this.#refusalBytes
  }

  /** Takes a handshake whose route leads to an upstream. Must be called inside the native handler. */
  begin(
    res: HttpResponse,
    request: HttpRequest,
    upgradeContext: unknown,
    route: Route,
    path: string | null,
  ): void {
    res.onAborted(() => this.#clientGone())
    const { recorder, limits, forwarding } = this.#host.context
    this.#res = res
    this.startedAt = recorder.begin()
    this.#key = request.getHeader('sec-websocket-key')
    this.#upgradeContext = upgradeContext
    this.head.read(request, path, route.cleaned, limits)
    this.address = clientAddress(res, this.head.listener)
    if (this.head.fault !== null) {
      // As for any request, not from inside the handler: see Exchange.
      setImmediate(() => this.#refuse(this.head.verdict))
      return
    }
    const refusal = route.guard?.refuses(this, forwarding.trusted) ?? null
    if (refusal !== null) return this.#refuse(refusal)
    const upstream = upstreamOf(route, this.head.headers)
    this.#upstream = upstream
    this.upstreamName = upstream.name
    forwarding.apply(this.head, this.address, this.head.listener.scheme)
    this.#dial(upstream, null)
  }

  #dial(upstream: Upstream, except: Endpoint | null): void {
    const endpoint = upstream.down ? null : upstream.pickBeside(except, this)
    if (endpoint === null) return this.#refuse(outcomes.noHealthyEndpoint)
    this.#endpoint = endpoint
    this.#epoch = endpoint.outlier.epoch
    this.endpointId = endpoint.id
    this.attempts++
    this.#isProbe = upstream.beginBeside(endpoint)
    try {
      this.#socket = dial(upstream, endpoint, this.head, this.address, this.#host.payloadMax, this)
    } catch (error) {
      this.head.fault = (error as Error).message
      this.#refuse(outcomes.badRequest)
    }
  }

  // ---- what the endpoint says to it ----

  agreed(protocol: string, fields: readonly Buffer[]): void {
    this.#answered(101)
    const res = this.#res
    const socket = this.#socket as WebSocket
    if (res === null) {
      socket.terminate()
      return
    }
    const block = new ResponseBlock()
    block.read(fields)
    if (this.setCookie !== null) block.add('set-cookie', this.setCookie)
    if (block.length > forwardedHeadBytesMax) {
      this.reason = tooLong(block.length)
      return this.#refuse(outcomes.badResponse)
    }
    this.#res = null
    this.#socket = null
    this.status = 101
    this.bridge = new Bridge(socket, this.#host.payloadMax, (outcome) => this.#finish(outcome))
    upgrade(res, this, this.#key, protocol, block, this.#upgradeContext, this.#host)
  }

  /** The binding has upgraded the client. Runs from inside `agreed`. */
  opened(client: ClientSocket): void {
    this.bridge?.opened(client)
    this.#host.opened(this)
  }

  refused(request: ClientRequest, response: IncomingMessage): void {
    this.#answered(response.statusCode as number)
    if (this.#res === null) {
      request.destroy()
      return
    }
    const { timeouts } = this.#upstream as Upstream
    const refusal = new Refusal(response.statusCode as number)
    refusal.read(request, response, timeouts.bodyMs, (failure) => {
      const res = this.#res
      if (res === null) return
      if (failure !== null) {
        if (refusal.fault !== '') this.reason = refusal.fault
        return this.#refuse(failure)
      }
      this.#res = null
      this.status = refusal.status
      this.#refusalBytes = refusal.bytes
      refusal.send(res)
      this.#finish(outcomes.completed)
    })
  }

  /** For the detection of outliers, as after an attempt. */
  #answered(status: number): void {
    ;(this.#upstream as Upstream).answered(this.#endpoint as Endpoint, status, this.#epoch)
    this.#endProbe()
  }

  #endProbe(): void {
    if (!this.#isProbe) return
    this.#isProbe = false
    ;(this.#upstream as Upstream).endBeside(this.#endpoint as Endpoint, this.#epoch)
  }

  failed(outcome: Outcome, error: Error): void {
    this.#socket = null
    if (this.#res === null) return
    const { recorder, deadlines } = this.#host.context
    recorder.attemptFailed(this, this.endpointId, this.attempts, outcome, error)
    const upstream = this.#upstream as Upstream
    const endpoint = this.#endpoint as Endpoint
    if (outcome.fault === 'endpoint') upstream.failed(endpoint, outcome, this.#epoch, error)
    this.#endProbe()
    const { method } = this.head
    const verdict = upstream.mayRetry(outcome, method, this.attempts, bodiless, deadlines.seenAt, endpoint)
    if (verdict === 'granted') this.#dial(upstream, endpoint)
    else this.#refuse(outcome)
  }

  // ---- ends ----

  /** The worker drains: closed with 1001, or refused. */
  goAway(): void {
    if (this.bridge !== null) this.bridge.goAway()
    else this.#refuse(outcomes.drainTimeout)
  }

  #clientGone(): void {
    if (this.#res === null) return
    this.#res = null
    this.#finish(outcomes.clientAborted)
    this.#socket?.terminate()
  }

  #refuse(outcome: Outcome): void {
    const res = this.#res
    if (res === null) return
    this.#res = null
    this.status = outcome.status
    answer(res, outcome, 'GET', this.head.accept, true, { fields: this.answerFields })
    this.#finish(outcome)
    this.#socket?.terminate()
  }

  #finish(outcome: Outcome): void {
    if (this.#ended) return
    this.#ended = true
    this.#endProbe()
    this.leaveLimits()
    this.#host.context.recorder.end(this, outcome)
    this.#host.ended(this)
  }
}
