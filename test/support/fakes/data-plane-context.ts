/** What exchanges share, without a listener: a clock that the test moves, a log in memory, and undici's side played. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Binding } from '../../../src/native/uws.ts'
import { cleanPath } from '../../../src/plan/clean-path.ts'
import type { UpstreamPlan } from '../../../src/plan/upstream-plan.ts'
import type { Attempt } from '../../../src/proxy/attempt.ts'
import type { DataPlaneContext } from '../../../src/proxy/context.ts'
import { Deadlines, tickMs } from '../../../src/proxy/deadlines.ts'
import type { Departing } from '../../../src/proxy/departures.ts'
import { Exchange } from '../../../src/proxy/exchange.ts'
import { Forwarding } from '../../../src/proxy/headers/forwarding.ts'
import { Recorder } from '../../../src/proxy/record.ts'
import { RequestCounts } from '../../../src/proxy/request-counts.ts'
import type { Route } from '../../../src/proxy/router.ts'
import { TurnClock } from '../../../src/proxy/turn-clock.ts'
import { Upstream } from '../../../src/proxy/upstream.ts'
import { FakeClock } from './clock.ts'
import { FakeRequest, type FakeRequestOptions } from './http-request.ts'
import { FakeLoop, FakeResponse, type FakeResponseOptions } from './http-response.ts'
import { MemoryLog } from './logger.ts'
import { plan, upstreamPlan } from './plans.ts'
import { type FakeCall, FakeUpstreamSide } from './undici-client.ts'

class TurnlessClock extends TurnClock {
  override get now(): number {
    return performance.now()
  }
}

/** Each request by itself, and without a turn of the event loop passing. */
export const departingAtOnce = {
  add: (departing: Departing): void => departing.depart(),
  clock: new TurnlessClock(() => {}),
}

export interface Started {
  readonly res: FakeResponse
  readonly exchange: Exchange
}

export class FakeContext implements DataPlaneContext {
  readonly binding = { writeBytes: 16_000 } as Binding
  readonly clock = new FakeClock()
  readonly deadlines = new Deadlines<Exchange>(this.clock.read)
  readonly memory = new MemoryLog()
  readonly recorder = new Recorder(this.memory.log, () => 0.5)
  /** As where metrics are served. */
  readonly requests = new RequestCounts()
  draining = false
  readonly spareExchanges: Exchange[] = []
  readonly spareAttempts: Attempt[] = []
  readonly upstream: Upstream
  readonly side: FakeUpstreamSide
  readonly route: Route
  limits = plan().limits
  /** Requests leave at once, not with the turn's others. */
  readonly departures = departingAtOnce
  forwarding = new Forwarding(plan().forwarding)
  readonly #loop = new FakeLoop()

  constructor(t: TestContext, changes: Partial<UpstreamPlan> = {}) {
    t.after(() => {
      this.deadlines.stop()
      this.upstream.hedging?.stop()
    })
    this.recorder.configure({ level: 'trace', access: { errors: true, sample: 1 } })
    this.upstream = new Upstream(
      upstreamPlan({ connections: 2, ...changes }),
      new Set(),
      () => 0,
      this.clock.read,
    )
    this.upstream.requests = this.requests
    this.side = new FakeUpstreamSide(this.upstream)
    this.route = {
      upstream: this.upstream,
      reply: null,
      cleaned: false,
      timeoutMs: 0,
      guard: null,
      split: null,
      mirror: null,
    }
  }

  /** A request comes in, as from the proxy's handler. */
  start(
    request: FakeRequestOptions = {},
    client: FakeResponseOptions = {},
    route: Route | null = this.route,
  ): Started {
    const res = new FakeResponse({ ...client, loop: this.#loop })
    const native = new FakeRequest(request)
    const exchange = this.spareExchanges.pop() ?? new Exchange(this, this.spareExchanges)
    const path = native.getUrl()
    exchange.head.begin(native.getCaseSensitiveMethod(), path, exchange.head.listener, false)
    res.inHandler(() => exchange.begin(res.native, native.native, route, cleanPath(path)))
    native.die()
    return { res, exchange }
  }

  /** The latest call upstream. */
  get call(): FakeCall {
    return this.side.last
  }

  /** Lets time pass tick by tick, and the few ticks more that a deadline may be late. */
  elapse(ms: number): void {
    for (let passed = 0; passed < ms + 3 * tickMs; passed += tickMs) {
      this.clock.advance(tickMs)
      this.deadlines.tick()
    }
  }

  /**
   * The master invariant: nothing in flight, nothing waiting, everything back where it belongs, at the latest when the
   * turn is over.
   */
  async assertAtRest(): Promise<void> {
    await Promise.resolve()
    assert.equal(this.recorder.inFlight, 0, 'exchanges in flight')
    assert.equal(this.deadlines.size, 0, 'exchanges that the clock still watches')
    assert.equal(this.upstream.admission.waiting, 0, 'tickets that wait')
    assert.equal(this.upstream.admission.running, 0, 'places taken')
    for (const { id, inFlight } of this.upstream.endpoints) assert.equal(inFlight, 0, `attempts at ${id}`)
    assert.ok(
      this.side.calls.every(({ ended }) => ended),
      'calls that go on',
    )
    assert.equal(new Set(this.spareExchanges).size, this.spareExchanges.length, 'an exchange is spare once')
    assert.equal(new Set(this.spareAttempts).size, this.spareAttempts.length, 'an attempt is spare once')
  }
}
