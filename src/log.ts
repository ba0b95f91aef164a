/**
 * Loggers for both planes: pino's JSON lines on standard output.
 *
 * The control process writes synchronously: it logs little, and its last words matter. Workers write asynchronously,
 * since a synchronous write in the request path would stop the event loop for each line. A worker's lines are gathered
 * and written at most 4 KiB at a time, which is what a pipe takes in one piece, so that the lines of several workers
 * never mix; what has gathered is written at least four times a second, and at exit.
 */
import { type DestinationStream, type Logger, pino } from 'pino'
import pretty from 'pino-pretty'
import type { LogLevel } from './plan/plan.ts'

export type { Logger } from 'pino'

/** PIPE_BUF on Linux. */
const pipeBytes = 4_096
/** Lines are gathered until there are this many bytes of them. */
const gatherBytes = 2_048
const flushMs = 250

/** For the control process. `stream` is where lines go: standard output, or a formatter for a person. */
export function controlLogger(level: LogLevel, stream: DestinationStream): Logger {
  return pino({ level, base: { pid: process.pid } }, stream)
}

export interface WorkerLog {
  readonly log: Logger
  /** Calls back when every line so far is written: the way to end well. */
  flush(done: () => void): void
  /** Writes what has gathered before it returns: the way to end badly. A write under way may still be lost. */
  flushNow(): void
}

/** For a worker: `worker` is its number, in every line. */
export function workerLogger(level: LogLevel, worker: number, stream?: DestinationStream): WorkerLog {
  const base = { pid: process.pid, worker }
  if (stream !== undefined)
    return { log: pino({ level, base }, stream), flush: (done) => done(), flushNow: () => {} }
  // Only for perf/: what a synchronous log in the request path costs.
  const sync = process.env['WEIR_LOG_SYNC'] === '1'
  const destination = pino.destination({
    dest: 1,
    sync,
    minLength: sync ? 0 : gatherBytes,
    maxWrite: pipeBytes,
  })
  if (!sync) setInterval(() => destination.flush(), flushMs).unref()
  return {
    log: pino({ level, base }, destination),
    flush: (done) => destination.flush(() => done()),
    flushNow: () => destination.flushSync(),
  }
}

/** Standard output, line by line as it comes. */
export function plainOutput(): DestinationStream {
  return pino.destination({ dest: 1, sync: true })
}

/** The same lines for a person. What is written to the stream may be any number of whole JSON lines. */
export function prettyOutput() {
  return pretty({ ignore: 'pid', singleLine: true, translateTime: 'SYS:HH:MM:ss.l', sync: true })
}
