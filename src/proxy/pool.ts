/**
 * The connections to one endpoint: undici `Client`s, one socket each, handed out one request at a time.
 *
 * undici's own `Pool` is not used. It finds a free connection by scanning all of them, queues without bound what it
 * cannot place (and what waits there cannot be cancelled), and cannot be asked for a connection that has never been
 * used, which is what a retry after a stale one needs. Here the admission queue has counted already, so there is
 * always room, and a connection is one `pop`.
 *
 * Invariants
 *   - `size` <= `limit`; connections are made when first needed and kept until `close`.
 *   - with pipelining 1, a connection stands in `spare` exactly while nothing is in flight on it.
 *   - with `proxyProtocol`, a connection belongs to one client: it is made for one request and given up behind it, and
 *     none stands in `spare`.
 *   - the last one used is the first one taken, so that in quiet times the others grow idle and close.
 */
import type { Socket } from 'node:net'
import { Client } from 'undici'
import { originUrl } from '../plan/origin.ts'
import type { UpstreamPlan } from '../plan/plan.ts'
import { type Connect, connector, openSocket } from './connector.ts'
import { disguiseContinue } from './headers/disguise-continue.ts'

/** undici wants a positive number; a day stands for "no limit". */
const unlimitedMs = 86_400_000
/** A server that says `Keep-Alive: timeout=5` is left after 4 s, before it closes on a request under way. */
const keepAliveMarginMs = 1_000
/** Response heads above this are refused (undici's own default, written down). */
const responseHeadBytes = 16_384

export type ConnectionPlan = Pick<
  UpstreamPlan,
  'connections' | 'pipelining' | 'timeouts' | 'tls' | 'proxyProtocol'
>

export class Connection {
  readonly client: Client
  /** Requests handed to `client` and not yet ended. */
  inFlight = 0
  /** Of these, the ones that somebody still waits for. */
  awaited = 0
  connected = false
  /** Responses that have come over its present socket. */
  served = 0
  /**
   * A request on it was aborted, and its socket with it. undici would connect anew for nothing: it keeps the request in its
   * queue until it has a socket to find out that it is not wanted.
   */
  aborted = false
  /** Whose response is being read; null between two. */
  reader: { resume(): void } | null = null
  /** It takes no more requests. */
  closing = false
  /** Bytes that go out ahead of everything else, TLS included: a PROXY header. */
  preface: Buffer | null = null

  /** @param connect shared by the connections to one endpoint, for the sake of its TLS sessions */
  constructor(origin: string, plan: ConnectionPlan, connect: Connect) {
    const idleMs = plan.timeouts.idleMs || unlimitedMs
    this.client = new Client(originUrl(origin), {
      // 0: undici sends `Connection: close` and closes behind the response.
      pipelining: plan.proxyProtocol === undefined ? plan.pipelining : 0,
      connect: (options, callback) => {
        connect(options, this.preface, (...result) => {
          const socket = result[1]
          // Missing where it failed, whatever the types say.
          if (socket) this.#guard(socket)
          callback(...result)
        })
      },
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      keepAliveTimeoutThreshold: keepAliveMarginMs,
      // Deadlines are Weir's own (deadlines.ts): undici's do not run while a body is sent or a reader is paused.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: responseHeadBytes,
      allowH2: false,
    })
    this.client.on('connect', () => {
      this.connected = true
      this.served = 0
    })
    this.client.on('disconnect', () => {
      this.connected = false
    })
  }

  /**
   * undici asserts that its parser is not paused when the end of a connection meets a response that announced it, and a
   * failed assertion in a socket's listener ends the worker (native-notes/12-paused-at-the-end.md). These come first.
   */
  #guard(socket: Socket): void {
    const read = socket.read
    socket.read = (size?: number): Buffer | null => {
      const chunk: Buffer | null = read.call(socket, size)
      if (chunk !== null && this.reader === null) disguiseContinue(chunk)
      return chunk
    }
    // All bytes are read: there is nothing left for a pause to hold back.
    socket.on('end', () => this.reader?.resume())
    // On ECONNRESET undici asks the parser whether the response was whole all the same. It was not, or nobody would read.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (this.reader !== null && error.code === 'ECONNRESET') error.code = 'ECONNABORTED'
    })
  }
}

export class ConnectionPool {
  readonly #origin: string
  readonly #plan: ConnectionPlan
  readonly #connect: Connect
  readonly #all = new Set<Connection>()
  #spare: Connection[] = []

  constructor(origin: string, plan: ConnectionPlan) {
    this.#origin = origin
    this.#plan = plan
    this.#connect = connector(origin, plan)
  }

  get size(): number {
    return this.#all.size
  }

  /**
   * A connection with room for one more request. The caller has made sure that there is one
   * (in flight < connections x pipelining) and gives it back with `release`.
   */
  acquire(): Connection {
    const connection = this.#plan.pipelining === 1 ? (this.#spare.pop() ?? this.#open()) : this.#leastLoaded()
    connection.inFlight++
    return connection
  }

  /**
   * A connection on which the endpoint has not had a chance to hang up yet: for the attempt that follows one on a
   * connection that turned out closed. Takes a connection that is not established, or gives up an idle one for it.
   */
  acquireFresh(): Connection {
    let connection = this.#spare.find((candidate) => !candidate.connected && candidate.inFlight === 0)
    if (connection === undefined && this.#all.size >= this.#plan.connections) {
      const stale = this.#spare.find((candidate) => candidate.inFlight === 0)
      // Every connection is at work (pipelining): share one rather than go over the limit.
      if (stale === undefined) return this.acquire()
      this.#forget(stale)
    }
    connection ??= this.#open()
    const index = this.#spare.indexOf(connection)
    if (index !== -1 && this.#plan.pipelining === 1) this.#spare.splice(index, 1)
    connection.inFlight++
    return connection
  }

  /** A socket outside the pool, for what is no request. Calls back once. */
  openSocket(preface: Buffer | null, callback: (error: Error | null, socket: Socket | null) => void): void {
    openSocket(this.#connect, this.#origin, preface, callback)
  }

  release(connection: Connection): void {
    connection.inFlight--
    const spent = connection.aborted || this.#plan.proxyProtocol !== undefined
    if (spent && !connection.closing) return this.#forget(connection)
    if (this.#plan.pipelining === 1 && !connection.closing) this.#spare.push(connection)
  }

  /** Closes idle connections now and the others when their requests end. A later `acquire` opens new ones. */
  close(): void {
    for (const connection of this.#all) {
      connection.closing = true
      void connection.client.close()
    }
    this.#all.clear()
    this.#spare = []
  }

  #open(): Connection {
    const connection = new Connection(this.#origin, this.#plan, this.#connect)
    this.#all.add(connection)
    // Pipelined connections always stand in `spare`: they are chosen by load.
    if (this.#plan.pipelining > 1) this.#spare.push(connection)
    return connection
  }

  /** With pipelining: an idle connection, else a new one, else the one with the fewest in flight. */
  #leastLoaded(): Connection {
    let best: Connection | null = null
    for (const connection of this.#spare) {
      if (connection.inFlight === 0) return connection
      if (best === null || connection.inFlight < best.inFlight) best = connection
    }
    return best === null || this.#all.size < this.#plan.connections ? this.#open() : best
  }

  #forget(connection: Connection): void {
    connection.closing = true
    this.#all.delete(connection)
    this.#spare = this.#spare.filter((other) => other !== connection)
    void connection.client.destroy()
  }
}
