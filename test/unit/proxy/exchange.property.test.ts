/**
 * Many exchanges at once over the same pooled objects, in any order of events: every client gets bytes that were meant
 * for it and no others, all of one attempt, every exchange is recorded once, and in the end everything is at rest. With hedging as
 * well: what may be sent twice is sent twice at most at a time, and a POST once.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { HedgingPlan } from '../../../src/plan/upstream-plan.ts'
import { FakeContext, type Started } from '../../support/fakes/data-plane-context.ts'
import { balancePlans, endpointPlan, queuePlan } from '../../support/fakes/plans.ts'
import { teach } from '../../support/fakes/teach.ts'
import type { FakeCall } from '../../support/fakes/undici-client.ts'

type Event =
  | {
      readonly kind: 'request'
      readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT'
      readonly slow: boolean
      /** In chunks, and with more than a body may have where that is limited. */
      readonly chunked: boolean
    }
  | { readonly kind: 'upload' | 'head' | 'data' | 'read'; readonly at: number; readonly choice: number }
  | { readonly kind: 'leave' | 'connect' | 'complete' | 'fail' | 'fill' | 'drain'; readonly at: number }
  | { readonly kind: 'turn' }
  | { readonly kind: 'time' | 'late'; readonly ms: number }
  | { readonly kind: 'health'; readonly healthy: boolean }

interface Client extends Started {
  readonly id: string
  readonly method: string
  /** Of its body. */
  left: number
  /** It comes to its upstream: its head does not say that the body is too large. */
  readonly routed: boolean
}

/** What the endpoint has promised and still owes on a call. */
interface Answer {
  left: number
  headSent: boolean
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

class World {
  readonly context: FakeContext
  readonly clients: Client[] = []
  readonly #answers = new Map<FakeCall, Answer>()

  constructor(context: FakeContext) {
    this.context = context
  }

  async happen(event: Event): Promise<void> {
    switch (event.kind) {
      case 'turn':
        return turn()
      case 'time':
        return this.context.elapse(event.ms)
      case 'late':
        this.context.clock.advance(event.ms)
        return this.context.upstream.hedging?.look()
      case 'health':
        return this.#health(event.healthy)
      case 'request':
        return this.#request(event.method, event.slow, event.chunked)
      case 'upload':
        return this.#upload(pick(this.clients, event.at), 1 + event.choice)
      case 'read':
        return void pick(this.clients, event.at)?.res.read(1 + event.choice * 1_000)
      case 'leave':
        return pick(this.clients, event.at)?.res.leave()
      default:
        return this.#endpoint(event, pick(this.calls, event.at))
    }
  }

  /** Calls that go on. */
  get calls(): FakeCall[] {
    return this.context.side.calls.filter(({ ended }) => !ended)
  }

