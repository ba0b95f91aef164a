/**
 * Which of the things that are not known are worth remembering. To remember costs more than to look again, so who never sends the same
 * twice must not pay for it: the longer nothing is recognised, the fewer are remembered, down to one in 1,024; with the first that is,
 * it is one in eight again.
 */
const leastPause = 8
const mostPause = 1_024

export class Curiosity {
  readonly #leastPause: number
  readonly #mostPause: number
  /** So many more are let go. */
  #left = 0
  #pause: number

  constructor(least = leastPause, most = mostPause) {
    this.#leastPause = least
    this.#mostPause = most
    this.#pause = least
  }

  recognised(): void {
    this.#pause = this.#leastPause
  }

  /** Something is not known. @returns whether to remember it */
  asks(): boolean {
    if (this.#left > 0) {
      this.#left--
      return false
    }
    this.#left = this.#pause - 1
    this.#pause = Math.min(2 * this.#pause, this.#mostPause)
    return true
  }
}
