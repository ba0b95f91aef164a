/**
 * How long to wait before a worker that died is replaced: not at all the first time, then 100 ms, doubling up to 10 s.
 * One that has lived for a while has paid off what came before it.
 */

const firstMs = 100
const longestMs = 10_000
const forgivenAfterMs = 30_000

export class Backoff {
  #deaths = 0

  /** @param livedMs how long the worker that died had lived. @returns milliseconds to wait */
  next(livedMs: number): number {
    if (livedMs >= forgivenAfterMs) this.#deaths = 0
    const delay = this.#deaths === 0 ? 0 : Math.min(longestMs, firstMs * 2 ** (this.#deaths - 1))
    this.#deaths++
    return delay
  }
}
