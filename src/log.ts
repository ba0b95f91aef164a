/**
 * Loggers for both planes: pino's JSON lines on standard output, written asynchronously.
 *
 * A synchronous write would stop the event loop for each line, and for good if whoever reads standard output has
 * stopped reading: requests and health checks would stand still for a log. So lines wait in memory while one write is
 * under way, up to a limit; what comes above that is dropped and counted.
 *
 * A worker gathers lines and writes at least four times a second. A write carries whole lines, and to a pipe at most 4 KiB,
 * which is what a pipe takes in one piece, so that the lines of several processes never mix.
 */
import { fstatSync } from 'node:fs'
import { type DestinationStream, type Logger, pino } from 'pino'
import pretty from 'pino-pretty'
import type { LogLevel } from './plan/plan.ts'

export type { Logger } from 'pino'

/** PIPE_BUF on Linux. */
const pipeBytes = 4_096
/** A file takes any size in one piece; with small ones it could not keep up with 100,000 lines a second. */
const fileBytes = 131_072
/** A worker's lines are gathered until there are this many bytes of them. */
const gatherBytes = 2_048
/** What may wait for a slow reader, in characters; some 30,000 lines of access log. */
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
  const sync = process.env.WEIR_LOG_SYNC === '1'
  const stream = pino.destination({
    dest: 1,
    sync,
    minLength: gather && !sync ? gatherBytes : 1,
    maxWrite: isPipe() ? pipeBytes : fileBytes,
    maxLength: backlogMax,
  })
  let dropped = 0
  stream.on('drop', () => {
    dropped++
  })
  if (gather && !sync) setInterval(() => stream.flush(), flushMs).unref()
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
      stream.flush(() => {
        clearTimeout(limit)
        done()
      })
    },
    flushNow: () => stream.flushSync(),
  }
}

function isPipe(): boolean {
  try {
    const output = fstatSync(1)
    return output.isFIFO() || output.isSocket()
  } catch {
    return true // closed: nothing will be written anyway
  }
}

/** The same lines for a person. What is written to the stream may be any number of whole JSON lines. */
export function prettyOutput() {
  return pretty({ ignore: 'pid', singleLine: true, translateTime: 'SYS:HH:MM:ss.l', sync: true })
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
