/**
 * The statistics of all workers, asked for and awaited together.
 *
 *     take ──► measure to every worker ──► stats from each ──► told
 *                                     └─► gone, or time is up ──► told without it
 *
 * Invariants
 *   - one round at a time: whoever asks while one is under way is told what it finds, so that many who ask cost the workers no more than one.
 *   - a round ends: when each worker has answered or is gone, at the latest when its time is up.
 */
import type { WorkerStats } from '../../plan/messages.ts'

/** One worker in a round. */
export interface Counted {
  readonly number: number
  /** null: it did not answer in time, is not ready, or is being replaced. */
  readonly stats: WorkerStats | null
}

/** Someone to ask. @returns false if it cannot be asked now */
export interface Asked {
  readonly number: number
  ask(): boolean
}

export class Census {
  readonly #timeoutMs: number
  #round: Promise<readonly Counted[]> | null = null
  #awaited = new Map<number, (stats: WorkerStats | null) => void>()

  /** @param timeoutMs how long a round may take */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  /** @returns one entry for each of them, in their order. Never rejects. */
  take(workers: readonly Asked[]): Promise<readonly Counted[]> {
    if (this.#round !== null) return this.#round
    const round = this.#ask(workers)
    this.#round = round
    return round
  }

  /** A worker has told its statistics. Of one who was too late for its round, the next one takes them. */
  answer(number: number, stats: WorkerStats): void {
    this.#awaited.get(number)?.(stats)
  }

  /** A worker has gone: it will not answer. */
  gone(number: number): void {
    this.#awaited.get(number)?.(null)
  }

  async #ask(workers: readonly Asked[]): Promise<readonly Counted[]> {
    const answers = workers.map((worker) => this.#await(worker))
    const timer = setTimeout(() => {
      for (const settle of this.#awaited.values()) settle(null)
    }, this.#timeoutMs)
    const counted = await Promise.all(answers)
    clearTimeout(timer)
    this.#round = null
    return counted
  }

  #await({ number, ask }: Asked): Promise<Counted> {
    return new Promise((resolve) => {
      this.#awaited.set(number, (stats) => {
        this.#awaited.delete(number)
        resolve({ number, stats })
      })
      if (!ask()) this.gone(number)
    })
  }
}
