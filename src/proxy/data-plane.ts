/**
 * The data plane of one worker: its listener, router, upstreams, and what exchanges share.
 *
 * A plan is put into effect by making a new router and updating the upstreams in place; nothing that is in flight
 * notices. An exchange that has begun keeps the route that it began with.
 */
import type { Logger } from 'pino'
import { type Binding, bytesOf, type HttpRequest, type HttpResponse, nativeLimits } from '../native/uws.ts'
import { cleanPath } from '../plan/clean-path.ts'
import type { Unhealthy, WorkerStats } from '../plan/messages.ts'
import { outcomes } from '../plan/outcome.ts'
import type { LimitsPlan, Plan } from '../plan/plan.ts'
import type { UpstreamPlan } from '../plan/upstream-plan.ts'
import type { Attempt } from './attempt.ts'
import type { RandomSource } from './balance/policy.ts'
import { Guards } from './clients/guards.ts'
import type { DataPlaneContext } from './context.ts'
import { Deadlines } from './deadlines.ts'
import { Departures } from './departures.ts'
import { describe } from './describe.ts'
import { closedDoor, isDoorClosed } from './door.ts'
import { Exchange } from './exchange.ts'
import { isHost, isTarget } from './headers/bytes.ts'
import { Forwarding } from './headers/forwarding.ts'
import { bindingCloses, wantsClose } from './headers/hop-by-hop.ts'
import { Listener, type Unbound } from './listener.ts'
import type { ListenerFacts } from './listener-facts.ts'
import { Recorder } from './record.ts'
import { redirectRoute } from './redirect.ts'
import { RequestCounts } from './request-counts.ts'
import { fixedPaths, type Route, Router } from './router.ts'
import { Upstream } from './upstream.ts'
import type { UpstreamListener } from './upstream-listener.ts'
import { upstreamLog } from './upstream-log.ts'
import { wantsWebSocket } from './websocket/handshake.ts'
import { WebSockets } from './websocket/websockets.ts'

/** Until there is a plan. */
const unlimited: LimitsPlan = {
  ...nativeLimits,
  targetBytes: nativeLimits.headBytes,
  bodyBytes: 0,
  minRate: { bytesPerSecond: 0, overMs: 0 },
  connections: 0,
  connectionRequests: 0,
  connectionAgeMs: 0,
}
/**
 * The default of `limits.headBytes`. At or above it the bytes of a head are not counted for a plain fixed answer, which costs less than to count
 * them: it is given to heads of up to the binding's 40 KiB.
 */
const usualHeadBytes = 16_384
/** Asked for with each fixed answer. */
const names = {
  connection: bytesOf('connection'),
  contentLength: bytesOf('content-length'),
  host: bytesOf('host'),
  transferEncoding: bytesOf('transfer-encoding'),
}
const nothingForwarded = { trustedProxies: [], forwarded: false, via: false, requestId: false }

export class DataPlane implements DataPlaneContext {
  readonly binding: Binding
  readonly deadlines = new Deadlines<Exchange>()
  readonly recorder: Recorder
  forwarding = new Forwarding(nothingForwarded)
  limits: LimitsPlan = unlimited
  readonly spareAttempts: Attempt[] = []
  readonly departures = new Departures()
  readonly #spareExchanges: Exchange[] = []
  draining = false
  #webSockets: WebSockets | null = null
  /** When the last request came, in the time of `performance.now()`; kept up only while draining. */
  lastRequestAt = 0
  readonly #log: Logger
  readonly #random: RandomSource
  readonly #listener: Listener
  readonly #upstreamLog: UpstreamListener
  readonly #upstreams = new Map<string, Upstream>()
  readonly #guards = new Guards()
  /** See `mayAnswerPlainly`. */
  #answersPlainly = false
  #router = new Router([], this.#upstreams)
  readonly #lookAtQueues = (): void => {
    for (const upstream of this.#upstreams.values()) upstream.admission.look()
  }

