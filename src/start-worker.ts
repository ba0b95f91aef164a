/** The two ways to run a worker: a process of its own, or inside this one (`--inline`). */
import { fork } from 'node:child_process'
import { extname } from 'node:path'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { StartWorker } from './control/worker-handle.ts'
import type { Logger } from './log.ts'
import type { FromWorker } from './plan/messages.ts'
import { Worker } from './worker.ts'

/** Beside this file, with the ending that this file has: `.ts` from the sources, `.js` when built. */
const workerFile = fileURLToPath(new URL(`./worker-process${extname(import.meta.url)}`, import.meta.url))

/**
 * How V8 is to be in a worker.
 *   - One thread for V8's own work (collecting garbage, compiling) beside the worker's, where it would have four: a worker is
 *     meant for a core, and each thread brings memory of its own.
 *   - A young generation of 16 MiB from the start, which is what it grows to under load. V8 takes it away from whoever has little
 *     to do, and grows it again in steps when load comes back: each collection of garbage then comes sooner, and the kernel
 *     has to find the pages once more (native-notes/24-what-did-not-help.md has the figures).
 */
const workerFlags = ['--v8-pool-size=1', '--min-semi-space-size=16']

/** Node's options for a worker's process. @param given those that Node itself was started with, which win */
export function workerOptions(given: readonly string[]): string[] {
  return [...workerFlags, ...given]
}

/** @param output where the workers' log lines go; null: they write to standard output themselves */
export function processWorkers(output: Writable | null): StartWorker {
  return (number, events) => {
    const child = fork(workerFile, [], {
      execArgv: workerOptions(process.execArgv),
      env: { ...process.env, WEIR_WORKER: String(number) },
      // 'pipe' for --pretty, where this process formats the lines.
      stdio: ['ignore', output === null ? 'inherit' : 'pipe', 'inherit', 'ipc'],
    })
    if (output !== null) child.stdout?.pipe(output, { end: false })
    child.on('message', (message: FromWorker) => events.onMessage(message))
    child.once('error', (error) => events.onExit(error.message))
    child.once('exit', (code, signal) =>
      events.onExit(signal === null ? `exit code ${code}` : `signal ${signal}`),
    )
    return {
      pid: child.pid ?? 0,
      send: (message) => {
        if (child.connected) child.send(message, () => {})
      },
      kill: () => void child.kill('SIGKILL'),
    }
  }
}

/** Runs the worker in this process. There is one, whatever its number. */
export function inlineWorker(log: Logger): StartWorker {
  return (number, events) => {
    const worker = new Worker(log.child({ worker: number }), (message) => {
      // As from another process: never from inside the call that caused it.
      queueMicrotask(() => {
        events.onMessage(message)
        if (message.type === 'drained') events.onExit('drained')
      })
    })
    return {
      pid: process.pid,
      send: (message) => worker.receive(message),
      kill: () => events.onExit('killed'),
    }
  }
}
