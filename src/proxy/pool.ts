/**
 * The connections to one endpoint: undici `Client`s, one socket each. Without pipelining each has one request at a time; with it, up to
 * `pipelining` that may be sent twice (GET and HEAD), and others only where no other connection can be had.
 *
 * undici's own `Pool` is not used. It finds a free connection by scanning all of them, queues without bound what it
 * cannot place (and what waits there cannot be cancelled), and cannot be asked for a connection that has never been
 * used, which is what a retry after a stale one needs. Here the admission queue has counted already, so there is
 * always room, and a connection is one `pop`.
 *
 * Invariants
 *   - `size` <= `connections` of the plan; connections are made when first needed and kept until `close`, or until one is
 *     `aborted`, on which nothing is put any more.
 *   - a connection stands in `idle` exactly while nothing is in flight on it; in `shared` only with pipelining.
 *   - with `proxyProtocol`, a connection belongs to one client: it is made for one request and given up behind it, and
 *     none is idle.
 *   - the last one used is the first one taken, so that in quiet times the others grow idle and close. With pipelining it is
 *     filled as long as what was put on it first waits to leave: requests that leave together share a system call, and so do
 *     their answers, which is what pipelining is turned on for. What comes later would only wait for those (native-notes/21-pipelining.md),
 *     and follows them where no other connection can be had.
 */
import type { Socket } from 'node:net'
import { Client, type ConnectCallback, type ConnectOptions, connected } from '../native/undici.ts'
import type { EndpointStats } from '../plan/messages.ts'
import { originUrl, socketPath } from '../plan/origin.ts'
import type { UpstreamPlan } from '../plan/upstream-plan.ts'
import { taken } from './body/piece.ts'
import { type Connect, connector, openSocket } from './connector.ts'
import { EndpointSocket } from './endpoint-socket.ts'
import { ContinueDisguise } from './headers/disguise-continue.ts'
import { parsedHeadBytesMax } from './headers/head-limits.ts'
import { IdleTimer } from './idle-timer.ts'
import { readAsMeant } from './undici-parser.ts'

/** undici wants a positive number; a day stands for "no limit". */
const unlimitedMs = 86_400_000
/** A server that says `Keep-Alive: timeout=5` is left after 4 s, before it closes on a request under way. */
const keepAliveMarginMs = 1_000

export type ConnectionPlan = Pick<
  UpstreamPlan,
  'connections' | 'pipelining' | 'timeouts' | 'tls' | 'proxyProtocol'
>

type WriteDone = (error?: Error | null) => void

export class Connection {
  readonly client: Client
  /** Requests handed to `client` and not yet ended. */
  inFlight = 0
  /** Of these, the ones that somebody still waits for. */
  awaited = 0
  /** Of the others, the ones that were given up and go on for the sake of those: they may never end. */
  abandoned = 0
  connected = false
  /** Responses that have come over its present socket. */
  served = 0
  /**
   * It is given up, and destroyed with the next `release`: a request on it was aborted, and its socket with it, or nobody waits for what is
   * left on it. undici would connect anew for nothing: it keeps the request in its queue until it has a socket to find out that it is not
   * wanted.
   */
  aborted = false
  /** It was idle or new, and of the requests put on it since none has left: what follows now leaves with them, or next to it. */
  boarding = false
  /** What is in flight on it is not to be followed: it is not offered while another connection can be had. See `#new`. */
  exclusive = false
  /** Its place in the pool's list of shared ones; -1: not there. */
  slot = -1
  /** Whose response is being read; null between two. */
  reader: { resume(): void } | null = null
  /** That one's client has no room for more: nothing behind it comes either. */
  paused = false
  /** The head at hand says HTTP/1.0 (headers/disguise-continue.ts). */
  isHttp10 = false
  /** It takes no more requests. */
  closing = false
  /** What its present socket has come to was held against the endpoint already (outliers.ts). */
  blamed = false
  /** Bytes that go out ahead of everything else, TLS included: a PROXY header. */
  preface: Buffer | null = null

  /** Where a plain connection goes. */
  readonly #path: string | null
  readonly #connectMs: number
  readonly #connectSecurely: Connect
  #idle: IdleTimer | null = null
  /** Where it is a plain one. */
  #plain: EndpointSocket | null = null
  /** Whatever it is. */
  #socket: object | null = null

  /** @param connect for TLS; shared by the connections to one endpoint, for the sake of its sessions */
  constructor(origin: string, plan: ConnectionPlan, connect: Connect) {
    const idleMs = plan.timeouts.idleMs || unlimitedMs
    this.#path = socketPath(origin)
    this.#connectMs = plan.timeouts.connectMs
    this.#connectSecurely = connect
    this.client = new Client(withOwnParts(new URL(originUrl(origin))), {
      // 0: undici sends `Connection: close` and closes behind the response. Never 1, with which it lets a turn of the event
      // loop pass behind each response: the pool counts what is in flight, and attempts end only when a read has been parsed.
      pipelining: plan.proxyProtocol === undefined ? Math.max(2, plan.pipelining) : 0,
      connect: (options, callback) => this.#connect(options, callback),
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      keepAliveTimeoutThreshold: keepAliveMarginMs,
      // Deadlines are Weir's own (deadlines.ts): undici's do not run while a body is sent or a reader is paused.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: parsedHeadBytesMax,
      allowH2: false,
    })
    this.client.on('connect', () => {
      connected(this.client)
      this.connected = true
      this.served = 0
      this.blamed = false
      this.isHttp10 = false
      this.#idle?.takeOver()
      this.#plain?.takeOver()
    })
    this.client.on('disconnect', () => {
      this.#plain = null
      this.#socket = null
      this.connected = false
      this.paused = false
      this.#idle?.stop()
      this.#idle = null
    })
  }

