/**
 * Loggers for both planes: pino's JSON lines on standard output, written asynchronously.
 *
 * A synchronous write would stop the event loop for each line, and for good if whoever reads standard output has
 * stopped reading: requests and health checks would stand still for a log. So lines wait in memory while one write is
 * under way, up to a limit; what comes above that is dropped and counted.
 *
 * A worker gathers lines (line-gatherer.ts) and writes at least four times a second. A write carries whole lines, and to a pipe at
 * most 4 KiB, which is what a pipe takes in one piece, so that the lines of several processes never mix. One write is under way
 * at a time, and the next begins in a later turn of the event loop: under full load a pipe takes some 4 KiB per turn.
 */
import { fstatSync } from 'node:fs'
import { type DestinationStream, type Logger, pino } from 'pino'
import { countLines, LineGatherer } from './line-gatherer.ts'
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
  /** Lines that found no room since the last call. */
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
  const sonic = pino.destination({
    dest: 1,
    sync: false,
    contentMode: 'buffer',
    minLength: 1,
    maxWrite: pipe ? pipeBytes : fileWriteBytes,
    maxLength: backlogMax,
  })
  let dropped = 0
  sonic.on('drop', (lines: Buffer) => {
    dropped += countLines(lines)
  })
  const lines = new LineGatherer(pipe ? pipeBytes : fileChunkBytes, (chunk) => writeBytes(sonic, chunk))
  const stream = {
    write(line: string): void {
      lines.write(line)
      if (!gather) lines.handOver()
    },
  }
  if (gather) setInterval(() => lines.handOver(), flushMs).unref()
  return {
    stream,
    takeDropped: () => {
      const count = dropped
      dropped = 0
      return count
    },
    flush: (done) => {
      // A write that never ends holds a thread, and an ordinary exit waits for it.
      const limit = setTimeout(() => process.kill(process.pid, 'SIGKILL'), lastFlushMs)
      lines.handOver()
      sonic.flush(() => {
        clearTimeout(limit)
        done()
      })
    },
    flushNow: () => {
      lines.handOver()
      sonic.flushSync()
    },
  }
}

type SonicBoom = ReturnType<typeof pino.destination>

/** Its types know of text only; with `contentMode: 'buffer'` it takes bytes and nothing else. */
function writeBytes(sonic: SonicBoom, bytes: Buffer): void {
  sonic.write(bytes as unknown as string)
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
    if (lines > 0) log.warn({ lines }, 'log lines were dropped: standard output is not read fast enough')
  }, 1_000).unref()
  return log
}
