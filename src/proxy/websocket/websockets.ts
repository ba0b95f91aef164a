/**
 * The WebSockets of a worker: how many there may be, and the binding's callbacks to them.
 *
 * A WebSocket takes no place in its upstream's queue and none of its connections, which it would hold for life: it has a
 * connection of its own to the endpoint that the balancer names, and what bounds them is `connections` here.
 */
import type { HttpRequest, HttpResponse } from '../../native/uws.ts'
import { type Outcome, outcomes } from '../../plan/outcome.ts'
import type { WebSocketPlan } from '../../plan/plan.ts'
import type { DataPlaneContext } from '../context.ts'
import { describe } from '../describe.ts'
import type { WebSocketBehavior } from '../listener.ts'
import type { ListenerFacts } from '../listener-facts.ts'
import { answer } from '../reply.ts'
import type { Route } from '../router.ts'
import { type Bridge, backlogBytes, type ClientSocket } from './bridge.ts'
import { version } from './handshake.ts'
import { Session, type SessionHost } from './session.ts'
import type { UserData } from './upgrade.ts'

export class WebSockets implements SessionHost {
  readonly context: DataPlaneContext
  readonly payloadMax: number
  readonly #idleSeconds: number
  readonly #sessions = new Set<Session>()
  /** Of them, those that have a client. */
  readonly #clients = new Set<Session>()
  #connections = 0

  constructor(context: DataPlaneContext, plan: WebSocketPlan) {
    this.context = context
    this.payloadMax = plan.payloadBytes
    this.#idleSeconds = Math.ceil(plan.idleMs / 1_000)
    this.configure(plan)
  }

  /** Of a new plan only the number counts: the rest is built into the listener's apps. */
  configure(plan: WebSocketPlan): void {
    this.#connections = plan.connections
  }

  get open(): number {
    return this.#sessions.size
  }

  /** Takes a handshake whose route leads to an upstream. Must be called inside the native handler. */
  begin(
    res: HttpResponse,
    request: HttpRequest,
    context: unknown,
    listener: ListenerFacts,
    route: Route,
    path: string | null,
  ): void {
    const refusal = this.#refusal(request)
    if (refusal !== null) {
      const { recorder } = this.context
      if (recorder.responded(refusal.status, refusal))
        recorder.tellResponded(describe(res, request, listener), refusal.status, refusal)
      return answer(res, refusal, 'GET', request.getHeader('accept'), true)
    }
    const session = new Session(this)
    session.head.begin('GET', request.getUrl(), listener, false)
    this.#sessions.add(session)
    session.begin(res, request, context, route, path)
  }

  #refusal(request: HttpRequest): Outcome | null {
    if (request.getHeader('sec-websocket-version') !== version) return outcomes.websocketVersion
    if (this.context.draining) return outcomes.drainTimeout
    return this.#sessions.size >= this.#connections ? outcomes.websocketsFull : null
  }

  anyClient(): ClientSocket | null {
    for (const session of this.#clients) if (session.bridge?.client != null) return session.bridge.client
    return null
  }

  opened(session: Session): void {
    this.#clients.add(session)
  }

  ended(session: Session): void {
    this.#sessions.delete(session)
    this.#clients.delete(session)
  }

  /** Everybody is sent away with 1001. */
  drain(): void {
    for (const session of [...this.#sessions]) session.goAway()
  }

  /** For `app.ws`. @param onUpgrade what becomes of a handshake */
  behavior(
    onUpgrade: (res: HttpResponse, request: HttpRequest, context: unknown) => void,
  ): WebSocketBehavior {
    return {
      maxPayloadLength: this.payloadMax,
      maxBackpressure: this.payloadMax + backlogBytes,
      closeOnBackpressureLimit: true,
      idleTimeout: this.#idleSeconds,
      sendPingsAutomatically: true,
      upgrade: onUpgrade,
      open: (socket) => userData(socket).session.opened(socket as unknown as ClientSocket),
      message: (socket, data, binary) => bridgeOf(socket).message(data, binary),
      ping: (socket, data) => bridgeOf(socket).ping(data),
      pong: (socket, data) => bridgeOf(socket).pong(data),
      drain: (socket) => bridgeOf(socket).drained(),
      close: (socket, code, reason) => bridgeOf(socket).clientClosed(code, reason),
    }
  }
}

function userData(socket: unknown): UserData {
  return (socket as { getUserData(): UserData }).getUserData()
}

function bridgeOf(socket: unknown): Bridge {
  return userData(socket).session.bridge as Bridge
}
