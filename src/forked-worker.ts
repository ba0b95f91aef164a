/** One worker in a process of its own: the control process forks `worker-process.ts` and speaks with it over its IPC channel. */
import { makeLogger, standardOutput } from './log.ts'
import type { FromWorker, ToWorker } from './plan/messages.ts'
import { Worker } from './worker.ts'

/** Until it has drained, the control process has ended, or something unexpected happens. @param number from 1, for its log lines */
export function runWorker(number: number): void {
  const output = standardOutput(true)
  const log = makeLogger('info', { worker: number }, output)

  /** Ends without losing what was logged just before. */
  const fail = (message: string, error?: Error): void => {
    log.fatal({ err: error }, message)
    output.flushNow()
    process.exit(1)
  }

  const start = (): void => {
    const worker = new Worker(log, (message: FromWorker) => {
      const sent = (): void => {
        if (message.type === 'drained') output.flush(() => process.exit(0))
      }
      if (process.connected) process.send?.(message, undefined, undefined, sent)
      else sent()
    })
    process.on('message', (message: ToWorker) => worker.receive(message))
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
}