  /** Everything comes to its end: bodies are sent, answers given, responses read. @param early answers in pieces, before the bodies */
  async settle(early: boolean): Promise<void> {
    this.#health(true)
    for (let round = 0; this.context.recorder.inFlight > 0 || this.calls.length > 0; round++) {
      assert.ok(round < 500, 'it never comes to rest')
      if (!early || round > 2) for (const client of this.clients) this.#upload(client, client.left)
      for (const { res } of this.clients) res.read()
      for (const call of this.calls) {
        if (!this.#answers.has(call)) call.connect()
        call.drain()
        if (call.ended) continue
        this.#head(call, 2)
        this.#data(call, early && round === 0 ? 1 : 1_000_000)
        this.#complete(call)
      }
      await turn()
    }
    for (const client of this.clients) this.#upload(client, client.left)
    for (const { res } of this.clients) while (res.read() > 0);
  }

  async check(): Promise<void> {
    for (const { id, method, res } of this.clients) {
      assert.deepEqual(res.misuse, [], id)
      assert.equal(res.lostBytes, 0, id)
      if (res.bytes.length === 0) continue
      const parsed = res.parse(method === 'HEAD')
      assert.equal(parsed.rest.length, 0, `${id}: a second answer`)
      const from = parsed.headers.find(([name]) => name === 'x-for')
      if (from === undefined) continue // an answer of Weir's own
      // `<client>` of the attempt with this number.
      const name = from[1]
      assert.match(name, new RegExp(`^${id}[0-9]+;$`))
      const text = parsed.body.latin1Slice()
      // One that was cut off may have ended within a name, and in no other way.
      if (parsed.complete) assert.equal(text.length % name.length, 0, `${id} has lost bytes`)
      const whole = name.repeat(Math.ceil(text.length / name.length))
      assert.equal(text, whole.slice(0, text.length), `${id} got bytes of another, or of two attempts`)
    }
    this.#checkCalls()
    const ended = sum(Object.values(this.context.recorder.counts()))
    assert.equal(ended, this.clients.length, 'each exchange is recorded once')
    const routed = this.clients.filter((client) => client.routed)
    const { durations, responses } = this.context.requests.stats()
    for (const each of [durations, responses])
      assert.equal(sum(each), routed.length, 'whatever its attempts, it is one request')
    await this.context.assertAtRest()
  }

  /** What endpoints have seen of each request. */
  #checkCalls(): void {
    for (const { id, method } of this.clients) {
      const seen = this.context.side.calls.filter((call) => this.#answers.has(call) && nameOf(call) === id)
      // The first attempt, its hedge, and a retry.
      const most = method === 'POST' ? 1 : this.context.upstream.hedging === null ? 2 : 3
      assert.ok(seen.length <= most, `${id}: ${method} was sent ${seen.length} times`)
    }
    const { sent, won } = this.context.upstream.hedging?.counts ?? { sent: 0, won: 0 }
    assert.ok(won <= sent && sent <= 30, 'within the budget')
    assert.equal(this.context.upstream.hedging?.waiting ?? 0, 0, 'watched')
  }

  #health(healthy: boolean): void {
    const { upstream, deadlines } = this.context
    upstream.setHealth('app/a', healthy)
    upstream.setHealth('app/b', healthy)
    if (upstream.down)
      deadlines.each((exchange) => {
        exchange.refuseIfWaitingFor(upstream)
      })
  }

  #request(method: Client['method'], slow: boolean, inChunks: boolean): void {
    const id = `<${this.clients.length}>`
    const hasBody = method === 'POST' || method === 'PUT'
    const framing = inChunks
      ? (['transfer-encoding', 'chunked'] as const)
      : (['content-length', '8'] as const)
    const headers = hasBody ? [framing] : []
    const client = slow ? { kernelBytes: 1_000 } : {}
    const target = `/${this.clients.length}`
    const { bodyBytes } = this.context.limits
    this.clients.push({
      id,
      method,
      left: hasBody ? 8 : 0,
      routed: !hasBody || inChunks || bodyBytes === 0 || bodyBytes >= 8,
      ...this.context.start({ method, target, headers }, client),
    })
  }

  #upload(client: Client | undefined, bytes: number): void {
    if (client === undefined || client.left === 0 || client.res.closedBy !== null) return
    const count = Math.min(bytes, client.left)
    client.left -= count
    client.res.sendBody('u'.repeat(count), client.left === 0)
  }

  #endpoint(event: Event & { readonly at: number }, call: FakeCall | undefined): void {
    if (call === undefined) return
    const answer = this.#answers.get(call)
    if (event.kind === 'fail') return call.fail(new Error('other side closed'))
    if (event.kind === 'connect') {
      if (answer === undefined) this.#connect(call)
      return
    }
    if (answer === undefined) return
    if (event.kind === 'fill') call.full = true
    else if (event.kind === 'drain') call.drain()
    else if (event.kind === 'head') this.#head(call, event.choice)
    else if (event.kind === 'data') this.#data(call, 1 + event.choice * 100)
    else if (event.kind === 'complete') this.#complete(call)
  }

  #connect(call: FakeCall): void {
    call.connect()
    // Otherwise it was taken back, unseen.
    if (!call.ended) this.#answers.set(call, { left: 0, headSent: false })
  }

  #head(call: FakeCall, choice: number): void {
    if (!this.#answers.has(call) && !call.ended) this.#answers.set(call, { left: 0, headSent: false })
    const answer = this.#answers.get(call)
    if (call.ended || answer === undefined || answer.headSent) return
    const name = this.#nameOf(call)
    answer.headSent = true
    const bodiless = choice === 0 || call.method === 'HEAD'
    answer.left = bodiless ? 0 : 50 * (choice + 1) ** 2
    const size = String(answer.left * name.length)
    const framing = choice % 2 === 0 ? ['content-length', size] : ['transfer-encoding', 'chunked']
    call.head(choice === 0 ? 204 : 200, [
      ['x-for', name],
      choice === 0 ? ['x-a', '1'] : (framing as [string, string]),
    ])
  }

  /** Of its client and of itself. */
  #nameOf(call: FakeCall): string {
    return `${nameOf(call)}${this.context.side.calls.indexOf(call)};`
  }

  /** `count` copies of the name. */
  #data(call: FakeCall, count: number): void {
    const answer = this.#answers.get(call)
    if (call.ended || call.paused || !answer?.headSent || answer.left === 0) return
    const copies = Math.min(count, answer.left)
    answer.left -= copies
    call.data(this.#nameOf(call).repeat(copies))
  }

  #complete(call: FakeCall): void {
    const answer = this.#answers.get(call)
    if (call.ended || call.paused || !answer?.headSent || answer.left > 0) return
    call.complete()
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}

