/**
 * How many requests an upstream gets at once, learned from its latency.
 *
 * Up to its capacity c an endpoint answers in its service time S, whatever is in flight; above, in S x n / c, since the rest
 * waits inside it. So latency that rises with what is in flight is a queue, and a queue is better off here, where it has a
 * bound, an order and a deadline. The limit climbs until latency rises, and falls back to where it does not:
 *
 *     limit    ╱│  ╱│  ╱│         climb   by sqrt(limit) a round (in the beginning: twofold) while the limit is nearly used
 *       c ───╱─│╱──│╱──│╱──      fall     latency > tolerance x base: to 0.8 x base / latency of what was in flight, at most
 *          ╱                              by a half; but not for less than `unnoticedMs` above the base
 *                                 settle  the round after a fall tells what the fall was good for:
 *                                           latency fell, but by less: below the capacity now. Climb again
 *                                           it fell in proportion: there is a queue still. Fall on
 *                                           it fell below the base: the base held a queue, too. It is the base now; fall on
 *                                           it did not fall: no queue, the endpoint has become slower. It is the base now
 *                                           less than `unnoticedMs` is left: no queue that anybody would mind. Climb again
 *
 * This is the gradient of Netflix's concurrency-limits (Gradient2: limit x base / latency + sqrt(limit), tolerance 1.5), with
 * one difference: there the base is a long-term average, which in a lasting overload learns the queue, and the limit creeps up
 * with it. Here the fall goes below the estimated capacity, and so shows the latency without a queue every time: the base is
 * renewed by the ordinary course, and no probe window (as Envoy's, at a concurrency of 3) turns requests away for it.
 *
 * Where nothing ever resists, the first base may have held a queue from the beginning (as many clients as the limit, all let in).
 * So after 32 rounds without a fall (two, at first) there is a trial: for one round three quarters of what was in flight. It is
 * judged like a fall; if there was no queue, the limit is what it was before. Nobody is refused for it: what comes waits here. With a
 * latency of less than `unnoticedMs` there is none: the queue that it could find is let be.
 *
 * Time goes in rounds: twice as many samples as are in flight, 20 at least, of requests that began after the last change, so
 * that a change is judged by what it did (of once as many, too many are those that came back first, which are
 * the fast ones). Compared are means of rounds. Three kinds of endings: `success` has a latency; `drop`
 * (refused, timed out, 502, 503, 504) backs off by a fifth, once a round; `ignore` (a client that went, a bad request, the probe of an
 * endpoint that is ejected, whose failure says nothing about the others) is not
 * told here at all.
 *
 * Latency is what the endpoint took for certain, without what this process's own loop was busy with meanwhile (turn-clock.ts): that
 * rises with what is in flight as well, and fewer at the endpoint do not make it less.
 *
 * What latency cannot tell: a mix of requests that changes by itself (few short ones, then many long ones) looks as if the
 * endpoint had become slower; the limit falls, finds that this was no use, and climbs again.
 *
 * Invariants
 *   - min <= limit <= max.
 *   - the limit rises only after a round in which four fifths of it were in flight on average, or back to where a trial began.
 *   - pure: no clock, no randomness, nothing allocated per sample.
 */

export interface GradientSettings {
  /** Whole numbers, 1 <= min <= initial <= max. */
  readonly min: number
  readonly max: number
  readonly initial: number
  /** A latency of up to this many times the base is no queue. Above 1. */
  readonly tolerance: number
}

/** How an attempt ended, as far as a limit learns from it (Netflix: onSuccess, onDropped, onIgnore). */
export type Verdict = 'success' | 'drop' | 'ignore'
/** What it is told of. */
export type Heard = Exclude<Verdict, 'ignore'>

