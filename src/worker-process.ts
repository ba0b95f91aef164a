/**
 * One worker in a process of its own: the control process forks this file and speaks with it over its IPC channel.
 * WEIR_WORKER carries its number.
 */
import { workerLogger } from './log.ts'
import type { FromWorker, ToWorker } from './plan/messages.ts'
import { Worker } from './worker.ts'

const number = Number(process.env['WEIR_WORKER'] ?? 1)
const { log, flush } = workerLogger('info', number)
process.title = `weir: worker ${number}`

/** The log is on its way and nothing waits: an exit here loses no line. */
function exit(code: number): void {
  flush()
  process.exit(code)
}

function start(): void {
  const worker = new Worker(log, (message: FromWorker) => {
    process.send?.(message, undefined, undefined, () => {
      if (message.type === 'drained') exit(0)
    })
  })
  process.on('message', (message: ToWorker) => worker.receive(message))
  // The terminal sends Ctrl-C to the whole process group; the control process decides what becomes of it.
  process.on('SIGINT', () => {})
  process.on('SIGHUP', () => {})
  process.on('SIGUSR2', () => {})
  process.on('SIGTERM', () => worker.drain())
  // The control process is gone: nobody would replace or stop this worker.
  process.on('disconnect', () => {
    log.warn('the control process is gone: draining')
    worker.drain()
    process.send = undefined as never
  })
}

process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'a worker fails and will be replaced: please report this')
  exit(1)
})

try {
  start()
} catch (error) {
  log.fatal((error as Error).message)
  exit(1)
}
