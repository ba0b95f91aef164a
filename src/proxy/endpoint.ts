/**
 * State of one endpoint in one worker: what lives on while plans come and go.
 *
 * Invariants
 *   - 0 <= inFlight; an attempt counts from `begin` to `end`, each exactly once.
 *   - `free` says whether one more attempt fits; only then may the balancer pick the endpoint.
 *   - 1 <= warmth <= 100; `weight` follows from it and `plannedWeight`, and is a whole number.
 *   - while `limited`, one request at a time: `inFlightMax` is 0 from its beginning until its end or a verdict on it.
 *   - a retired endpoint is picked no more and closes its connections when the last attempt has ended.
 */
import type { Socket } from 'node:net'
import { type ProxyVersion, proxyHeader } from '../plan/proxy-header.ts'
import type { EndpointPlan } from '../plan/upstream-plan.ts'
import { serverName } from './connector.ts'
import { Outlier } from './outliers.ts'
import { type Connection, type ConnectionPlan, ConnectionPool, type PoolUsage } from './pool.ts'

export class Endpoint {
  readonly id: string
  readonly origin: string
  /** What the balancer goes by: the plan's, or in slow start a multiple of it (slow-start.ts). */
  weight: number
  /** Of its plan, which changes in a reload. */
  plannedWeight: number
  backup: boolean
  drain: boolean
  /** Of 100: how much of its weight it has. Below 100 in slow start. */
  warmth = 100
  /** It is among those that the balancer chooses from. Written by its upstream (roster.ts). */
  inTurn = false
  /** The active check's verdict. */
  healthy = true
  /** What requests have shown of it. */
  readonly outlier = new Outlier()
  /** One request at a time, the probe. Written by its upstream (roster.ts). */
  limited = false
  /** Upper bound of `inFlight`: `capacity`, or 0 while a probe is under way. */
  inFlightMax: number
  inFlight = 0
  /** Attempts begun since the worker started. */
  attempts = 0
  /** Requests that it takes at once: connections x pipelining. */
  readonly capacity: number
  /** See `serverName`. */
  readonly serverName: string | null
  /** Connections begin with a PROXY header of this version; null: with the request. */
  readonly proxyProtocol: ProxyVersion | null
  readonly #pool: ConnectionPool
  retired = false

  constructor(plan: EndpointPlan, connections: ConnectionPlan) {
    this.id = plan.id
    this.origin = plan.origin
    this.weight = plan.weight
    this.plannedWeight = plan.weight
    this.backup = plan.backup === true
    this.drain = plan.drain === true
    this.capacity = connections.connections * connections.pipelining
    this.inFlightMax = this.capacity
    this.serverName = serverName(plan.origin, connections.tls)
    this.proxyProtocol = connections.proxyProtocol ?? null
    this.#pool = new ConnectionPool(plan.origin, connections)
  }

  /** It can be sent something. Whether it is given a share is `inService`. */
  get available(): boolean {
    return this.healthy && !this.suspended && !this.retired
  }

  /** Its plan gives it a share, if it is up. */
  get inService(): boolean {
    return this.plannedWeight > 0 && !this.drain
  }

  /** What may change in a reload. */
  configure({ weight, backup = false, drain = false }: EndpointPlan): void {
    this.plannedWeight = weight
    this.backup = backup
    this.drain = drain
  }

  get free(): boolean {
    return this.inFlight < this.inFlightMax
  }

  /**
   * One attempt begins.
   * @param fresh on a connection that has served nothing yet
   * @param pipelined on one that others may be on too
   */
  begin(fresh: boolean, pipelined = false): Connection {
    this.inFlight++
    this.attempts++
    this.takeProbe()
    return fresh ? this.#pool.acquireFresh() : this.#pool.acquire(pipelined)
  }

  /** A request begins: while `limited` it is the probe, and there is no room for another. @returns whether it is */
  takeProbe(): boolean {
    if (this.limited) this.inFlightMax = 0
    return this.limited
  }

  /** A connection of its own for a client's WebSocket. Calls back once, when it stands. @param client its address */
  openSocket(client: string, callback: (error: Error | null, socket: Socket | null) => void): void {
    const preface = this.proxyProtocol === null ? null : proxyHeader(this.proxyProtocol, client)
    this.#pool.openSocket(preface, callback)
  }

  end(connection: Connection): void {
    this.inFlight--
    this.#pool.release(connection)
    if (this.retired && this.inFlight === 0) this.#pool.close()
  }

  get usage(): PoolUsage {
    return this.#pool.usage
  }

  /** Requests have failed on it: passed over while others are up. */
  get suspended(): boolean {
    return this.outlier.state === 'out'
  }

  retire(): void {
    this.retired = true
    if (this.inFlight === 0) this.#pool.close()
  }
}
