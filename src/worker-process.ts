/**
 * One worker in a process of its own: the control process forks this file and speaks with it over its IPC channel.
 * WEIR_WORKER carries its number.
 */
import { makeLogger, standardOutput } from './log.ts'
import type { FromWorker, ToWorker } from './plan/messages.ts'
import { Worker } from './worker.ts'

const number = Number(process.env.WEIR_WORKER ?? 1)
const output = standardOutput(true)
const log = makeLogger('info', { worker: number }, output)
process.title = `weir: worker ${number}`

/** Ends without losing what was logged just before. */
function fail(message: string, error?: Error): void {
  log.fatal({ err: error }, message)
  output.flushNow()
  process.exit(1)
}

function start(): void {
  const worker = new Worker(log, (message: FromWorker) => {
    const sent = (): void => {
      if (message.type === 'drained') output.flush(() => process.exit(0))
    }
    if (process.connected) process.send?.(message, undefined, undefined, sent)
    else sent()
  })
  process.on('message', (message: ToWorker) => worker.receive(message))
  // The terminal sends Ctrl-C to the whole process group; the control process decides what becomes of it.
  process.on('SIGINT', () => {})
  process.on('SIGHUP', () => {})
  process.on('SIGUSR1', () => {})
  process.on('SIGUSR2', () => {})
  process.on('SIGTERM', () => worker.drain())
  // The control process is gone: nobody would replace or stop this worker.
  process.on('disconnect', () => {
    log.warn('the control process has ended: draining')
    worker.drain()
  })
}

process.on('uncaughtException', (error) =>
  fail('unexpected error: the worker ends and will be replaced; please report this', error),
)

try {
  start()
} catch (error) {
  fail((error as Error).message)
}