  constructor(binding: Binding, log: Logger, random: RandomSource = Math.random) {
    this.binding = binding
    this.recorder = new Recorder(log, random, () => this.departures.clock.roughly)
    this.#log = log
    this.#random = random
    this.#upstreamLog = upstreamLog(log, (upstream) => this.#refuseWaiting(upstream))
    this.#listener = new Listener(binding, (res, request, listener, method, path) =>
      this.#onRequest(res, request, listener, method, path),
    )
  }

  /**
   * Puts a plan into effect: its listeners whole or not at all, and then the rest, which does not fail but for a defect.
   * @returns the listener that could not be bound, or null
   */
  apply(plan: Plan, unhealthy: Unhealthy): Unbound | null {
    if (this.#webSockets === null) {
      const webSockets = new WebSockets(this, plan.websocket)
      this.#webSockets = webSockets
      this.#listener.enableWebSockets((listener) =>
        webSockets.behavior((res, request, context) => this.#onUpgrade(res, request, context, listener)),
      )
    }
    const unbound = this.#listener.apply(plan.listeners, fixedPaths(plan.routes))
    if (unbound !== null) return unbound
    this.#webSockets.configure(plan.websocket)
    const out = new Set(unhealthy)
    const names = new Set(plan.upstreams.map(({ name }) => name))
    for (const entry of plan.upstreams) {
      const upstream = this.#upstreams.get(entry.name)
      if (upstream === undefined) this.#upstreams.set(entry.name, this.#newUpstream(entry, out))
      else upstream.update(entry, out)
    }
    this.deadlines.onTick = plan.upstreams.some(({ queue }) => queue.targetMs > 0) ? this.#lookAtQueues : null
    this.#router = new Router(plan.routes, this.#upstreams, this.#guards.update(plan.routes), this.#random)
    for (const [name, upstream] of this.#upstreams) {
      if (names.has(name)) continue
      this.#upstreams.delete(name)
      upstream.retire()
    }
    this.forwarding = new Forwarding(plan.forwarding)
    this.limits = plan.limits
    this.#answersPlainly = mayAnswerPlainly(plan)
    this.#listener.configure(plan.limits)
    const measures = plan.metrics !== undefined
    for (const upstream of this.#upstreams.values())
      upstream.requests = measures ? (upstream.requests ?? new RequestCounts()) : null
    this.recorder.configure(plan.log, measures)
    return null
  }

  setHealth(id: string, healthy: boolean): void {
    for (const upstream of this.#upstreams.values()) {
      if (upstream.setHealth(id, healthy) && upstream.down) this.#refuseWaiting(upstream)
    }
  }

  #newUpstream(plan: UpstreamPlan, unhealthy: ReadonlySet<string>): Upstream {
    const clock = () => performance.now()
    return new Upstream(plan, unhealthy, this.#random, clock, this.#upstreamLog, {
      queue: () => this.deadlines.precise,
      coarse: () => this.deadlines.seenAt,
    })
  }

  #refuseWaiting(upstream: Upstream): void {
    this.deadlines.each((exchange) => exchange.refuseIfWaitingFor(upstream))
  }

  get connections(): number {
    return this.#listener.connections
  }

  /** Stops accepting. Requests on open connections are still answered, with `Connection: close`. */
  drain(): void {
    this.draining = true
    this.lastRequestAt = performance.now()
    this.#listener.stop()
    this.#webSockets?.drain()
  }

  /** Ends what is still in flight, closes every connection. */
  end(): void {
    this.deadlines.each((exchange) => exchange.cutOff(outcomes.drainTimeout))
    this.deadlines.stop()
    this.#listener.end()
    for (const upstream of this.#upstreams.values()) upstream.retire()
  }

  stats(): WorkerStats {
    const upstreams = [...this.#upstreams.values()]
    const { rss, heapUsed } = process.memoryUsage()
    return {
      inFlight: this.recorder.inFlight,
      queued: upstreams.reduce((sum, upstream) => sum + upstream.admission.waiting, 0),
      connections: this.connections,
      webSockets: this.#webSockets?.open ?? 0,
      outcomes: this.recorder.counts(),
      upstreams: upstreams.map(({ name, admission, limit, retried, hedging, requests }) => ({
        name,
        inFlight: admission.running,
        queued: admission.waiting,
        concurrency: admission.concurrency,
        ...(limit.learns ? { baseMs: Number.isNaN(limit.baseMs) ? null : limit.baseMs } : undefined),
        retries: { ...retried },
        ...(hedging === null ? undefined : { hedging: hedging.stats() }),
        ...(requests === null ? undefined : { requests: requests.stats() }),
      })),
      endpoints: upstreams.flatMap((upstream) =>
        upstream.endpoints.map(({ id, healthy, outlier, inFlight, attempts, usage }) => ({
          id,
          healthy,
          outlier: outlier.state,
          ejections: outlier.ejections,
          inFlight,
          attempts,
          ...usage,
        })),
      ),
      failingOpen: upstreams.filter(({ failingOpen }) => failingOpen).map(({ name }) => name),
      mirrors: upstreams
        .filter(({ mirrored }) => mirrored.sent + mirrored.dropped > 0)
        .map(({ name, mirrored }) => ({ upstream: name, ...mirrored })),
      clientLimits: this.#guards.stats(),
      rssBytes: rss,
      heapUsedBytes: heapUsed,
    }
  }

  /** What has a key of a WebSocket's handshake; the rest of it need not be there. */
  #onUpgrade(res: HttpResponse, request: HttpRequest, context: unknown, listener: ListenerFacts): void {
    try {
      const url = request.getUrl()
      const path = cleanPath(url)
      const route = path === null ? null : this.#router.match(request.getHeader('host'), path)
      const fitsRoute = wantsWebSocket(request) && route !== null && route.upstream !== null
      if (!fitsRoute || listener.redirectPort !== 0 || isDoorClosed(res, listener)) {
        return this.#onRequest(res, request, listener, 'GET', url)
      }
      this.#isLast(res, listener)
      this.#webSockets?.begin(res, request, context, listener, route, path)
    } catch (error) {
      this.#log.error(
        { err: error },
        'unexpected error while a WebSocket was being bridged; please report this',
      )
      giveUp(res, null)
    }
  }

  /** To be asked once for each request. @returns whether the connection is to close behind the answer, for Weir's own reasons */
  #isLast(res: HttpResponse, { counter }: ListenerFacts): boolean {
    const spent = this.#listener.limits.on && counter?.isLast(res) === true
    return spent || this.draining
  }

  #onRequest(
    res: HttpResponse,
    request: HttpRequest,
    listener: ListenerFacts,
    method: string,
    url: string,
  ): void {
    let exchange: Exchange | null = null
    try {
      if (this.draining) this.lastRequestAt = performance.now()
      let last = this.#isLast(res, listener)
      const router = this.#router
      const path = cleanPath(url)
      const redirects = listener.redirectPort !== 0
      let route: Route | null = null
      if (isDoorClosed(res, listener)) {
        route = closedDoor
        last = true
      } else if (redirects) {
        route = redirectRoute(request, listener.redirectPort)
        // Nobody reads a body that comes with it.
        last ||= hasBody(request)
      } else if (path !== null) {
        route = router.match(router.byHost ? request.getHeader(names.host) : '', path)
      }
      // A fixed answer needs no exchange, unless something about the request wants a closer look.
      if (route?.reply != null && route.guard === null && !redirects) {
        if (
          this.#answersPlainly &&
          !listener.fronted &&
          isPlain(request, method, url, this.limits.targetBytes)
        ) {
          const { status } = route.reply
          if (this.recorder.responded(status))
            this.recorder.tellResponded(describe(res, request, listener), status)
          const connection = request.getHeader(names.connection)
          const closedByBinding = bindingCloses(connection)
          return route.reply.send(
            res,
            method,
            last || closedByBinding || wantsClose(connection),
            closedByBinding,
          )
        }
      }
      exchange = this.#spareExchanges.pop() ?? new Exchange(this, this.#spareExchanges)
      exchange.head.begin(method, url, listener, last)
      exchange.begin(res, request, route, path)
    } catch (error) {
      this.#log.error(
        { err: error },
        'unexpected error while a request was being handled; please report this',
      )
      giveUp(res, exchange)
    }
  }
}

