/**
 * The workers: started, told the plan and the health of endpoints, replaced when they die, drained at the end.
 *
 *     starting ──► ready ──► draining ──► gone
 *        │           │
 *        └── dies ───┴──► replaced: at once, then with backoff
 *                    └──► silent for half a minute, or not ready after a whole one: ended, and so replaced
 *
 * Invariants
 *   - there is one slot for each worker that the plan wants, and at most one living worker in it.
 *   - until all are ready for the first time, a worker that dies or rejects the plan ends the start: something is wrong
 *     with the machine or the configuration, and trying again would only hide it.
 *   - each worker is given the current plan and the current health as its first message. A replacement that rejects it is ended, and so
 *     replaced: what was in the way may be gone.
 */
import type { Logger } from 'pino'
import type { ListenerPlan } from '../plan/listener-plan.ts'
import type { FromWorker, Unhealthy } from '../plan/messages.ts'
import type { Plan } from '../plan/plan.ts'
import { Backoff } from './backoff.ts'
import { Census, type Counted } from './metrics/census.ts'
import type { StartWorker, WorkerHandle } from './worker-handle.ts'

interface Slot {
  readonly number: number
  readonly backoff: Backoff
  worker: WorkerHandle | null
  ready: boolean
  startedAt: number
  /** Plans that it was given and has not answered yet. They are answered in order: with `ready` or `rejected`. */
  unanswered: number
  /** Rounds in a row without a sign of life: of pings, or of being started. */
  missed: number
  respawn: NodeJS.Timeout | null
  /** It is to drain and not to be replaced. */
  leaving: boolean
  /** Not as all do at the end: the plan wants fewer. Its number may be another's by now. */
  surplus: boolean
}

export interface SupervisorEvents {
  /** Every worker accepts; called once. */
  onReady(): void
  /** The first start has failed; called once. */
  onFailed(reason: string): void
}

/** Beyond drainTimeout: a worker that has not gone by then hangs. */
const drainGraceMs = 2_000
/** Between pings. Rounds are counted, not time, so that a control process that was stopped itself blames nobody. */
const pingMs = 5_000
const missedMax = 6
/** How long the statistics of all are waited for. Who scrapes metrics usually waits 10 s. */
const censusMs = 1_000
/** Rounds within which a worker is ready: it is not asked before, since it may have a lot to do. */
const startRoundsMax = 12

export class Supervisor {
  readonly #log: Logger
  readonly #start: StartWorker
  readonly #events: SupervisorEvents
  readonly #unhealthy: () => Unhealthy
  readonly #pingMs: number
  readonly #startRoundsMax: number
  #plan: Plan
  #slots: Slot[] = []
  #wasReady = false
  #draining = false
  #announced = new Set<string>()
  #onEmpty: (() => void) | null = null
  /** Of the reload that is under way. */
  #onSettled: ((refused: string | null) => void) | null = null
  #pulse: NodeJS.Timeout | null = null
  readonly #census = new Census(censusMs)
  #deaths = 0

  /**
   * @param unhealthy the endpoints that are out at this moment
   * @param pings milliseconds from one ping to the next, for tests
   * @param startRounds as many of them a worker has to become ready, for tests
   */
  constructor(
    log: Logger,
    plan: Plan,
    start: StartWorker,
    unhealthy: () => Unhealthy,
    events: SupervisorEvents,
    pings = pingMs,
    startRounds = startRoundsMax,
  ) {
    this.#pingMs = pings
    this.#startRoundsMax = startRounds
    this.#log = log
    this.#plan = plan
    this.#start = start
    this.#unhealthy = unhealthy
    this.#events = events
  }

  start(): void {
    this.#fill()
    this.#pulse = setTimeout(() => this.#askAll(), this.#pingMs)
  }