/** A round's samples: so many at least, and so many times what is in flight. */
const samplesMin = 20
const samplesPerPlace = 2
/** A fall goes this far below the estimated capacity, so that no queue is left to be taken for the base. */
const drained = 0.8
const steepestFall = 0.5
const dropBackoff = 0.8
/** What share of the limit must be in flight for it to be in the way. */
const nearlyUsed = 0.8
const trialEvery = 32
const trialShare = 0.75
/** Below this share of the base the base itself was too high. */
const clearlyBelow = 0.9
/** A latency of so many times what proportion makes of it is in proportion; at 0.8 of the capacity it is 1.25 times that. */
const inProportion = 1.1
/**
 * A queue of so many milliseconds is let be: it is below what the endpoints' event loops add by themselves when they are busy,
 * and fewer requests in each of their turns would cost more CPU time than so short a wait is worth.
 */
const unnoticedMs = 2
/** How far one round moves the base, where it is about right. */
const baseGain = 0.2

export class GradientLimit {
  /** Whole, from `min` to `max`. */
  limit: number
  /** Latency without a queue, in milliseconds; NaN until it is known. */
  baseMs = Number.NaN
  #settings: GradientSettings
  /** Nothing has gone against it yet: it doubles. */
  #starting = true
  /** When the limit changed last, in the time of the samples. */
  #changedAt = Number.NEGATIVE_INFINITY
  /** The round before the fall that is being judged; NaN if the last change was no fall. */
  #fallenFromMs = Number.NaN
  #fallenFromInFlight = Number.NaN
  /** What a trial is to go back to; 0: there is none. */
  #beforeTrial = 0
  #sinceFall = trialEvery - 2
  // The round under way.
  #samples = 0
  #sumMs = Number.NaN
  #sumInFlight = 0

  constructor(settings: GradientSettings) {
    this.#settings = settings
    this.limit = settings.initial
    this.#clear()
  }

  /** New settings from a reload. What is known stays, within the new bounds. */
  configure(settings: GradientSettings): void {
    this.#settings = settings
    this.limit = clamp(this.limit, settings.min, settings.max)
  }