/** As far as the binding tells: an empty field is none to it. */
function hasBody(request: HttpRequest): boolean {
  return request.getHeader(names.contentLength) !== '' || request.getHeader(names.transferEncoding) !== ''
}

/**
 * Fixed answers may be given to requests that are plain as far as the binding tells. Not where a limit is lower than is usual, since all fields
 * must be counted then, nor where a proxy stands in front that may tell requests apart otherwise (RFC 9112, section 11.2): what it takes for
 * the body of one must not be another one here. Nobody but the client itself is deceived where none does.
 */
function mayAnswerPlainly({ limits: { headBytes, headerCount }, forwarding }: Plan): boolean {
  return (
    headBytes >= usualHeadBytes &&
    headerCount === nativeLimits.headerCount &&
    forwarding.trustedProxies.length === 0
  )
}

/**
 * Nothing about it needs a verdict, as far as the binding tells: no body, and a method, target and Host as they should be. An empty Content-Length
 * with another one behind it reads as none here, and of two Hosts the second is not seen (native-notes/03-request-parser.md). Of another method
 * than GET and HEAD all fields are looked at elsewhere: its body would be read as another request.
 * @param url its path
 */
function isPlain(request: HttpRequest, method: string, url: string, targetBytes: number): boolean {
  const query = request.getQuery() as string | undefined
  return (
    url.length + (query === undefined ? 0 : query.length + 1) <= targetBytes &&
    (method === 'GET' || method === 'HEAD') &&
    !hasBody(request) &&
    isTarget(url) &&
    (query === undefined || isTarget(`/${query}`)) &&
    isHost(request.getHeader(names.host))
  )
}

/** After a defect: the binding would end the process if the handler returned with neither an answer nor this. */
function giveUp(res: HttpResponse, exchange: Exchange | null): void {
  try {
    if (exchange !== null) return exchange.cutOff(outcomes.internal)
    res.onAborted(() => {})
    res.close()
  } catch {
    // It had been answered already.
  }
}
