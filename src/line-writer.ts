/**
 * Whole lines on their way to a file descriptor: one write at a time, the rest waits.
 *
 *     LineGatherer ── lines ──► waiting ──► one write under way ──► fd
 *                                  │ more than `backlogMax`      │ it fails: the disk is full, the reader is gone
 *                                  └──────► dropped, counted ◄───┘
 *
 * SonicBoom, which pino would bring, ends the process at the first write that fails, and at its end tries that write again and again
 * without a pause for the event loop: a full disk took the whole proxy down, and nothing but SIGKILL ended it.
 *
 * Invariants
 *   - every line is written whole, or counted as dropped, or still waits.
 *   - a count of dropped lines is given out only while there is room to write it, and stands until then.
 *   - what failed is not tried again; the next lines are. A line that was written in part is ended before the next one begins.
 *   - nothing here throws or waits without end, whatever becomes of the descriptor.
 */
import { countLines } from './line-gatherer.ts'

/** The system calls, for tests to replace. */
export interface Descriptor {
  write(bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void
  /** @throws what the system says */
  writeNow(bytes: Buffer): number
}

export interface LineWriterOptions {
  readonly to: Descriptor
  /** Of one write; a longer piece goes by itself. */
  readonly writeBytesMax: number
  /** What may wait, in bytes. */
  readonly backlogMax: number
  /** Of these, kept for the line that tells of dropped ones, from the first of them until it is taken. */
  readonly reserveBytes: number
  /** Called at the first write that fails, with its code. */
  readonly onFailed: (code: string) => void
}

/** While whoever reads has left no room (a pipe that does not block). */
const busyMs = 100
const lineEnd = Buffer.from('\n')

export class LineWriter {
  readonly #to: Descriptor
  readonly #writeBytesMax: number
  readonly #backlogMax: number
  readonly #reserveBytes: number
  readonly #onFailed: (code: string) => void
  readonly #onWritten: (error: NodeJS.ErrnoException | null, written: number) => void
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #underWay: Buffer | null = null
  /** The last bytes that were written are half a line whose other half is lost. */
  #torn = false
  #failing = false
  #hasFailed = false
  #dropped = 0
  #onIdle: (() => void)[] = []

  constructor({ to, writeBytesMax, backlogMax, reserveBytes, onFailed }: LineWriterOptions) {
    this.#to = to
    this.#writeBytesMax = writeBytesMax
    this.#backlogMax = backlogMax
    this.#reserveBytes = reserveBytes
    this.#onFailed = onFailed
    this.#onWritten = (error, written) => this.#conclude(error, written)
  }

  /** @param lines whole ones; kept until they are written */
  write(lines: Buffer): void {
    const room = this.#dropped === 0 ? this.#backlogMax : this.#backlogMax - this.#reserveBytes
    if (this.#waitingBytes + lines.length > room) {
      this.#dropped += countLines(lines)
      return
    }
    this.#waiting.push(lines)
    this.#waitingBytes += lines.length
    if (this.#underWay === null) this.#begin()
  }

  /** Lines dropped since the last call that told of any. 0 while nothing can be written: whoever would tell how many has no room either. */
  takeDropped(): number {
    if (this.#failing || this.#waitingBytes + this.#reserveBytes > this.#backlogMax) return 0
    const count = this.#dropped
    this.#dropped = 0
    return count
  }

  /** Calls back when nothing waits any more, perhaps at once. */
  flush(done: () => void): void {
    if (this.#underWay === null) done()
    else this.#onIdle.push(done)
  }

  /**
   * Writes what waits before it returns. A write under way may still be lost.
   * @param busyMsMax how long it may wait for room
   */
  flushNow(busyMsMax: number): void {
    const until = performance.now() + busyMsMax
    let bytes = this.#take(Number.POSITIVE_INFINITY)
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(this.#to.writeNow(bytes))
      } catch (error) {
        const fault = error as NodeJS.ErrnoException
        if (!isBusy(fault) || performance.now() >= until) return this.#fail(fault, bytes)
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, busyMs)
      }
    }
  }

  #begin(): void {
    this.#send(this.#take(this.#writeBytesMax))
  }

  #send(bytes: Buffer): void {
    this.#underWay = bytes
    this.#to.write(bytes, this.#onWritten)
  }

  #take(bytesMax: number): Buffer {
    let count = 0
    let bytes = 0
    for (const lines of this.#waiting) {
      if (count > 0 && bytes + lines.length > bytesMax) break
      count++
      bytes += lines.length
    }
    const taken = this.#waiting.splice(0, count)
    this.#waitingBytes -= bytes
    if (this.#torn && count > 0) taken.unshift(lineEnd)
    return taken.length === 1 ? (taken[0] as Buffer) : Buffer.concat(taken)
  }

  #conclude(error: NodeJS.ErrnoException | null, written: number): void {
    const bytes = this.#underWay as Buffer
    if (error !== null && isBusy(error)) {
      setTimeout(() => this.#send(bytes), busyMs)
      return
    }
    if (error === null) {
      this.#failing = false
      this.#torn = written > 0 ? bytes[written - 1] !== lineEnd[0] : this.#torn
      if (written < bytes.length) return this.#send(bytes.subarray(written))
    } else {
      this.#fail(error, bytes)
    }
    this.#underWay = null
    if (this.#waiting.length > 0) return this.#begin()
    const idle = this.#onIdle
    this.#onIdle = []
    for (const done of idle) done()
  }

  #fail({ code, message }: NodeJS.ErrnoException, bytes: Buffer): void {
    // A line end at the beginning was added by `#take` to end a torn line: it is no line of its own.
    this.#dropped += countLines(bytes) - (bytes[0] === lineEnd[0] ? 1 : 0)
    this.#failing = true
    if (this.#hasFailed) return
    this.#hasFailed = true
    this.#onFailed(code ?? message)
  }
}

function isBusy({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EAGAIN' || code === 'EBUSY'
}
