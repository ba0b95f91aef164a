/**
 * Endpoints in front of which a balancing policy stands, simulated: the policy is the real one, arrivals, service times and the
 * clock are made up. Discrete events, so an hour passes in a second, and the same seed gives the same run.
 *
 *     Poisson arrivals ──► policy.pick ──► endpoint: a FIFO queue, c servers, lognormal service times ──► policy.observe
 *
 * Phases make an endpoint slow, failing or healthy at a moment. A failing endpoint answers at once with an error. There is no
 * admission queue, no retry and no network here: what is measured is who is picked.
 *
 * With `hedging`, a request that has waited for longer than the given percentile (Weir's own estimate of it) is sent to another
 * endpoint as well, and the first answer counts. The loser is no longer in flight for Weir, but its endpoint works it off.
 * With `slowFactor`, Weir's own detection of outliers ejects who is so many times slower than the others, for 10 s at first.
 */
import type { BalancePlan } from '../../src/plan/balance-plan.ts'
import type { OutliersPlan } from '../../src/plan/upstream-plan.ts'
import { makeBalancer } from '../../src/proxy/balance/make-balancer.ts'
import type { Balanced, Candidate } from '../../src/proxy/balance/policy.ts'
import { StreamingPercentile } from '../../src/proxy/hedging/streaming-percentile.ts'
import { Outlier, OutlierDetection } from '../../src/proxy/outliers.ts'
import { seededRandom } from './fakes/clock.ts'

export interface SimulatedEndpoint {
  readonly weight?: number
  /** Requests that it works on at once. */
  readonly servers: number
  /** Mean of its service times, in milliseconds. */
  readonly serviceMs: number
}

export interface Phase {
  readonly atMs: number
  /** An index. */
  readonly endpoint: number
  /** Its service times are multiplied by this. */
  readonly slowness?: number
  /** It answers every request with an error, in a millisecond. */
  readonly failing?: boolean
}

export interface Simulation {
  readonly balance: BalancePlan
  readonly seed: number
  readonly endpoints: readonly SimulatedEndpoint[]
  /** Per second, on average. */
  readonly arrivals: number
  readonly durationMs: number
  /** Not measured at the beginning. */
  readonly warmUpMs?: number
  /** Of the logarithm of service times: 0.5 has a p99 of 2.8 times the mean, 1 of 6.2 times. */
  readonly sigma?: number
  readonly phases?: readonly Phase[]
  /** Clients, for policies that look at them. Each arrival is one of them at random. */
  readonly clients?: number
  /** The percentile, 0 to 1, and how many of the requests may be hedged at most. Absent: none is. */
  readonly hedging?: { readonly share: number; readonly budget: number }
  /** Of `outliers`. Absent or false: nobody is ejected. */
  readonly slowFactor?: number | false
}

export interface EndpointReport {
  /** Picks in the measured time, and their share of all. */
  readonly picks: number
  readonly share: number
  /** The longest time without a pick, in milliseconds. */
  readonly silenceMs: number
  readonly inFlightMax: number
}

export interface Report {
  readonly requests: number
  readonly failed: number
  /** Share of the requests that were sent a second time. */
  readonly hedged: number
  /** From arrival to answer, of those that did not fail, in milliseconds. */
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly mean: number
  readonly endpoints: readonly EndpointReport[]
  /** Shares of picks from one moment to another. */
  sharesBetween(fromMs: number, toMs: number): number[]
  p99Between(fromMs: number, toMs: number): number
}

const errorMs = 1
/** Weir's defaults, but for that. */
const neverForFailures: Omit<OutliersPlan, 'slowFactor'> = {
  failures: Number.POSITIVE_INFINITY,
  timeMs: 10_000,
  maxTimeMs: 60_000,
  maxOut: 0.5,
}

class Node implements Candidate {
  readonly id: string
  readonly weight: number
  readonly healthy = true
  readonly retired = false
  readonly inService = true
  readonly outlier = new Outlier()
  /** Of the epoch whose probe is under way. */
  probedIn = -1
  inFlight = 0
  readonly servers: number
  readonly serviceMs: number
  slowness = 1
  failing = false
  busy = 0
  /** Arrived, not begun. */
  readonly queue: Visit[] = []
  readonly pickedAt: number[] = []
  inFlightMax = 0

