/** A draw by weight among the endpoints that have room: all of `random`, and what the policies with two choices begin with. */
import type { Candidate } from './policy.ts'

/** The weights of all that may be drawn. 0: nobody may. */
export function drawableWeight(endpoints: readonly Candidate[], except: Candidate | null): number {
  let total = 0
  for (let index = 0; index < endpoints.length; index++) {
    const endpoint = endpoints[index] as Candidate
    if (endpoint !== except && endpoint.free) total += endpoint.weight
  }
  return total
}

/**
 * The index of the one that a number falls on, -1 only if nobody may be drawn.
 * @param skipped an index that is not drawn, -1: none
 * @param point from 0 to below the sum of the weights of all that may be drawn
 */
export function draw(
  endpoints: readonly Candidate[],
  except: Candidate | null,
  skipped: number,
  point: number,
): number {
  let remaining = point
  let last = -1
  for (let index = 0; index < endpoints.length; index++) {
    const endpoint = endpoints[index] as Candidate
    if (index === skipped || endpoint === except || !endpoint.free) continue
    last = index
    remaining -= endpoint.weight
    if (remaining < 0) return index
  }
  // Only rounding leads here: random() * total came out as total.
  return last
}
