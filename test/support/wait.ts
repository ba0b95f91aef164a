import { setTimeout as sleep } from 'node:timers/promises'

export interface WaitOptions {
  /** Milliseconds, 10,000 by default: a bound for a broken run, not an expectation of speed. */
  readonly timeoutMs?: number
  /** Ends the sentence "waited N ms for …" when time is up. A function is asked then, so that it can say what was found. */
  readonly what: string | (() => string)
  /** Milliseconds between two looks, 10 by default. */
  readonly everyMs?: number
}

/**
 * Waits until `condition` gives something truthy and returns it. An exception in `condition` is not a "no": it ends the wait.
 * @throws Error naming `what`, when the time is up.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<Awaited<T>, false | null | undefined | 0 | ''>> {
  const { timeoutMs = 10_000, what, everyMs = 10 } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const found = await condition()
    if (found) return found as Exclude<Awaited<T>, false | null | undefined | 0 | ''>
    if (performance.now() >= deadline) {
      throw new Error(`waited ${timeoutMs} ms for ${typeof what === 'string' ? what : what()}`)
    }
    await sleep(everyMs)
  }
}

/**
 * `promise`, or an Error naming `what` once `timeoutMs` have passed. The promise itself goes on.
 */
export async function within<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${timeoutMs} ms for ${what}`)), timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A door that a test opens: what waits at it goes on when the test says so, not when a time is over. */
export class Gate {
  /** How many have arrived so far, whether or not they are still waiting. */
  arrived = 0
  #open: () => void = () => undefined
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve
  })

  /** Lets through everyone who waits and everyone who comes later. */
  open(): void {
    this.#open()
  }

  async pass(): Promise<void> {
    this.arrived++
    await this.#opened
  }

  /** Resolves when `count` have arrived. */
  async reached(count: number, timeoutMs = 10_000): Promise<void> {
    await waitFor(() => this.arrived >= count, {
      timeoutMs,
      what: () => `${count} arrivals at the gate (so far ${this.arrived})`,
    })
  }
}