  /**
   * An attempt has its head.
   * @param startedAt when it left the queue, and `now`: milliseconds of one monotonic clock
   * @param latencyMs how long it took, which may be less than has passed since
   * @param inFlight what was in flight when it ended, itself included
   * @returns whether the limit has changed
   */
  success(startedAt: number, latencyMs: number, now: number, inFlight: number): boolean {
    if (startedAt < this.#changedAt) return false
    this.#samples++
    this.#sumMs += latencyMs
    this.#sumInFlight += inFlight
    if (this.#samples < samplesMin) return false
    // What is in flight on average is the sum over the number.
    if (this.#samples * this.#samples < samplesPerPlace * this.#sumInFlight) return false
    // A latency of 0 would make a base that everything is above.
    const meanMs = Math.max(this.#sumMs / this.#samples, 0.001)
    const meanInFlight = this.#sumInFlight / this.#samples
    this.#clear()
    return this.#round(meanMs, meanInFlight, now)
  }

  /** An attempt was refused, timed out, or told that there is too much to do. @returns whether the limit has changed */
  drop(startedAt: number, now: number): boolean {
    if (startedAt < this.#changedAt) return false
    this.#starting = false
    this.#fallenFromMs = Number.NaN
    this.#beforeTrial = 0
    this.#sinceFall = 0
    this.#clear()
    return this.#set(Math.floor(this.limit * dropBackoff), now)
  }

  #round(latencyMs: number, inFlight: number, now: number): boolean {
    const judged = this.#fallenFromMs
    const beforeTrial = this.#beforeTrial
    this.#fallenFromMs = Number.NaN
    this.#beforeTrial = 0
    if (!(latencyMs > this.baseMs / 2)) {
      // The first of all, or more than twice as fast as ever.
      this.baseMs = latencyMs
    } else if (!Number.isNaN(judged)) {
      return this.#settle(latencyMs, inFlight, judged, beforeTrial, now)
    } else if (this.#isQueue(latencyMs)) {
      return this.#fall(latencyMs, inFlight, (drained * inFlight * this.baseMs) / latencyMs, now)
    } else if (latencyMs < this.baseMs) {
      this.baseMs += (latencyMs - this.baseMs) * baseGain
    }
    this.#sinceFall++
    // Where it takes less than that in all, there is no queue to be found.
    if (this.#sinceFall > trialEvery && latencyMs > unnoticedMs) return this.#try(latencyMs, inFlight, now)
    return this.#climb(inFlight, now)
  }

  /** What a fall was good for. @param fromMs the latency before it */
  #settle(latencyMs: number, inFlight: number, fromMs: number, beforeTrial: number, now: number): boolean {
    this.#sinceFall = 0
    const ratio = inFlight / this.#fallenFromInFlight
    // Half way between a latency that has fallen in proportion, as a queue's does, and one that has not.
    const wasNoQueue = latencyMs > (fromMs * (1 + ratio)) / 2
    if (wasNoQueue) {
      this.baseMs = latencyMs
      return beforeTrial > 0 ? this.#set(beforeTrial, now) : this.#climb(inFlight, now)
    }
    // So short was the queue, or what is left of it: where an endpoint has paused for a moment, it was one of that moment.
    if (fromMs - latencyMs <= unnoticedMs || latencyMs <= unnoticedMs) {
      this.baseMs = Math.min(this.baseMs, latencyMs)
      return beforeTrial > 0 ? this.#set(beforeTrial, now) : this.#climb(inFlight, now)
    }
    // Below the capacity it falls by less than what is in flight. In proportion: there is a queue still, whatever the base says,
    // which may have held the same one.
    const isQueueStill = latencyMs < fromMs * ratio * inProportion
    if (isQueueStill || latencyMs < this.baseMs * clearlyBelow || beforeTrial > 0) {
      this.baseMs = Math.min(this.baseMs, latencyMs)
      return this.#fall(latencyMs, inFlight, inFlight * dropBackoff, now)
    }
    if (this.#isQueue(latencyMs)) {
      return this.#fall(latencyMs, inFlight, (drained * inFlight * this.baseMs) / latencyMs, now)
    }
    this.baseMs += (latencyMs - this.baseMs) * baseGain
    return this.#climb(inFlight, now)
  }

  #isQueue(latencyMs: number): boolean {
    return latencyMs > this.baseMs * this.#settings.tolerance && latencyMs - this.baseMs > unnoticedMs
  }

  /** Looks what is to be had with less in flight. */
  #try(latencyMs: number, inFlight: number, now: number): boolean {
    this.#sinceFall = 0
    const target = Math.floor(inFlight * trialShare)
    const before = this.limit
    // Where more is in flight than the limit, from before it fell, three quarters of that may be more as well.
    if (target < this.#settings.min || target >= before) return this.#climb(inFlight, now)
    this.#set(target, now)
    this.#fallenFromMs = latencyMs
    this.#fallenFromInFlight = inFlight
    this.#beforeTrial = before
    return true
  }

  #fall(latencyMs: number, inFlight: number, target: number, now: number): boolean {
    this.#starting = false
    const limit = Math.min(this.limit, Math.floor(Math.max(target, this.limit * steepestFall)))
    if (!this.#set(limit, now)) {
      // Nowhere to fall: as fast as this it is, with as little as may be in flight.
      if (this.limit === this.#settings.min) this.baseMs = latencyMs
      return false
    }
    // With less in flight than the new limit allows, the fall has no effect that could be judged.
    if (this.limit < inFlight) {
      this.#fallenFromMs = latencyMs
      this.#fallenFromInFlight = inFlight
    }
    return true
  }

  #climb(inFlight: number, now: number): boolean {
    if (inFlight < this.limit * nearlyUsed) return false
    const step = this.#starting ? this.limit : Math.ceil(Math.sqrt(this.limit))
    return this.#set(this.limit + step, now)
  }

  #set(limit: number, now: number): boolean {
    const bounded = clamp(limit, this.#settings.min, this.#settings.max)
    if (bounded === this.limit) return false
    this.limit = bounded
    this.#changedAt = now
    return true
  }

  #clear(): void {
    this.#samples = 0
    this.#sumMs = 0
    this.#sumInFlight = 0
  }
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value))
}