/** Its client's. */
function nameOf(call: FakeCall): string {
  return `<${call.path.slice(1)}>`
}

function pick<T>(list: readonly T[], at: number): T | undefined {
  return list.length === 0 ? undefined : list[at % list.length]
}

const at = fc.nat(30)
const choice = fc.nat(20)
const of = <K extends string>(...kinds: K[]) => fc.constantFrom(...kinds)
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: of('request'),
      method: of('GET', 'GET', 'HEAD', 'POST', 'PUT'),
      slow: fc.boolean(),
      chunked: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: of('upload', 'read'), at, choice }) },
  { weight: 5, arbitrary: fc.record({ kind: of('head', 'data'), at, choice }) },
  { weight: 5, arbitrary: fc.record({ kind: of('connect', 'connect', 'complete', 'fill', 'drain'), at }) },
  { weight: 2, arbitrary: fc.record({ kind: of('leave', 'fail'), at }) },
  { weight: 2, arbitrary: fc.record({ kind: of('turn') }) },
  { weight: 1, arbitrary: fc.record({ kind: of('time'), ms: fc.constantFrom(50, 900, 3_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: of('late'), ms: fc.constantFrom(5, 15, 30) }) },
  { weight: 1, arbitrary: fc.record({ kind: of('health'), healthy: fc.boolean() }) },
)

const balance = fc.constantFrom(...Object.values(balancePlans))

const hedging = fc.constantFrom<HedgingPlan | null>(null, {
  share: 0.5,
  minMs: 10,
  maxMs: 0,
  methods: 'idempotent',
})

const endings = fc.record({ limited: fc.boolean(), early: fc.boolean() })

test('any course of events_no client gets what is meant for another, and all comes to rest', async (t) => {
  // Hedges are sent when an event says so.
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let hedges = 0
  const course = fc.array(event, { maxLength: 120, size: 'max' })
  await fc.assert(
    fc.asyncProperty(
      course,
      balance,
      hedging,
      endings,
      async (events, policy, hedgingPlan, { limited, early }) => {
        const endpoints = [endpointPlan('a', 1), endpointPlan('b', 2)]
        const queue = queuePlan({ limit: 3, timeoutMs: 5_000 })
        const plan = { endpoints, connections: 2, queue, balance: policy }
        const isHedged = hedgingPlan !== null && policy !== balancePlans.sticky
        const context = new FakeContext(t, isHedged ? { ...plan, hedging: hedgingPlan } : plan)
        if (limited) context.limits = { ...context.limits, bodyBytes: 6 }
        teach(context.upstream.hedging, context.clock, 10, 20)
        const world = new World(context)
        try {
          for (const each of events) await world.happen(each)
          await world.settle(early)
          await world.check()
          hedges += context.upstream.hedging?.counts.sent ?? 0
        } finally {
          context.deadlines.stop()
          context.upstream.hedging?.stop()
        }
      },
    ),
    { numRuns: 500 },
  )
  assert.ok(hedges > 0, 'there were some')
})