  /**
   * A new plan for all: more workers or fewer, and the rest is theirs to put into effect.
   * @returns null once every worker runs it; or, at once, why one does not: it has rejected it, or has died over it. Others may run it
   *   by then, so the plan before is to be put back.
   */
  reload(plan: Plan): Promise<string | null> {
    const settled = new Promise<string | null>((resolve) => {
      this.#onSettled = resolve
    })
    this.#plan = plan
    for (const slot of this.#slots) if (!slot.leaving) this.#tell(slot)
    this.#fill()
    for (const slot of this.#slots.filter(({ number }) => number > plan.workers)) {
      slot.surplus = true
      this.#dismiss(slot)
    }
    this.#checkReady()
    this.#checkSettled()
    return settled
  }

  setHealth(id: string, healthy: boolean): void {
    for (const { worker } of this.#slots) worker?.send({ type: 'health', id, healthy })
  }

  /** Every worker logs its statistics. */
  report(): void {
    for (const { worker } of this.#slots) worker?.send({ type: 'report' })
  }

  /** Workers that have died and were replaced. */
  get deaths(): number {
    return this.#deaths
  }

  /** @returns the statistics of each worker of the plan, also while all drain */
  census(): Promise<readonly Counted[]> {
    return this.#census.take(
      this.#slots
        .filter(({ surplus }) => !surplus)
        .map((slot) => ({
          number: slot.number,
          ask: () => {
            if (slot.ready) slot.worker?.send({ type: 'measure' })
            return slot.ready
          },
        })),
    )
  }

  /** @returns when every worker has gone; those that hang are ended after drainTimeout */
  async drain(): Promise<void> {
    this.#draining = true
    for (const slot of [...this.#slots]) this.#dismiss(slot)
    this.#checkSettled()
    if (this.#slots.length > 0) await this.#untilEmpty()
    this.#stopPulse()
  }

  async #untilEmpty(): Promise<void> {
    const limit = setTimeout(() => {
      this.#log.error('workers have not ended within drainTimeout: killing them')
      this.kill()
    }, this.#plan.drainTimeoutMs + drainGraceMs)
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
    clearTimeout(limit)
  }

  /** Ends every worker at once. */
  kill(): void {
    this.#draining = true
    this.#stopPulse()
    for (const { worker, respawn } of this.#slots) {
      if (respawn !== null) clearTimeout(respawn)
      worker?.kill()
    }
  }

  #stopPulse(): void {
    if (this.#pulse !== null) clearTimeout(this.#pulse)
    this.#pulse = null
  }

  #fill(): void {
    for (let number = 1; number <= this.#plan.workers && !this.#draining; number++) {
      if (this.#slots.some((slot) => slot.number === number && !slot.leaving)) continue
      const slot: Slot = {
        number,
        backoff: new Backoff(),
        worker: null,
        ready: false,
        startedAt: 0,
        unanswered: 0,
        missed: 0,
        respawn: null,
        leaving: false,
        surplus: false,
      }
      this.#slots.push(slot)
      this.#spawn(slot)
    }
  }

  #spawn(slot: Slot): void {
    slot.respawn = null
    slot.ready = false
    slot.missed = 0
    slot.startedAt = performance.now()
    // Late word of a worker that has gone must not be taken for its replacement's.
    let gone = false
    const onExit = (how: string): void => {
      if (gone) return
      gone = true
      this.#onExit(slot, how)
    }
    try {
      slot.worker = this.#start(slot.number, {
        onMessage: (message) => {
          if (!gone) this.#onMessage(slot, message)
        },
        onExit,
      })
    } catch (error) {
      // No memory for another process, say, which there may be later.
      return onExit((error as Error).message)
    }
    this.#log.info({ worker: slot.number, workerPid: slot.worker.pid }, 'worker started')
    this.#tell(slot)
  }

  /** A worker in an endless loop, or stopped, goes on being given connections by the kernel: all it takes with it hangs. */
  #askAll(): void {
    this.#pulse = setTimeout(() => this.#askAll(), this.#pingMs)
    for (const slot of this.#slots) {
      const { worker, number, ready } = slot
      if (worker === null) continue
      if (slot.missed < (ready ? missedMax : this.#startRoundsMax)) {
        slot.missed++
        if (ready) worker.send({ type: 'ping' })
        continue
      }
      const silentMs = slot.missed * this.#pingMs
      this.#log.error(
        { worker: number, workerPid: worker.pid, silentMs },
        ready ? 'worker does not answer: killing it' : 'worker does not become ready: killing it',
      )
      worker.kill()
    }
  }

  #tell(slot: Slot): void {
    if (slot.worker === null) return
    slot.unanswered++
    slot.worker.send({ type: 'plan', plan: planFor(slot.number, this.#plan), unhealthy: this.#unhealthy() })
  }

  #onMessage(slot: Slot, message: FromWorker): void {
    switch (message.type) {
      case 'listening':
        return this.#announce(message.listener)
      case 'ready':
        slot.unanswered--
        slot.ready = true
        slot.missed = 0
        this.#checkReady()
        return this.#checkSettled()
      case 'rejected':
        return this.#onRejected(slot, message.reason)
      case 'pong':
        slot.missed = 0
        return
      case 'stats':
        if (!slot.surplus) this.#census.answer(slot.number, message.stats)
        return
      case 'drained':
        return
    }
  }

  #onRejected(slot: Slot, reason: string): void {
    slot.unanswered--
    const { number, worker, ready, leaving, unanswered } = slot
    if (!this.#wasReady) return this.#fail(reason)
    // Its answer to a newer plan is what counts, and that of one that leaves does not.
    if (unanswered > 0 || leaving) return
    if (ready) this.#log.error({ worker: number }, `${reason}: the worker goes on with the plan that it has`)
    else {
      // A replacement has none: it would live on and listen nowhere.
      this.#log.error({ worker: number }, `${reason}: it will be tried again`)
      worker?.kill()
    }
    this.#settle(reason)
  }

  /** Workers name all listeners of each plan that they take. A late word of one that is gone says nothing any more. */
  #announce(listener: ListenerPlan): void {
    const { host, port, tls } = listener
    const key = announced(listener)
    if (this.#announced.has(key) || !this.#plan.listeners.some((other) => announced(other) === key)) return
    this.#announced.add(key)
    this.#log.info({ host, port, ...(tls === undefined ? undefined : { tls: true }) }, 'listening')
  }

  #checkReady(): void {
    if (this.#wasReady || this.#slots.some(({ ready, leaving }) => !ready && !leaving)) return
    this.#wasReady = true
    this.#events.onReady()
  }

  /** Who is not there, or leaves, is not waited for: a replacement begins with the current plan. */
  #checkSettled(): void {
    if (this.#slots.every(({ leaving, unanswered }) => leaving || unanswered === 0)) this.#settle(null)
  }

  #settle(refused: string | null): void {
    // What is gone is news when it comes back.
    const listeners = this.#plan.listeners.map(announced)
    if (refused === null) this.#announced = new Set(listeners.filter((key) => this.#announced.has(key)))
    this.#onSettled?.(refused)
    this.#onSettled = null
  }

  #onExit(slot: Slot, how: string): void {
    const { number, worker, unanswered } = slot
    slot.worker = null
    slot.ready = false
    slot.unanswered = 0
    if (!slot.surplus) this.#census.gone(number)
    if (slot.leaving || this.#draining) {
      this.#slots = this.#slots.filter((other) => other !== slot)
      this.#checkSettled()
      if (this.#slots.length === 0) this.#onEmpty?.()
      return
    }
    if (!this.#wasReady) return this.#fail(`worker ${number} ended before it was ready (${how})`)
    this.#deaths++
    const delayMs = slot.backoff.next(performance.now() - slot.startedAt)
    this.#log.error(
      { worker: number, workerPid: worker?.pid, how, delayMs },
      'worker died: it will be replaced',
    )
    slot.respawn = setTimeout(() => this.#spawn(slot), delayMs)
    if (unanswered > 0) this.#settle(`worker ${number} ended before it had taken the plan (${how})`)
  }

  #dismiss(slot: Slot): void {
    slot.leaving = true
    if (slot.worker !== null) return slot.worker.send({ type: 'drain' })
    if (slot.respawn !== null) clearTimeout(slot.respawn)
    this.#slots = this.#slots.filter((other) => other !== slot)
  }

  #fail(reason: string): void {
    if (this.#draining) return
    this.kill()
    this.#events.onFailed(reason)
  }
}

/** Listeners with the same one have the same line in the log. */
function announced({ host, port, tls }: ListenerPlan): string {
  return `${host} ${port} ${tls !== undefined}`
}

/** A path has one socket, which workers cannot share as they share a port: the first one has it, who is never dismissed. */
function planFor(number: number, plan: Plan): Plan {
  if (number === 1 || plan.listeners.every(({ unix }) => unix === undefined)) return plan
  return { ...plan, listeners: plan.listeners.filter(({ unix }) => unix === undefined) }
}
