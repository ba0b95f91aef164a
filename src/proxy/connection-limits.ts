/**
 * How many requests one connection of a client's may carry and how old it may become: `limits.connectionRequests` and
 * `connectionAge`. What is over either closes behind its answer, so that clients that stay for ever come back now and then, to
 * another worker or another balancer.
 *
 * The binding hands out another object with each request and has no name for a connection. What stands for one is known here
 * in one of two ways (native-notes/22-connections-without-names.md):
 *
 *   connection-ports.ts   by its peer's address and port, where the binding tells a port: 20.69.0, TCP, with or without TLS
 *   connection-slots.ts   by the app that it came to, one for each connection, for the rest: 20.51.4 and Unix sockets
 *
 * Neither works for TLS where there is no port, which is said at the start and by `weir check` (`unkeptLimits`).
 */
import type { Binding, HttpResponse } from '../native/uws.ts'
import type { LimitsPlan, Plan } from '../plan/plan.ts'

/** The part of the binding's response object that is asked. */
export type Peer = Pick<HttpResponse, 'getRemoteAddress' | 'getRemotePort'>

/** Counts the requests of connections that come by one listener, or by one app of it. */
export interface RequestCounter {
  /** A connection has opened. */
  opened(peer: Peer): void
  /** A connection has closed, or has become a WebSocket. */
  left(): void
  /** A request has come: to be called once for each. @returns whether its answer is to be the connection's last */
  isLast(peer: Peer): boolean
}

export class ConnectionLimits {
  /** Whether anything is limited. */
  on = false
  #requestsMax = 0
  #ageMs = 0
  readonly #clock: () => number

  /** @param clock milliseconds, monotonic */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  get now(): number {
    return this.#clock()
  }

  configure({ connectionRequests, connectionAgeMs }: LimitsPlan): void {
    this.on = connectionRequests > 0 || connectionAgeMs > 0
    this.#requestsMax = connectionRequests
    this.#ageMs = connectionAgeMs
  }

  /** @param requests the one at hand included @param openedAt in the time of `now` */
  spent(requests: number, openedAt: number): boolean {
    return (
      (this.#requestsMax > 0 && requests >= this.#requestsMax) ||
      (this.#ageMs > 0 && this.#clock() - openedAt >= this.#ageMs)
    )
  }
}

/**
 * What a person must be told of a plan's limits that this binding cannot keep.
 * @returns one sentence that names the listeners, or null: it keeps them
 */
export function unkeptLimits(
  { limits, listeners }: Pick<Plan, 'limits' | 'listeners'>,
  { version, namesConnections }: Pick<Binding, 'version' | 'namesConnections'>,
): string | null {
  if (limits.connectionRequests === 0 && limits.connectionAgeMs === 0) return null
  const unkept = listeners.filter(
    ({ tls, unix }) => tls !== undefined && (unix !== undefined || !namesConnections),
  )
  if (unkept.length === 0) return null
  const places = unkept.map(({ host, port, unix }) => unix?.path ?? `${host}:${port}`).join(', ')
  return (
    `limits.connectionRequests and connectionAge have no effect on ${places}: ` +
    `uWebSockets.js ${version} cannot tell TLS connections ${namesConnections ? 'on a Unix socket ' : ''}apart` +
    (namesConnections ? '' : ' (20.69.0 can, which needs glibc 2.38: Debian 13, Ubuntu 24.04)')
  )
}
