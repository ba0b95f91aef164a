/**
 * The uWebSockets.js side: one app per worker, any number of listen sockets, one handler for every request.
 *
 * Invariants
 *   - each listen socket is closed exactly once: closing one twice crashes the process (native-notes/08-listening.md).
 *   - the handler never throws and never returns without an answer or an abort handler: either ends the process.
 */
import { withSmallReceiveBuffer } from '../native/receive-buffer.ts'
import type { Binding, HttpRequest, HttpResponse, TemplatedApp, us_listen_socket } from '../native/uws.ts'
import type { ListenerPlan } from '../plan/plan.ts'

export type RequestHandler = (res: HttpResponse, request: HttpRequest) => void

export class Listener {
  /** Open client connections. */
  connections = 0
  readonly #binding: Binding
  readonly #app: TemplatedApp
  readonly #sockets = new Map<string, us_listen_socket>()

  constructor(binding: Binding, onRequest: RequestHandler) {
    this.#binding = binding
    this.#app = binding.uws.App()
    this.#app.any('/*', onRequest)
    this.#app.filter((_res, change) => this.#count(change as number))
  }

  /**
   * Opens what is new in the list and closes what is gone from it.
   * @returns the listener that could not be bound (what was opened for this list is closed again), or null
   */
  apply(listeners: readonly ListenerPlan[]): ListenerPlan | null {
    const opened: string[] = []
    for (const listener of listeners) {
      const key = listenerKey(listener)
      if (this.#sockets.has(key)) continue
      const socket = this.#listen(listener)
      if (socket === null) {
        for (const other of opened) this.#close(other)
        return listener
      }
      this.#sockets.set(key, socket)
      opened.push(key)
    }
    const wanted = new Set(listeners.map(listenerKey))
    for (const key of [...this.#sockets.keys()]) if (!wanted.has(key)) this.#close(key)
    return null
  }

  /** Accepts no more connections. Those that are open live on. */
  stop(): void {
    for (const key of [...this.#sockets.keys()]) this.#close(key)
  }

  /** Closes every connection, busy or idle. The listener is of no use afterwards. */
  end(): void {
    this.stop()
    this.#app.close()
  }

  /** Shared among workers: SO_REUSEPORT is the binding's default, and the control process has checked for strangers. */
  #listen({ host, port }: ListenerPlan): us_listen_socket | null {
    let socket: us_listen_socket | null = null
    // The callback runs before `listen` returns.
    withSmallReceiveBuffer(() => {
      this.#app.listen(host, port, (token) => {
        socket = token || null
      })
    })
    return socket
  }

  /** @param change positive for a connection that opens, negative for one that closes */
  #count(change: number): void {
    this.connections += Math.sign(change)
  }

  #close(key: string): void {
    const socket = this.#sockets.get(key)
    if (socket === undefined) return
    this.#sockets.delete(key)
    this.#binding.uws.us_listen_socket_close(socket)
  }
}

export function listenerKey({ host, port }: ListenerPlan): string {
  return `${host} ${port}`
}
