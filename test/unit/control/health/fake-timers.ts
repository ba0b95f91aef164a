/** A clock that moves when a test says so. Timers that are due together fire in the order in which they were set. */
interface Timer {
  readonly at: number
  readonly callback: () => void
}

export class FakeTimers {
  now = 0
  /** The delay of every timer ever set, in order. */
  readonly delays: number[] = []
  readonly #timers = new Set<Timer>()

  /** Timers that are set and have neither fired nor been cleared. */
  get pending(): number {
    return this.#timers.size
  }

  readonly setTimer = (callback: () => void, ms: number): Timer => {
    const timer = { at: this.now + ms, callback }
    this.delays.push(ms)
    this.#timers.add(timer)
    return timer
  }

  readonly clearTimer = (timer: unknown): void => {
    this.#timers.delete(timer as Timer)
  }

  /** Fires what is due up to `ms` from now, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const until = this.now + ms
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#timers.delete(next)
      this.now = next.at
      next.callback()
      await settle()
    }
    this.now = until
  }

  #next(until: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at <= until && (next === undefined || timer.at < next.at)) next = timer
    }
    return next
  }
}

/** Resolves when every promise that can settle without outside help has. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