  /** What had come over it is read: see EndpointSocket. */
  settled(): void {
    this.#plain?.settled()
  }

  /** Has something done when the read that is being parsed is over, or soon. */
  whenParsed(act: () => void): void {
    if (this.#plain?.whenParsed(act) !== true) queueMicrotask(act)
  }

  /** Of a response that is a 204 or 304, or HTTP/1.0. Called from inside `onHeaders`. */
  readAsMeant(status: number, rawHeaders: readonly Buffer[]): void {
    const chunked = (status === 204 || this.isHttp10) && hasTransferEncoding(rawHeaders)
    if (this.#socket !== null) readAsMeant(this.#socket, status, chunked)
  }

  #connect(options: ConnectOptions, callback: ConnectCallback): void {
    const take = (error: Error | null, socket: EndpointSocket | Socket | null): void => {
      if (socket === null) return callback(error as Error, null)
      this.#socket = socket
      this.#idle = new IdleTimer(socket)
      callback(null, socket as Socket)
    }
    if (options.protocol !== 'http:') {
      return this.#connectSecurely(options, this.preface, (...[error, socket]) => {
        // Missing where it failed, whatever the types say.
        if (socket) this.#guard(socket)
        take(error, socket ?? null)
      })
    }
    const path = this.#path
    const target = path === null ? { host: options.hostname, port: Number(options.port || 80) } : { path }
    new EndpointSocket(target, this.#connectMs, this, (error, socket) => {
      if (socket !== null && this.preface !== null) socket.write(this.preface)
      this.#plain = socket
      take(error, socket)
    })
  }

  /**
   * undici asserts that its parser is not paused when the end of a connection meets a response that announced it, and a
   * failed assertion in a socket's listener ends the worker (native-notes/12-paused-at-the-end.md). These come first. And piece.ts is told
   * which pieces of bodies have been sent, as an EndpointSocket tells it by itself.
   */
  #guard(socket: Socket): void {
    const read = socket.read
    const disguise = new ContinueDisguise(this)
    socket.read = (size?: number): Buffer | null => {
      const chunk: Buffer | null = read.call(socket, size)
      if (chunk !== null) disguise.look(chunk)
      return chunk
    }
    const write = socket.write as (data: unknown, encoding?: BufferEncoding, done?: WriteDone) => boolean
    socket.write = (data: unknown, encoding?: unknown): boolean => {
      if (typeof data === 'string') return write.call(socket, data, encoding as BufferEncoding)
      return write.call(socket, data, undefined, (error) => {
        if (error == null) taken(data as Buffer)
      })
    }
    // All bytes are read: there is nothing left for a pause to hold back.
    socket.on('end', () => this.reader?.resume())
    // On ECONNRESET undici asks the parser whether the response was whole all the same. It was not, or nobody would read.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (this.reader !== null && error.code === 'ECONNRESET') error.code = 'ECONNABORTED'
    })
  }
}

function hasTransferEncoding(rawHeaders: readonly Buffer[]): boolean {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as Buffer
    if (name.length === 17 && name.latin1Slice().toLowerCase() === 'transfer-encoding') return true
  }
  return false
}

/** To stand behind what is in flight. */
function isBetter(one: Connection, other: Connection): boolean {
  return one.paused === other.paused ? one.inFlight < other.inFlight : other.paused
}

/** undici asks for these at each request, and URL puts them together each time. */
function withOwnParts(url: URL): URL {
  const { origin, protocol } = url
  return Object.defineProperties(url, { origin: { value: origin }, protocol: { value: protocol } })
}

export type PoolUsage = Pick<EndpointStats, 'connections' | 'dispatched' | 'queued'>

export class ConnectionPool {
  readonly #origin: string
  readonly #plan: ConnectionPlan
  readonly #connect: Connect
  readonly #all = new Set<Connection>()
  /** Nothing is in flight on these. */
  #idle: Connection[] = []
  /** Requests may follow others on these: something is in flight, all of it may be pipelined, and there is room. */
  #shared: Connection[] = []
  /** The last one that began to board; null: none has. */
  #boarding: Connection | null = null

  constructor(origin: string, plan: ConnectionPlan) {
    this.#origin = origin
    this.#plan = plan
    this.#connect = connector(origin, plan)
  }

  get size(): number {
    return this.#all.size
  }

