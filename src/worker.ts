/**
 * A plan in, a running proxy out: the data plane's root. It knows nothing of processes; `forked-worker.ts` runs it in a
 * process of its own, `--inline` in the control process.
 */

import type { Logger } from './log.ts'
import type { Binding } from './native/uws.ts'
import { loadBinding } from './native/uws.ts'
import type { FromWorker, ToWorker } from './plan/messages.ts'
import type { Plan } from './plan/plan.ts'
import { lingeringResponses } from './proxy/closing.ts'
import { unkeptLimits } from './proxy/connection-limits.ts'
import { DataPlane } from './proxy/data-plane.ts'

/**
 * In milliseconds. A drain has settled when nothing is in flight, and for this long no request has come on the connections still open, and no
 * answer has ended, of which the binding may hold the last bytes.
 */
const quietMs = 500
const drainPollMs = 20

export class Worker {
  readonly #log: Logger
  readonly #send: (message: FromWorker) => void
  readonly #binding: Binding
  #proxy: DataPlane | null = null
  #plan: Plan | null = null
  #draining: NodeJS.Timeout | null = null
  /** Something was in flight when the drain looked last; and when that was first over, in the time of `performance.now()`. */
  #wasBusy = false
  #idleSince = 0

  /** @throws {Error} if no native binding loads; the message says what to do */
  constructor(log: Logger, send: (message: FromWorker) => void) {
    this.#log = log
    this.#send = send
    this.#binding = loadBinding()
  }

  receive(message: ToWorker): void {
    switch (message.type) {
      case 'plan':
        return this.#apply(message)
      case 'health':
        return this.#proxy?.setHealth(message.id, message.healthy)
      case 'report':
        return this.#report()
      case 'measure':
        return this.#measure()
      case 'drain':
        return this.drain()
      case 'ping':
        return this.#send({ type: 'pong' })
    }
  }

  /** Stops accepting, finishes what is in flight, says `drained`. Calling it again changes nothing. */
  drain(): void {
    if (this.#draining !== null) return
    const proxy = this.#proxy
    const deadline = performance.now() + (this.#plan?.drainTimeoutMs ?? 0)
    proxy?.drain()
    this.#draining = setInterval(() => {
      const now = performance.now()
      if (proxy !== null && now < deadline && !this.#isQuiet(proxy, now)) return
      clearInterval(this.#draining as NodeJS.Timeout)
      this.#end()
    }, drainPollMs)
  }

  #end(): void {
    const stats = this.#proxy?.stats()
    if (stats !== undefined && stats.inFlight > 0) {
      this.#log.warn(
        { inFlight: stats.inFlight },
        'drainTimeout has passed: ending the requests still in flight',
      )
    }
    this.#proxy?.end()
    this.#log.info({ outcomes: stats?.outcomes ?? {} }, 'drained')
    this.#send({ type: 'drained' })
  }

  #apply({ plan, unhealthy }: Extract<ToWorker, { type: 'plan' }>): void {
    if (this.#draining !== null) return
    const proxy = this.#proxy ?? new DataPlane(this.#binding, this.#log)
    const unbound = proxy.apply(plan, unhealthy)
    if (unbound !== null) {
      const { listener, reason } = unbound
      const where = `cannot listen on ${listener.host}${listener.unix === undefined ? `:${listener.port}` : ''}`
      this.#send({ type: 'rejected', reason: reason === null ? where : `${where}: ${reason}` })
      return
    }
    this.#log.level = plan.log.level
    if (this.#proxy === null) {
      const { version, refused } = this.#binding
      this.#log.debug({ version, refused }, `uWebSockets.js ${version} is in use`)
    }
    this.#proxy = proxy
    this.#plan = plan
    const warning = unkeptLimits(plan, this.#binding)
    if (warning !== null) this.#log.warn(warning)
    for (const listener of plan.listeners) this.#send({ type: 'listening', listener })
    this.#send({ type: 'ready' })
  }

  #report(): void {
    const stats = this.#proxy?.stats()
    if (stats === undefined) return
    this.#log.info({ ...stats }, 'stats')
  }

  /** Without a plan there is nothing to tell, and nobody asks. */
  #measure(): void {
    const stats = this.#proxy?.stats()
    if (stats !== undefined) this.#send({ type: 'stats', stats })
  }

  /** Nothing is in flight or lingers, and either nobody is connected or nobody has asked for anything, or been answered, lately. */
  #isQuiet(proxy: DataPlane, now: number): boolean {
    const isBusy = proxy.recorder.inFlight > 0
    if (this.#wasBusy && !isBusy) this.#idleSince = now
    this.#wasBusy = isBusy
    if (isBusy || lingeringResponses() > 0) return false
    return proxy.connections === 0 || now - Math.max(proxy.lastRequestAt, this.#idleSince) >= quietMs
  }
}