  constructor(index: number, { weight = 1, servers, serviceMs }: SimulatedEndpoint) {
    this.id = `app/http://10.0.0.${index + 1}:80`
    this.weight = weight
    this.servers = servers
    this.serviceMs = serviceMs
  }

  get free(): boolean {
    return this.outlier.state !== 'probing' || this.probedIn !== this.outlier.epoch
  }
}

interface Request {
  readonly balanced: Balanced
  readonly arrivedAt: number
  /** Under way for Weir: one, or two with a hedge, the first one first. None: it is over. */
  readonly visits: Visit[]
}

interface Visit {
  readonly node: Node
  readonly request: Request
  readonly sentAt: number
  /** Of the node's outlier then. */
  readonly epoch: number
  failed: boolean
}

interface Event {
  readonly at: number
  run(): unknown
}

export function simulate(simulation: Simulation): Report {
  const {
    balance,
    seed,
    arrivals,
    durationMs,
    warmUpMs = 0,
    sigma = 0.5,
    phases = [],
    clients = 1000,
    hedging,
    slowFactor = false,
  } = simulation
  let now = 0
  // One source for each purpose, so that two policies see the same arrivals.
  const random = {
    arrival: seededRandom(seed),
    service: seededRandom(seed + 1),
    policy: seededRandom(seed + 2),
    client: seededRandom(seed + 3),
  }
  const nodes = simulation.endpoints.map((endpoint, index) => new Node(index, endpoint))
  const balancer = makeBalancer<Node>(balance, random.policy, () => now)
  const events = new Heap()
  const outliers = new OutlierDetection<Node>(
    { ...neverForFailures, slowFactor: slowFactor === false ? null : slowFactor },
    () => nodes,
    () => now,
    { onChange: rebuild, onOut() {}, onBack() {} },
    later,
  )
  rebuild()
  const done: { at: number; ms: number; failed: boolean }[] = []
  const percentile = hedging === undefined ? null : new StreamingPercentile(hedging.share)
  let requests = 0
  let hedges = 0

  function rebuild(): void {
    balancer.rebuild(nodes.filter(({ outlier }) => outlier.state !== 'out'))
  }
  function later(run: () => void, ms: number): () => void {
    let cancelled = false
    events.push({ at: now + ms, run: () => cancelled || run() })
    return () => {
      cancelled = true
    }
  }
  function serve(visit: Visit): void {
    const { node } = visit
    node.busy++
    visit.failed = node.failing
    const ms = node.failing ? errorMs : lognormal(node.serviceMs * node.slowness, sigma, random.service)
    events.push({ at: now + ms, run: () => complete(visit) })
  }
  function complete(visit: Visit): void {
    const { node, request, failed } = visit
    node.busy--
    if (request.visits.includes(visit)) answer(visit, failed)
    const next = node.queue.shift()
    if (next !== undefined) serve(next)
  }
  function answer(winner: Visit, failed: boolean): void {
    const { visits, arrivedAt } = winner.request
    const ms = now - arrivedAt
    for (const { node, sentAt, epoch } of visits) {
      node.inFlight--
      const ending = node !== winner.node ? 'given-up' : failed ? 'failed' : 'answered'
      balancer.observe?.(node, now - sentAt, ending)
      outliers.timed(node, now - sentAt, ending, epoch)
      if (ending === 'answered' && node.outlier.troubled) outliers.succeeded(node, epoch)
      else if (node.probedIn === epoch) node.probedIn = -1
    }
    visits.length = 0
    if (!failed) percentile?.add(ms, now)
    done.push({ at: arrivedAt, ms, failed })
  }
  function send(request: Request, node: Node): void {
    node.inFlight++
    node.inFlightMax = Math.max(node.inFlightMax, node.inFlight)
    node.pickedAt.push(now)
    const { epoch, state } = node.outlier
    if (state === 'probing') node.probedIn = epoch
    const visit: Visit = { node, request, sentAt: now, epoch, failed: false }
    request.visits.push(visit)
    if (node.busy < node.servers) serve(visit)
    else node.queue.push(visit)
  }
  function arrive(): void {
    const balanced = requestOf(Math.floor(random.client() * clients))
    const request: Request = { balanced, arrivedAt: now, visits: [] }
    requests++
    send(request, balancer.pick(null, balanced) as Node)
    const afterMs = percentile?.valueMs ?? Number.NaN
    if (afterMs > 0) events.push({ at: now + afterMs, run: () => hedge(request) })
    scheduleArrival()
  }
  function hedge(request: Request): void {
    const [first] = request.visits
    if (first === undefined || hedges >= (hedging?.budget ?? 0) * requests) return
    const other = balancer.pick(first.node, request.balanced)
    if (other === null || other === first.node) return
    hedges++
    send(request, other)
  }
  function scheduleArrival(): void {
    const at = now + (-Math.log(1 - random.arrival()) * 1_000) / arrivals
    if (at < durationMs) events.push({ at, run: arrive })
  }

  for (const { atMs, endpoint, slowness, failing } of phases) {
    const node = nodes[endpoint] as Node
    events.push({
      at: atMs,
      run: () => {
        node.slowness = slowness ?? node.slowness
        node.failing = failing ?? node.failing
      },
    })
  }
  scheduleArrival()
  for (let event = events.pop(); event !== undefined; event = events.pop()) {
    now = event.at
    event.run()
  }

  const sharesBetween = (fromMs: number, toMs: number): number[] => {
    const counts = nodes.map(({ pickedAt }) => pickedAt.filter((at) => at >= fromMs && at < toMs).length)
    const all = counts.reduce((sum, count) => sum + count, 0)
    return counts.map((count) => count / all)
  }
  const answered = (fromMs: number, toMs: number): number[] =>
    done
      .filter(({ at, failed }) => !failed && at >= fromMs && at < toMs)
      .map(({ ms }) => ms)
      .sort((a, b) => a - b)
  const times = answered(warmUpMs, durationMs)
  const measured = done.filter(({ at }) => at >= warmUpMs)
  const shares = sharesBetween(warmUpMs, durationMs)
  return {
    requests: measured.length,
    failed: measured.filter(({ failed }) => failed).length,
    hedged: hedges / requests,
    p50: quantile(times, 0.5),
    p90: quantile(times, 0.9),
    p99: quantile(times, 0.99),
    mean: times.reduce((sum, ms) => sum + ms, 0) / times.length,
    endpoints: nodes.map((node, index) => ({
      picks: node.pickedAt.filter((at) => at >= warmUpMs).length,
      share: shares[index] as number,
      silenceMs: longestGap(node.pickedAt, durationMs),
      inFlightMax: node.inFlightMax,
    })),
    sharesBetween,
    p99Between: (fromMs, toMs) => quantile(answered(fromMs, toMs), 0.99),
  }
}