  /** For the statistics, and not for each request. */
  get usage(): PoolUsage {
    let connections = 0
    let dispatched = 0
    let queued = 0
    for (const { client } of this.#all) {
      const { connected, size } = client.stats
      if (connected) connections++
      dispatched += size
      queued += Math.max(0, size - this.#plan.pipelining)
    }
    return { connections, dispatched, queued }
  }

  /**
   * A connection with room for one more request. The caller has made sure that there is one
   * (in flight < connections x pipelining) and gives it back with `release`.
   * @param pipelined it may follow other requests and be followed. Otherwise it gets a connection of its own, as long as one
   * is idle or may be made.
   */
  acquire(pipelined = false): Connection {
    if (!pipelined || this.#plan.pipelining === 1) return this.#take(this.#idle.pop() ?? this.#new(), false)
    const boarding = this.#boarding
    // Where it is not listed it is full, idle, or wants to be alone.
    if (boarding?.boarding === true && boarding.slot !== -1 && !boarding.aborted)
      return this.#take(boarding, true)
    return this.#take(this.#idle.pop() ?? this.#another(), true)
  }

  /** Where none is idle: a new one, or, where there may be none, one to follow others on. */
  #another(): Connection {
    return (this.#all.size < this.#plan.connections ? undefined : this.#open()) ?? this.#new()
  }

  /** The last one that others may follow on, and on which something comes. */
  #open(): Connection | undefined {
    for (let index = this.#shared.length - 1; index >= 0; index--) {
      const connection = this.#shared[index] as Connection
      if (!connection.aborted && !connection.paused) return connection
    }
    return undefined
  }

  /**
   * A connection on which the endpoint has not had a chance to hang up yet: for the attempt that follows one on a
   * connection that turned out closed. Takes a connection that is not established, or gives up an idle one for it.
   */
  acquireFresh(): Connection {
    const index = this.#idle.findIndex((candidate) => !candidate.connected)
    if (index !== -1) return this.#take(this.#idle.splice(index, 1)[0] as Connection, false)
    if (this.#all.size >= this.#plan.connections) {
      const stale = this.#idle[0]
      // Every connection is at work (pipelining): share one rather than go over the limit.
      if (stale === undefined) return this.acquire()
      this.#forget(stale)
    }
    return this.#take(this.#new(), false)
  }

  /** A socket outside the pool, for what is no request. Calls back once. */
  openSocket(preface: Buffer | null, callback: (error: Error | null, socket: Socket | null) => void): void {
    openSocket(this.#connect, this.#origin, preface, callback)
  }

  release(connection: Connection): void {
    connection.inFlight--
    if (connection.closing) return
    if (connection.aborted || this.#plan.proxyProtocol !== undefined) return this.#forget(connection)
    if (connection.inFlight === 0) {
      connection.exclusive = false
      this.#withdraw(connection)
      this.#idle.push(connection)
    } else this.#offer(connection)
  }

  /** Closes idle connections now and the others when their requests end. A later `acquire` opens new ones. */
  close(): void {
    for (const connection of this.#all) {
      connection.closing = true
      void connection.client.close()
    }
    this.#all.clear()
    this.#idle = []
    this.#shared = []
    this.#boarding = null
  }

  #take(connection: Connection, shared: boolean): Connection {
    if (shared && connection.inFlight === 0) {
      connection.boarding = true
      this.#boarding = connection
    }
    connection.inFlight++
    if (!shared) connection.exclusive = true
    if (shared) this.#offer(connection)
    else if (this.#plan.pipelining > 1) this.#withdraw(connection)
    return connection
  }

  /** Lists it where others may follow, or not: as there is room. */
  #offer(connection: Connection): void {
    if (connection.exclusive || connection.inFlight >= this.#plan.pipelining)
      return this.#withdraw(connection)
    if (connection.slot !== -1) return
    connection.slot = this.#shared.length
    this.#shared.push(connection)
  }

  #withdraw(connection: Connection): void {
    if (connection.slot === -1) return
    const last = this.#shared.pop() as Connection
    if (last !== connection) {
      this.#shared[connection.slot] = last
      last.slot = connection.slot
    }
    connection.slot = -1
  }

  /** Another connection, or, where there may be none, the one with the fewest in flight that is not paused. */
  #new(): Connection {
    if (this.#all.size >= this.#plan.connections) {
      let best: Connection | null = null
      for (const connection of this.#all) {
        // Its socket is gone, and what is still in flight on it ends: there is room for another.
        if (connection.aborted) this.#all.delete(connection)
        else if (connection.inFlight >= this.#plan.pipelining) continue
        else if (best === null || isBetter(connection, best)) best = connection
      }
      if (best !== null && this.#all.size >= this.#plan.connections) return best
    }
    const connection = new Connection(this.#origin, this.#plan, this.#connect)
    this.#all.add(connection)
    return connection
  }

  #forget(connection: Connection): void {
    connection.closing = true
    this.#all.delete(connection)
    this.#idle = this.#idle.filter((other) => other !== connection)
    this.#withdraw(connection)
    void connection.client.destroy()
  }
}
