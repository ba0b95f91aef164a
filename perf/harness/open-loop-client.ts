/**
 * Requests that leave when they are due, whatever has become of those before them: an open loop. What a server does not answer
 * piles up here, as it would if each request had a client of its own, and the load does not become less because answers are late.
 *
 *     due ──► a connection that is idle (the last used first), or a new one ──► answered ──► idle again
 *       │                                                                       └ time-out, reset: closed
 *       └──► all `most` connections in use: waits here, and its time runs
 *
 * A latency begins when the request was due, not when it could be sent: nothing that a late answer holds up is left out
 * (coordinated omission). `lateUs` tells apart what is this program's own doing: it looks at the clock each millisecond.
 *
 * Invariants
 *   - every request has one outcome; of those that count, offered = good + shed + status + timeouts + errors.
 *   - a connection carries one request at a time, and is idle, in use or closed.
 *   - no more than `most` connections are open.
 */
import { connect, type Socket } from 'node:net'
import { AnswerReader } from './answer-reader.ts'
import { Arrivals } from './arrivals.ts'
import { type HeldBack, heldBack, type SlowRequests } from './held-back.ts'
import { randomFrom } from './random.ts'
import { percentile } from './statistics.ts'

export interface OpenLoopPlan {
  /** `http://127.0.0.1:PORT/PATH`, one or more, which take turns. */
  readonly urls: readonly string[]
  /** Requests per second; null: a closed loop of `inFlight`, whose next request is due when the last one has its outcome. */
  readonly perSecond: number | null
  readonly inFlight: number
  /** Before those that count. */
  readonly settleSeconds: number
  /** Requests that are due in this time count. */
  readonly seconds: number
  /** A client that waits longer is gone. */
  readonly timeoutMs: number
  /** Connections. */
  readonly most: number
  readonly seed: number
  /** Requests among the others that are asked to be slow, and what is looked at then; absent: there are none. */
  readonly slow?: SlowRequests
}

/** Of the requests that were due in the measured time. Times in microseconds, from when they were due. */
export interface OpenLoopFigures {
  readonly offered: number
  readonly offeredPerSecond: number
  /** 2xx within the time-out. */
  readonly good: number
  readonly goodPerSecond: number
  /** 503 and 429. */
  readonly shed: number
  /** Any other status. */
  readonly status: number
  /** No whole answer in time. */
  readonly timeouts: number
  /** Those of them for which no connection was left to send them on. */
  readonly unsent: number
  /** Refused, reset, closed or garbled, by kind. */
  readonly errors: Readonly<Record<string, number>>
  /** Of the good ones; null if there are none. */
  readonly p50Us: number | null
  readonly p99Us: number | null
  readonly p999Us: number | null
  /** Of those shed; null if there are none. */
  readonly shedP99Us: number | null
  /** How late this program looked at what was due, in 99 of 100 cases. */
  readonly lateUs: number
  /** The most connections that were open at once. */
  readonly connections: number
  /** Where the plan has slow ones. */
  readonly heldBack?: HeldBack
}

class Request {
  readonly dueMs: number
  readonly target: Target
  readonly slow: boolean
  connection: Connection | null = null
  settled = false

  constructor(dueMs: number, target: Target, slow: boolean) {
    this.dueMs = dueMs
    this.target = target
    this.slow = slow
  }
}

interface Target {
  readonly host: string
  readonly port: number
  readonly head: string
  /** Of the requests that are asked to be slow. */
  readonly slowHead: string
  readonly idle: Connection[]
  readonly waiting: Queue
}

/** First in, first out, in constant time. */
class Queue {
  readonly #items: Request[] = []
  #first = 0

  push(request: Request): void {
    this.#items.push(request)
  }

  get first(): Request | undefined {
    return this.#items[this.#first]
  }

  shift(): Request | undefined {
    const request = this.#items[this.#first]
    if (request === undefined) return undefined
    this.#first++
    if (this.#first > 1024 && this.#first * 2 > this.#items.length) {
      this.#items.splice(0, this.#first)
      this.#first = 0
    }
    return request
  }
}

interface Connection {
  readonly socket: Socket
  readonly reader: AnswerReader
  request: Request | null
  error: string | null
  closed: boolean
}

