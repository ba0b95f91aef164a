/**
 * The uWebSockets.js side: any number of listen sockets, one handler for every request. Listeners for plain HTTP share
 * an app; one that is more than that has an app of its own, since what it asks of a request belongs to it alone.
 *
 * Invariants
 *   - each listen socket is closed exactly once: closing one twice crashes the process (native-notes/08-listening.md).
 *   - the handler never throws and never returns without an answer or an abort handler: either ends the process.
 *   - the app of a listener that has gone lives on with its connections. Nothing of an app is ever changed: certificates
 *     that have changed are another app on the same port (native-notes/13-tls.md).
 */
import { chmodSync, rmSync } from 'node:fs'
import { withSmallReceiveBuffer } from '../native/receive-buffer.ts'
import type { Binding, HttpRequest, HttpResponse, TemplatedApp, us_listen_socket } from '../native/uws.ts'
import type { ListenerPlan, UnixPlan } from '../plan/listener-plan.ts'
import type { LimitsPlan } from '../plan/plan.ts'
import { peerAddress } from './client-address.ts'
import { ConnectionLimits } from './connection-limits.ts'
import { ConnectionPorts } from './connection-ports.ts'
import { ConnectionSlots, type SlotApp } from './connection-slots.ts'
import { type ListenerFacts, listenerFacts, plainListener } from './listener-facts.ts'
import { Peers } from './peers.ts'
import { seePolling } from './see-polling.ts'
import { makeTlsApp } from './tls-app.ts'

/** @param path as the client sent it, without the query */
export type RequestHandler = (
  res: HttpResponse,
  request: HttpRequest,
  listener: ListenerFacts,
  method: string,
  path: string,
) => void

export type WebSocketBehavior = Parameters<TemplatedApp['ws']>[1]

/** A turn of the event loop that takes no longer has found little to do, in milliseconds; and for how many it is waited. */
const quietTurnMs = 0.2
const busyTurnsMax = 50

/** A listener that is not to be had. */
export interface Unbound {
  readonly listener: ListenerPlan
  /** For a person. null: the system said no, and the binding does not say why. */
  readonly reason: string | null
}

interface Open {
  readonly socket: us_listen_socket
  readonly plan: ListenerPlan
}

export class Listener {
  /** Open client connections. */
  connections = 0
  readonly limits = new ConnectionLimits()
  /** Connections that come above it are closed at once. 0: any number. */
  #connectionsMax = 0
  readonly #binding: Binding
  readonly #onRequest: RequestHandler
  #webSockets: ((listener: ListenerFacts) => WebSocketBehavior) | null = null
  readonly #apps: TemplatedApp[] = []
  /** null: the binding tells no ports. */
  readonly #ports: ConnectionPorts | null
  readonly #slots: ConnectionSlots[] = []
  readonly #plain: TemplatedApp
  readonly #plainFacts: ListenerFacts
  #paths: readonly string[] = []
  readonly #sockets = new Map<string, Open>()
  /** Still open, but not for long. */
  readonly #leaving = new Set<Open>()

  constructor(binding: Binding, onRequest: RequestHandler) {
    this.#binding = binding
    this.#onRequest = onRequest
    this.#ports = binding.namesConnections ? new ConnectionPorts(this.limits) : null
    this.#plain = binding.uws.App()
    this.#plainFacts = this.#countedBy(this.#plain, { ...plainListener, peers: new Peers() })
  }

  /** Limits that connections have to keep to from now on, those that are open too. */
  configure(limits: LimitsPlan): void {
    this.#connectionsMax = limits.connections
    this.limits.configure(limits)
    if (!this.limits.on) this.#ports?.forgetAll()
    for (const slots of this.#slots) slots.configure()
  }

  /** Handshakes of WebSockets go elsewhere from now on. Must come before the first `apply`, and once. */
  enableWebSockets(behavior: (listener: ListenerFacts) => WebSocketBehavior): void {
    this.#webSockets = behavior
  }

  /** The binding tells of the end of a connection that it has upgraded here only (native-notes/15-websockets.md). */
  #counted(behavior: WebSocketBehavior, { counter }: ListenerFacts): WebSocketBehavior {
    return {
      ...behavior,
      open: (socket) => {
        counter?.left()
        behavior.open?.(socket)
      },
      close: (socket, code, reason) => {
        this.connections--
        behavior.close?.(socket, code, reason)
      },
    }
  }

