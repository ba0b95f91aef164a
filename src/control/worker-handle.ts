/** What the supervisor knows of a worker, whether it runs in a process of its own or in this one. */
import type { FromWorker, ToWorker } from '../plan/messages.ts'

export interface WorkerEvents {
  onMessage(message: FromWorker): void
  /** It is gone. `how` is for a person: `exit code 1`, `signal SIGKILL`. */
  onExit(how: string): void
}

export interface WorkerHandle {
  readonly pid: number
  send(message: ToWorker): void
  /** Ends it at once, whatever it is doing. */
  kill(): void
}

/** @param number from 1; a replacement keeps the number of the worker that it replaces. */
export type StartWorker = (number: number, events: WorkerEvents) => WorkerHandle
