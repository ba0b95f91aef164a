/** Load before anything is measured, until what is measured has stopped getting cheaper: compilers are done, connections open. */

/** Two seconds one after the other that differ by no more are the same. */
export const sameWithin = 0.03
/** Of the least. What changes for another reason than warmth is not waited for any longer. */
export const mostTimes = 3

export interface Piece {
  /** How long it really took: thousands of connections take longer to open. */
  readonly seconds: number
  /** CPU per request; null where it is not known. */
  readonly cpuUs: number | null
}

export interface WarmUp {
  readonly seconds: number
  /** The last two seconds took the same; null: nobody can tell. */
  readonly settled: boolean | null
}

/**
 * Loads for so many seconds at least, and on until two seconds one after the other took the same CPU per request, up to three times as
 * long.
 *
 * @param least 1 or more
 * @param load for so many seconds
 */
export async function warmUp(least: number, load: (seconds: number) => Promise<Piece>): Promise<WarmUp> {
  let seconds = 0
  let before: number | null = null
  for (;;) {
    // All but the two that are compared in one piece.
    const piece = await load(seconds === 0 && least > 2 ? least - 2 : 1)
    seconds += piece.seconds
    const settled = isSame(piece.cpuUs, before)
    const enough = settled === true || piece.cpuUs === null ? least : mostTimes * least
    if (seconds >= enough) return { seconds, settled }
    before = piece.cpuUs
  }
}

function isSame(now: number | null, before: number | null): boolean | null {
  return now === null || before === null ? null : Math.abs(now - before) <= sameWithin * before
}