  /**
   * Opens what is new in the list and closes what is gone from it.
   * @param paths that apps which are made from now on tell by themselves (`fixedPaths`)
   * @returns the listener that could not be bound (what was opened for this list is closed again), or null
   */
  apply(listeners: readonly ListenerPlan[], paths: readonly string[] = []): Unbound | null {
    this.#paths = paths
    if (this.#apps.length === 0) this.#serve(this.#plain, this.#plainFacts)
    const opened: string[] = []
    // A new socket takes the path away from the one that was there, and cannot give it back: those come last.
    const unixLast = listeners.toSorted((a, b) => Number(a.unix !== undefined) - Number(b.unix !== undefined))
    for (const listener of unixLast) {
      const key = listenerKey(listener)
      if (this.#sockets.has(key)) continue
      const open = this.#open(listener)
      if (!('socket' in open)) {
        for (const other of opened) this.#forget(other)
        return open
      }
      this.#sockets.set(key, open)
      opened.push(key)
    }
    const wanted = new Set(listeners.map(listenerKey))
    const addresses = new Set(listeners.map(addressOf))
    for (const [key, { plan }] of [...this.#sockets]) {
      if (wanted.has(key)) continue
      if (addresses.has(addressOf(plan))) this.#leave(key)
      else this.#forget(key)
    }
    return null
  }

  /** Accepts no more connections, in a moment. Those that are open live on. */
  stop(): void {
    for (const key of [...this.#sockets.keys()]) this.#leave(key)
  }

  /** Closes every connection, busy or idle. The listener is of no use afterwards. */
  end(): void {
    this.stop()
    for (const open of [...this.#leaving]) this.#close(open)
    for (const app of this.#apps) app.close()
  }

  #open(plan: ListenerPlan): Open | Unbound {
    const app = this.#appFor(plan)
    if (app === null) return { listener: plan, reason: 'its certificate or its key cannot be used' }
    const { unix } = plan
    const socket =
      unix === undefined ? this.#listen(app, plan) : withinMode(unix, () => this.#listen(app, plan))
    if (socket === null) return { listener: plan, reason: null }
    const reason = unix === undefined ? null : modeFault(unix)
    if (reason === null) return { socket, plan }
    this.#close({ socket, plan })
    return { listener: plan, reason }
  }

  /** Shared among workers: SO_REUSEPORT is the binding's default, and the control process has checked for strangers. */
  #listen(app: TemplatedApp, listener: ListenerPlan): us_listen_socket | null {
    let socket: us_listen_socket | null = null
    // The callback runs before `listen` returns.
    withSmallReceiveBuffer(() => {
      const opened = (token: us_listen_socket | false): void => {
        socket = token || null
      }
      if (listener.unix === undefined) app.listen(listener.host, listener.port, opened)
      else app.listen_unix(opened, listener.unix.path)
    })
    return socket
  }

  /** null: the certificates cannot be used, which the configuration's check has missed or which is new since then. */
  #appFor(listener: ListenerPlan): TemplatedApp | null {
    if (isPlain(listener)) return this.#plain
    const facts = listenerFacts(listener)
    if (listener.tls === undefined) {
      const app = this.#binding.uws.App()
      return this.#serve(app, this.#countedBy(app, facts, listener.unix === undefined))
    }
    const counter = listener.unix === undefined ? this.#ports : null
    try {
      const { tls } = listener
      const app = makeTlsApp(this.#binding.uws, tls, (empty) => this.#register(empty, { ...facts, counter }))
      this.#adopt(app, { ...facts, counter })
      return app
    } catch {
      return null
    }
  }

  /** @param ports its peers have ports */
  #countedBy(app: TemplatedApp, facts: ListenerFacts, ports = true): ListenerFacts {
    if (ports && this.#ports !== null) return { ...facts, counter: this.#ports }
    const slots = new ConnectionSlots(asSlot(app), this.limits, (counter) =>
      asSlot(this.#serve(this.#binding.uws.App(), { ...facts, counter })),
    )
    this.#slots.push(slots)
    return { ...facts, counter: slots.rest }
  }

  #serve(app: TemplatedApp, facts: ListenerFacts): TemplatedApp {
    this.#adopt(this.#register(app, facts), facts)
    return app
  }

  #register(app: TemplatedApp, facts: ListenerFacts): TemplatedApp {
    const handle = this.#onRequest
    // Nearly all requests are GET, and load tests ask for a fixed answer: what the binding's router knows need not be asked for.
    for (const path of this.#paths) app.get(path, (res, request) => handle(res, request, facts, 'GET', path))
    app.get('/*', (res, request) => handle(res, request, facts, 'GET', request.getUrl()))
    app.any('/*', (res, request) =>
      handle(res, request, facts, request.getCaseSensitiveMethod(), request.getUrl()),
    )
    if (this.#webSockets !== null) app.ws('/*', this.#counted(this.#webSockets(facts), facts))
    return app
  }

  #adopt(app: TemplatedApp, facts: ListenerFacts): void {
    this.#apps.push(app)
    app.filter(this.#counting(facts))
  }

  #counting(facts: ListenerFacts): Parameters<TemplatedApp['filter']>[0] {
    let first = true
    return (res, change) => {
      // A connection that has just opened is one to see.
      if (first) seePolling(res)
      first = false
      this.#count(res, change as number, facts)
    }
  }

  /** @param change positive for a connection that opens, negative for one that closes */
  #count(res: HttpResponse, change: number, { counter, peers }: ListenerFacts): void {
    this.connections += Math.sign(change)
    if (change > 0) {
      peers.opened(() => peerAddress(res))
      counter?.opened(res)
    } else counter?.left()
    // Its end is counted from inside `close`. Safe here: native-notes/08-listening.md.
    if (change > 0 && this.#connectionsMax > 0 && this.connections > this.#connectionsMax) res.close()
  }

  /**
   * Closes a listener on whose address others listen as well, or may. With a listen socket go the connections that wait in it, so
   * it is closed right behind a turn of the event loop that has accepted what there was, and has had little to do since: in
   * a busy one many come meanwhile.
   */
  #leave(key: string): void {
    const open = this.#sockets.get(key) as Open
    this.#sockets.delete(key)
    this.#leaving.add(open)
    setImmediate(() => this.#closeBehindTurn(open, busyTurnsMax))
  }

  #closeBehindTurn(open: Open, busyTurnsLeft: number): void {
    const before = performance.now()
    setImmediate(() => {
      const isBusy = performance.now() - before > quietTurnMs
      if (isBusy && busyTurnsLeft > 0) this.#closeBehindTurn(open, busyTurnsLeft - 1)
      else if (this.#leaving.has(open)) this.#close(open)
    })
  }

  #forget(key: string): void {
    const open = this.#sockets.get(key) as Open
    this.#sockets.delete(key)
    this.#close(open)
  }

  #close(open: Open): void {
    this.#leaving.delete(open)
    this.#binding.uws.us_listen_socket_close(open.socket)
    // The binding leaves the file, and another socket may have taken the path meanwhile.
    const address = addressOf(open.plan)
    const taken = [...this.#sockets.values()].some(({ plan }) => addressOf(plan) === address)
    if (open.plan.unix !== undefined && !taken) removeSocket(open.plan.unix)
  }
}

function addressOf({ host, port }: ListenerPlan): string {
  return `${host} ${port}`
}

/** A socket that `open` makes is nobody's who may not have it, not even for a moment. The umask is the process's, and only narrowed. */
function withinMode<T>({ mode }: UnixPlan, open: () => T): T {
  const umask = process.umask(0o777)
  process.umask(umask | (0o777 & ~mode))
  try {
    return open()
  } finally {
    process.umask(umask)
  }
}

/** Gives it what the umask has withheld. @returns why that cannot be; null: it has its mode */
function modeFault({ path, mode }: UnixPlan): string | null {
  try {
    chmodSync(path, mode)
    return null
  } catch (error) {
    return `its mode cannot be set (${(error as NodeJS.ErrnoException).code})`
  }
}

function removeSocket({ path }: UnixPlan): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // Nobody listens there any more, which whoever wants the path finds out (unix-check.ts).
  }
}

function asSlot(app: TemplatedApp): SlotApp {
  return app as unknown as SlotApp
}

/** Whether it asks nothing of a request, and its connections can be told apart like all others. */
function isPlain({ tls, redirectPort, proxyProtocolFrom, unix }: ListenerPlan): boolean {
  return (
    tls === undefined && redirectPort === undefined && proxyProtocolFrom === undefined && unix === undefined
  )
}

/** Of two listeners, equal if one can stand for the other. */
export function listenerKey(listener: ListenerPlan): string {
  const { host, port, ...rest } = listener
  return `${host} ${port} ${JSON.stringify(rest)}`
}
