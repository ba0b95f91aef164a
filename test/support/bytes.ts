/**
 * A long stream of known bytes without storing it: byte i is `block[i % period]`. The period is prime, so that a piece
 * that is lost, doubled or moved by any power of two shows in the hash, and slices are views, so that producing a
 * gigabyte costs nothing.
 */
import { createHash } from 'node:crypto'

const period = 1_000_003
const longestSlice = 65_536
const block = fill(Buffer.allocUnsafe(period + longestSlice))

/** The bytes `from … from + length` of the stream; `length` at most 65,536. A view: do not write to it. */
export function bytesAt(from: number, length: number): Buffer {
  if (length > longestSlice) throw new RangeError(`a slice has at most ${longestSlice} bytes, not ${length}`)
  const start = from % period
  return block.subarray(start, start + length)
}

/** The first `total` bytes in slices. */
export function* byteStream(total: number, sliceBytes = longestSlice): Generator<Buffer> {
  for (let at = 0; at < total; at += sliceBytes) yield bytesAt(at, Math.min(sliceBytes, total - at))
}

/** The first `total` bytes as one buffer, for small totals. */
export function bytes(total: number): Buffer {
  return Buffer.concat([...byteStream(total)])
}

export function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex')
}

/** sha256 of the first `total` bytes, in hex. */
export function streamSha256(total: number): string {
  const hash = createHash('sha256')
  for (const slice of byteStream(total)) hash.update(slice)
  return hash.digest('hex')
}

/** Compares a stream with the known bytes as it comes in, and keeps its hash. */
export class StreamCheck {
  /** Bytes seen so far. */
  total = 0
  /** Offset of the first wrong piece, -1 while there is none: says where a proxy lost or doubled something. */
  firstDifference = -1
  readonly #hash = createHash('sha256')
  readonly #from: number

  /** @param from where in the known stream this one begins: streams that begin elsewhere cannot be mixed up unseen */
  constructor(from = 0) {
    this.#from = from
  }

  update(chunk: Buffer): void {
    this.#hash.update(chunk)
    for (let at = 0; at < chunk.length && this.firstDifference < 0; at += longestSlice) {
      const part = chunk.subarray(at, at + longestSlice)
      if (!part.equals(bytesAt(this.#from + this.total + at, part.length)))
        this.firstDifference = this.total + at
    }
    this.total += chunk.length
  }

  /** In hex. Ends the check. */
  sha256(): string {
    return this.#hash.digest('hex')
  }
}

function fill(buffer: Buffer): Buffer {
  let state = 0x2545f491 // xorshift32, any seed but 0
  for (let i = 0; i < period; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    buffer[i] = state & 0xff
  }
  buffer.copy(buffer, period, 0, longestSlice)
  return buffer
}
