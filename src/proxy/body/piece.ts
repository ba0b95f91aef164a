/**
 * Memory for pieces of request bodies, used again. V8 counts memory outside of its heap when it decides how often to collect garbage: with
 * a Buffer of its own for each piece, an upload of 1 MiB spent half of its CPU time on that (native-notes/25-body-memory.md).
 *
 *     copyPiece ──► handOver ──► taken      the kernel has all of it
 *         └────────────┴──► giveBack        nobody of ours will look at it again
 *
 * Invariants
 *   - each write has been announced by a `handOver` of its own. One that is not followed by a write costs the memory; a write without
 *     one would let it go while the kernel still has to read it.
 *   - memory is used again when its piece was given back and was taken as often as it was handed over; whichever comes last. What
 *     is never reported as taken (the connection broke) is left to the collector: whoever has it may still send it, and would send
 *     the next client's bytes.
 *   - the memory of a piece that is not given back belongs to this piece alone.
 */
import { Buffer } from 'node:buffer'

/** A copy of bytes of a body, whose memory may come back. */
interface Piece extends Buffer {
  loan?: Loan
}

/** One piece of memory, and what became of the piece that lies in it. */
interface Loan {
  readonly memory: Buffer
  /** Place in `sizes`. */
  readonly size: number
  /** The last piece in it, for the next one of the same length: making a view costs more than all else that is done here. */
  piece: Piece
  handedOver: number
  taken: number
  givenBack: boolean
}

/** What a stream is cut into: what the kernel does not take is kept, and no more than that; and a piece stays in the processor's cache. */
export const streamPieceBytes = 131_072

/** In bytes, ascending: most bodies in one piece are small, and the binding reads no more than 512 KiB. */
const sizes = [16_384, 65_536, streamPieceBytes, 524_288]
/** Of memory that waits to be used again, by size: what more has come back from slow endpoints goes to the collector. */
const idleBytesMax = [4_194_304, 4_194_304, 16_777_216, 4_194_304]
/** Below this Node cuts Buffers from a larger one, which costs V8 nothing. */
const pooledByNode = Buffer.poolSize >>> 1

/** By size, the last that came back first: it is the one in the processor's cache. */
const idle: Loan[][] = sizes.map(() => [])

/** @returns the place of the smallest size that holds so much; -1: it is no piece of ours */
function sizeFor(length: number): number {
  if (length < pooledByNode) return -1
  for (let index = 0; index < sizes.length; index++) if (length <= (sizes[index] as number)) return index
  return -1
}

/**
 * Copies what uWebSockets.js hands over, whose memory it takes back when its callback returns.
 * @param from and @param to the part of it that is wanted
 */
export function copyPiece(bytes: ArrayBuffer, from = 0, to = bytes.byteLength): Buffer {
  const source = new Uint8Array(bytes, from, to - from)
  const { length } = source
  const size = sizeFor(length)
  if (size < 0) return Buffer.from(source)
  const loan = (idle[size] as Loan[]).pop() ?? newLoan(size)
  loan.memory.set(source)
  loan.handedOver = 0
  loan.taken = 0
  loan.givenBack = false
  if (loan.piece.length !== length) {
    loan.piece = loan.memory.subarray(0, length)
    loan.piece.loan = loan
  }
  return loan.piece
}

function newLoan(size: number): Loan {
  const memory = Buffer.allocUnsafeSlow(sizes[size] as number)
  const none: Piece = Buffer.alloc(0)
  return { memory, size, piece: none, handedOver: 0, taken: 0, givenBack: false }
}

/** The piece is about to be written; each such time is to be answered by `taken`. For any Buffer, as `taken` is. */
export function handOver(piece: Piece): void {
  if (piece.loan !== undefined) piece.loan.handedOver++
}

/** All bytes of the piece have been written, once. For any Buffer: most are no pieces. */
export function taken(piece: Piece): void {
  const { loan } = piece
  if (loan === undefined) return
  loan.taken++
  if (loan.givenBack) reuse(loan)
}

/** Its owner looks at the piece no more, and hands it over no more. Once for each piece. */
export function giveBack(piece: Piece): void {
  const { loan } = piece
  if (loan === undefined) return
  loan.givenBack = true
  reuse(loan)
}

function reuse(loan: Loan): void {
  if (loan.taken !== loan.handedOver) return
  const { size, memory } = loan
  const waiting = idle[size] as Loan[]
  if ((waiting.length + 1) * memory.length <= (idleBytesMax[size] as number)) waiting.push(loan)
}