/** What is read is looked at before anything else is read. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024)

export class OpenLoop {
  readonly #plan: OpenLoopPlan
  readonly #targets: readonly Target[]
  readonly #arrivals: Arrivals | null
  readonly #beganAt = performance.now()
  /** All that have no outcome yet, and some that have: as they were due. */
  readonly #pending = new Queue()
  readonly #goodUs: number[] = []
  /** Of the good ones, where the plan has slow ones: these, and the others. */
  readonly #slowUs: number[] = []
  readonly #fastUs: number[] = []
  /** Another one than that of the arrivals: who is slow is not to change when they come. */
  readonly #draw: () => number
  readonly #shedUs: number[] = []
  readonly #lateUs: number[] = []
  readonly #errors: Record<string, number> = {}
  readonly #all = new Set<Connection>()
  #offered = 0
  #status = 0
  #timeouts = 0
  #unsent = 0
  #started = 0
  #connections = 0

  constructor(plan: OpenLoopPlan) {
    this.#plan = plan
    this.#targets = plan.urls.map((url) => {
      const { hostname, port, host, pathname, search } = new URL(url)
      const headFor = (path: string) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
      return {
        host: hostname,
        port: Number(port),
        head: headFor(pathname + search),
        slowHead: headFor(plan.slow?.path ?? pathname),
        idle: [],
        waiting: new Queue(),
      }
    })
    this.#draw = randomFrom(~plan.seed)
    this.#arrivals = plan.perSecond === null ? null : new Arrivals(plan.perSecond, plan.seed)
  }

  get #endMs(): number {
    return (this.#plan.settleSeconds + this.#plan.seconds) * 1000
  }

  /** Milliseconds since the beginning. */
  #now(): number {
    return performance.now() - this.#beganAt
  }

  /** Resolves when the last request has its outcome, and every connection is closed. */
  async run(): Promise<OpenLoopFigures> {
    if (this.#arrivals === null) for (let count = 0; count < this.#plan.inFlight; count++) this.#start(0, 0)
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (!this.#tick()) return
        clearInterval(timer)
        resolve()
      }, 1)
    })
    for (const { socket } of this.#all) socket.destroy()
    return this.#figures()
  }

  /** @returns whether all is over */
  #tick(): boolean {
    const now = this.#now()
    const arrivals = this.#arrivals
    for (; arrivals !== null && arrivals.dueMs <= now && arrivals.dueMs < this.#endMs; arrivals.advance()) {
      this.#start(arrivals.dueMs, now)
    }
    for (let first = this.#pending.first; first !== undefined; first = this.#pending.first) {
      if (!first.settled && first.dueMs + this.#plan.timeoutMs > now) break
      this.#pending.shift()
      if (!first.settled) this.#timeOut(first)
    }
    return now >= this.#endMs && this.#pending.first === undefined
  }

  #start(dueMs: number, now: number): void {
    const target = this.#targets[this.#started++ % this.#targets.length] as Target
    const { slow } = this.#plan
    const request = new Request(dueMs, target, slow !== undefined && this.#draw() < slow.share)
    this.#pending.push(request)
    if (this.#counts(request)) {
      this.#offered++
      this.#lateUs.push((now - dueMs) * 1000)
    }
    for (let idle = target.idle.pop(); idle !== undefined; idle = target.idle.pop()) {
      if (idle.closed) continue
      this.#send(idle, request)
      return
    }
    if (this.#all.size < this.#plan.most) this.#send(this.#open(target), request)
    else target.waiting.push(request)
  }

  #counts({ dueMs }: Request): boolean {
    return dueMs >= this.#plan.settleSeconds * 1000 && dueMs < this.#endMs
  }

  #send(connection: Connection, request: Request): void {
    connection.request = request
    request.connection = connection
    connection.reader.reset()
    connection.socket.write(request.slow ? request.target.slowHead : request.target.head, 'latin1')
  }

  #open(target: Target): Connection {
    const onread = {
      buffer: readBuffer,
      callback: (bytes: number) => {
        this.#read(connection, target, readBuffer.latin1Slice(0, bytes))
        return true
      },
    }
    const { host, port } = target
    const socket = connect({ host, port, onread, noDelay: true })
    const connection: Connection = {
      socket,
      reader: new AnswerReader(),
      request: null,
      error: null,
      closed: false,
    }
    socket.on('error', (error: NodeJS.ErrnoException) => {
      connection.error = error.code ?? error.message
    })
    socket.once('close', () => this.#closed(connection, target))
    this.#all.add(connection)
    this.#connections = Math.max(this.#connections, this.#all.size)
    return connection
  }

  #read(connection: Connection, target: Target, text: string): void {
    const { request, reader } = connection
    if (request === null) {
      connection.socket.destroy()
      return
    }
    try {
      if (!reader.push(text)) return
    } catch {
      connection.error = 'garbled'
      connection.socket.destroy()
      return
    }
    connection.request = null
    this.#answered(request, reader.status)
    if (reader.closes) connection.socket.destroy()
    else this.#next(connection, target)
  }

  /** A connection is free for who waits for one. */
  #next(connection: Connection, target: Target): void {
    for (let next = target.waiting.shift(); next !== undefined; next = target.waiting.shift()) {
      if (next.settled) continue
      this.#send(connection, next)
      return
    }
    target.idle.push(connection)
  }

  #closed(connection: Connection, target: Target): void {
    connection.closed = true
    this.#all.delete(connection)
    const { request, reader } = connection
    connection.request = null
    if (request !== null && !request.settled) {
      if (connection.error === null && reader.end()) this.#answered(request, reader.status)
      else this.#failed(request, connection.error ?? 'closed')
    }
    // Its place is free for a new one.
    for (let next = target.waiting.first; next !== undefined; next = target.waiting.first) {
      if (!next.settled && this.#all.size >= this.#plan.most) return
      target.waiting.shift()
      if (!next.settled) this.#send(this.#open(target), next)
    }
  }

  #answered(request: Request, status: number): void {
    const us = (this.#now() - request.dueMs) * 1000
    // The timer that ends it may be late, which must not make it one that was in time.
    if (us > this.#plan.timeoutMs * 1000) {
      this.#settle(request, () => this.#timeouts++)
      return
    }
    this.#settle(request, () => {
      if (status >= 200 && status < 300) this.#good(request, us)
      else if (status === 503 || status === 429) this.#shedUs.push(us)
      else this.#status++
    })
  }

  #good({ slow }: Request, us: number): void {
    this.#goodUs.push(us)
    if (this.#plan.slow !== undefined) (slow ? this.#slowUs : this.#fastUs).push(us)
  }

  #failed(request: Request, kind: string): void {
    this.#settle(request, () => {
      this.#errors[kind] = (this.#errors[kind] ?? 0) + 1
    })
  }

  #timeOut(request: Request): void {
    const { connection } = request
    this.#settle(request, () => {
      this.#timeouts++
      if (connection === null) this.#unsent++
    })
    connection?.socket.destroy()
  }

  #settle(request: Request, count: () => void): void {
    if (request.settled) return
    request.settled = true
    if (this.#counts(request)) count()
    if (this.#arrivals !== null) return
    const now = this.#now()
    // Not from inside what has just ended: a server that refuses would have no end.
    if (now < this.#endMs) setImmediate(() => this.#start(now, now))
  }

  #figures(): OpenLoopFigures {
    const good = this.#goodUs.sort((a, b) => a - b)
    const shed = this.#shedUs.sort((a, b) => a - b)
    const late = this.#lateUs.sort((a, b) => a - b)
    const of = (sorted: readonly number[], percent: number) =>
      sorted.length === 0 ? null : percentile(sorted, percent)
    const { seconds, slow } = this.#plan
    return {
      offered: this.#offered,
      offeredPerSecond: this.#offered / seconds,
      good: good.length,
      goodPerSecond: good.length / seconds,
      shed: shed.length,
      status: this.#status,
      timeouts: this.#timeouts,
      unsent: this.#unsent,
      errors: this.#errors,
      p50Us: of(good, 50),
      p99Us: of(good, 99),
      p999Us: of(good, 99.9),
      shedP99Us: of(shed, 99),
      lateUs: of(late, 99) ?? 0,
      connections: this.#connections,
      ...(slow === undefined ? {} : { heldBack: heldBack(this.#fastUs, this.#slowUs, slow.heldMs) }),
    }
  }
}
