/**
 * Loggers for both planes: pino's JSON lines on standard output, written asynchronously.
 *
 * A synchronous write would stop the event loop for each line, and for good if whoever reads standard output has
 * stopped reading: requests and health checks would stand still for a log. So lines wait in memory while one write is
 * under way, up to a limit; what comes above that, or cannot be written (line-writer.ts), is dropped and counted.
 *
 * A worker gathers lines (line-gatherer.ts) and writes at least four times a second. A write carries whole lines, and to a pipe at
 * most 4 KiB, which is what a pipe takes in one piece, so that the lines of several processes never mix. One write is under way
 * at a time, and the next begins in a later turn of the event loop: under full load a pipe takes some 4 KiB per turn.
 */
import { fstatSync, write, writeSync } from 'node:fs'
import { type DestinationStream, type Logger, pino } from 'pino'
import { LineGatherer } from './line-gatherer.ts'
import { type Descriptor, LineWriter } from './line-writer.ts'
import type { LogLevel } from './plan/plan.ts'

export type { Logger } from 'pino'

/** PIPE_BUF on Linux. */
const pipeBytes = 4_096
/** What is gathered for a file, and what is written to one at once: it takes any size in one piece. */
const fileChunkBytes = 65_536
const fileWriteBytes = 1_048_576
/** What may wait for a slow reader, in bytes; some 30,000 lines of access log. */
const backlogMax = 8 * 1_024 * 1_024
const flushMs = 250
/** How long an ending process waits for a reader that does not read. */
const lastFlushMs = 3_000

/** Where lines go. */
export interface Output {
  readonly stream: DestinationStream
  /** Lines that found no room since the last call that told of any; 0 while there is none to say so. */
  takeDropped(): number
  /** Calls back when everything so far is written: the way to end well. */
  flush(done: () => void): void
  /** Writes what has gathered before it returns: the way to end badly. A write under way may still be lost. */
  flushNow(): void
}

/** @param gather lines may wait a quarter of a second for others; otherwise each goes out as soon as it can */
export function standardOutput(gather: boolean): Output {
  // Only for perf/: what a synchronous log in the request path costs.
  if (process.env.WEIR_LOG_SYNC === '1') return synchronousOutput()
  const pipe = isPipe()
  const chunkBytes = pipe ? pipeBytes : fileChunkBytes
  const writer = new LineWriter({
    to: standardOutputDescriptor,
    writeBytesMax: pipe ? pipeBytes : fileWriteBytes,
    backlogMax,
    // The line that tells of dropped ones may come in the chunk behind the one that is gathering.
    reserveBytes: 2 * chunkBytes,
    onFailed: complain,
  })
  const lines = new LineGatherer(chunkBytes, (chunk) => writer.write(chunk))
  const stream = {
    write(line: string): void {
      lines.write(line)
      if (!gather) lines.handOver()
    },
  }
  if (gather) setInterval(() => lines.handOver(), flushMs).unref()
  const flushNow = (): void => {
    lines.handOver()
    writer.flushNow(lastFlushMs)
  }
  process.once('exit', flushNow)
  return {
    stream,
    takeDropped: () => writer.takeDropped(),
    flush: (done) => {
      // A write that never ends holds a thread, and an ordinary exit waits for it.
      const limit = setTimeout(() => process.kill(process.pid, 'SIGKILL'), lastFlushMs)
      lines.handOver()
      writer.flush(() => {
        clearTimeout(limit)
        done()
      })
    },
    flushNow,
  }
}

const standardOutputDescriptor: Descriptor = {
  write: (bytes, done) => write(1, bytes, 0, bytes.length, null, done),
  writeNow: (bytes) => writeSync(1, bytes),
}

/** The log itself cannot tell. Whoever has redirected standard output may see standard error, or nobody does. */
function complain(code: string): void {
  try {
    writeSync(2, `weir: the log cannot be written (${code}): lines are dropped until it can\n`)
  } catch {
    // The same disk, as a rule.
  }
}

function synchronousOutput(): Output {
  const stream = pino.destination({ dest: 1, sync: true })
  return { stream, takeDropped: () => 0, flush: (done) => done(), flushNow: () => {} }
}

function isPipe(): boolean {
  try {
    const output = fstatSync(1)
    return output.isFIFO() || output.isSocket()
  } catch {
    return true // closed: nothing will be written anyway
  }
}

/** An output for a stream that writes at once and keeps nothing. */
export function directOutput(stream: DestinationStream): Output {
  return { stream, takeDropped: () => 0, flush: (done) => done(), flushNow: () => {} }
}

/** @param base what stands in every line: the process, and which worker */
export function makeLogger(level: LogLevel, base: object, output: Output): Logger {
  const log = pino({ level, base: { pid: process.pid, ...base } }, output.stream)
  setInterval(() => {
    const lines = output.takeDropped()
    if (lines > 0)
      log.warn(
        { lines },
        'log lines were dropped: standard output could not be written, or is not read fast enough',
      )
  }, 1_000).unref()
  return log
}
