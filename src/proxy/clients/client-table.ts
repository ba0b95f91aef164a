/**
 * What is counted for each client, in a table of fixed size: open addressing in sets of eight, as a processor's cache. A key is
 * 64 bits of a hash; two clients of a million that share them are a matter of 1 in 40 million, and would share their limits.
 *
 * The rate is a token bucket, kept as one number: the time at which the bucket will be full again (GCRA, the "virtual scheduling"
 * of ITU-T I.371; the same as a bucket of `burst` tokens that refills at one per `intervalMs`).
 *
 * 20 bytes per key: 2 x 4 of hash, 8 of time, 4 of requests in flight.
 *
 * On overflow, which is when all eight of a set are taken, the newcomer takes the place of the one whose bucket is the fullest:
 * mostly one that has not been seen for long, and whose bucket is full, so that nothing is lost. If it was not full, it is `evicted`,
 * and should it come back its bucket is full. Whoever has requests in flight is never turned out; if all eight have, the newcomer
 * passes uncounted (`uncounted`). So limits give way before memory does, or clients are refused that have done nothing.
 *
 * Invariants
 *   - memory is allocated in the constructor only.
 *   - a slot with requests in flight keeps its key: `leave` finds what `enter` has counted.
 *   - fullAt is -Infinity exactly in free slots.
 */
import type { Clock } from '../balance/policy.ts'

/** Slots that a key may be in. */
const ways = 8

export interface RatePlan {
  /** Tokens of a full bucket, 1 or more. */
  readonly burst: number
  /** One more per so many milliseconds, above 0. */
  readonly intervalMs: number
}

/** Of the key that `hash` has seen last. Two integers, so that no object is made for it. */
let low = 0
let high = 0
/** So that nobody outside can know which keys meet in a set. */
const keySeed = randomBits()
const addressSeed = randomBits()

function randomBits(): number {
  return Math.floor(Math.random() * 0x1_0000_0000) | 0
}

/** Makes this text the key of the next `enter`. @param start @param end the part of it that counts, as in `slice` */
export function hashKey(text: string, start = 0, end = text.length): void {
  hash(text, start, end, keySeed)
}

/** The same with an address: another key than the text would be, which a client may write into a header. */
export function hashAddress(address: string): void {
  hash(address, 0, address.length, addressSeed)
}

function hash(text: string, start: number, end: number, seed: number): void {
  let one = 0x811c9dc5 ^ seed
  let two = Math.imul(seed, 0x9e3779b1) ^ (end - start)
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index)
    one = Math.imul(one ^ code, 0x01000193)
    two = Math.imul(((two << 5) | (two >>> 27)) ^ code, 0xcc9e2d51)
  }
  low = mixed(one)
  high = mixed(two)
}

/** The finalizer of MurmurHash3. */
function mixed(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

export class ClientTable {
  /** Keys that it holds at most. */
  readonly capacity: number
  /** Keys in it, those included that nobody has come with for long. */
  size = 0
  /** Forgotten before their buckets were full again. */
  evicted = 0
  /** Requests that passed since there was no slot for them. */
  uncounted = 0
  /** Where the last `enter` has counted; -1: nowhere. */
  slot = -1
  /** How long until the last `enter` that was refused for its rate would not be, in milliseconds. */
  waitMs = 0
  readonly #rate: RatePlan | null
  readonly #inFlightMax: number
  readonly #clock: Clock
  readonly #low: Uint32Array
  readonly #high: Uint32Array
  readonly #fullAt: Float64Array
  readonly #inFlight: Uint32Array
  readonly #mask: number

  /**
   * @param keys rounded up to a power of two, 8 at least
   * @param rate null: no limit
   * @param inFlightMax 0: no limit
   */
  constructor(keys: number, rate: RatePlan | null, inFlightMax: number, clock: Clock) {
    const sets = 2 ** Math.max(0, Math.ceil(Math.log2(keys / ways)))
    this.capacity = sets * ways
    this.#mask = sets - 1
    this.#rate = rate
    this.#inFlightMax = inFlightMax
    this.#clock = clock
    this.#low = new Uint32Array(this.capacity)
    this.#high = new Uint32Array(this.capacity)
    this.#fullAt = new Float64Array(this.capacity).fill(Number.NEGATIVE_INFINITY)
    this.#inFlight = new Uint32Array(this.capacity)
  }

  /** Of the table, whatever is in it. */
  get bytes(): number {
    const { byteLength } = this.#fullAt
    return byteLength + this.#low.byteLength + this.#high.byteLength + this.#inFlight.byteLength
  }

  /**
   * A request of the key that `hashKey` or `hashAddress` has made. It counts as in flight from here to `leave(slot)`, unless it is refused.
   * @param evenAbove count it as in flight although it is above a limit, of which it takes nothing
   */
  enter(evenAbove: boolean): 'within' | 'rate' | 'in-flight' {
    const now = this.#clock()
    const slot = this.#find(now)
    this.slot = -1
    if (slot === -1) {
      this.uncounted++
      return 'within'
    }
    const verdict = this.#judge(slot, now)
    if (verdict !== 'within' && !evenAbove) return verdict
    this.#inFlight[slot] = (this.#inFlight[slot] as number) + 1
    this.slot = slot
    return verdict
  }

  /** One that `enter` has counted is over. */
  leave(slot: number): void {
    this.#inFlight[slot] = (this.#inFlight[slot] as number) - 1
  }

  #judge(slot: number, now: number): 'within' | 'rate' | 'in-flight' {
    if (this.#inFlightMax > 0 && (this.#inFlight[slot] as number) >= this.#inFlightMax) return 'in-flight'
    const rate = this.#rate
    if (rate === null) {
      this.#fullAt[slot] = now
      return 'within'
    }
    const fullAt = Math.max(this.#fullAt[slot] as number, now) + rate.intervalMs
    const excess = fullAt - now - rate.burst * rate.intervalMs
    // Sums of fractions: a token that is there but for a microsecond is there. After 100 days a clock has no more than 2 ns to a step,
    // and each token of a burst adds an error of up to half a step.
    if (excess > 1e-3) {
      this.waitMs = excess
      return 'rate'
    }
    this.#fullAt[slot] = fullAt
    return 'within'
  }

  /** The key's slot, made if need be. -1: there is none for it. */
  #find(now: number): number {
    const first = (low & this.#mask) * ways
    let fullest = -1
    let fullestAt = Number.POSITIVE_INFINITY
    for (let slot = first; slot < first + ways; slot++) {
      const fullAt = this.#fullAt[slot] as number
      if (this.#low[slot] === low && this.#high[slot] === high && fullAt !== Number.NEGATIVE_INFINITY)
        return slot
      if (fullAt < fullestAt && this.#inFlight[slot] === 0) {
        fullest = slot
        fullestAt = fullAt
      }
    }
    if (fullest === -1) return -1
    if (fullestAt === Number.NEGATIVE_INFINITY) this.size++
    else if (fullestAt > now) this.evicted++
    this.#low[fullest] = low
    this.#high[fullest] = high
    this.#fullAt[fullest] = now
    return fullest
  }
}