function requestOf(client: number): Balanced {
  const address = `192.0.${client >> 8}.${client & 255}`
  return {
    address,
    head: { target: '/', host: '', headers: [], listener: { scheme: 'http' } },
    takesPlace: true,
    setCookie: null,
  }
}

/** With this mean. Box-Muller. */
function lognormal(mean: number, sigma: number, random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return mean * Math.exp(sigma * normal - (sigma * sigma) / 2)
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function longestGap(times: readonly number[], end: number): number {
  let longest = 0
  let last = 0
  for (const at of times) {
    longest = Math.max(longest, at - last)
    last = at
  }
  return Math.max(longest, end - last)
}

/** A binary heap of events, the earliest first. */
class Heap {
  readonly #events: Event[] = []

  push(event: Event): void {
    const events = this.#events
    let at = events.length
    events.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((events[parent] as Event).at <= event.at) break
      events[at] = events[parent] as Event
      at = parent
    }
    events[at] = event
  }

  pop(): Event | undefined {
    const events = this.#events
    const first = events[0]
    const last = events.pop()
    if (first === undefined || last === undefined || events.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= events.length) break
      if (child + 1 < events.length && (events[child + 1] as Event).at < (events[child] as Event).at) child++
      if ((events[child] as Event).at >= last.at) break
      events[at] = events[child] as Event
      at = child
    }
    events[at] = last
    return first
  }
}
