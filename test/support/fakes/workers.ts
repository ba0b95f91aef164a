/** Workers that the test plays: what they were told, and what they say. */
import type { StartWorker, WorkerEvents } from '../../../src/control/worker-handle.ts'
import type { ToWorker } from '../../../src/plan/messages.ts'
import type { Plan } from '../../../src/plan/plan.ts'

export class FakeWorker {
  readonly number: number
  readonly pid: number
  readonly events: WorkerEvents
  readonly messages: ToWorker[] = []
  kills = 0
  alive = true

  constructor(number: number, pid: number, events: WorkerEvents) {
    this.number = number
    this.pid = pid
    this.events = events
  }

  get types(): string[] {
    return this.messages.map(({ type }) => type)
  }

  /** The latest plan that it was given. */
  get plan(): Plan {
    const message = this.messages.findLast(({ type }) => type === 'plan')
    if (message?.type !== 'plan') throw new Error(`worker ${this.number} was given no plan`)
    return message.plan
  }

  /** Says that it listens where its plan says, and is ready. */
  becomeReady(): void {
    for (const listener of this.plan.listeners) this.events.onMessage({ type: 'listening', listener })
    this.events.onMessage({ type: 'ready' })
  }

  reject(reason: string): void {
    this.events.onMessage({ type: 'rejected', reason })
  }

  exit(how = 'exit code 1'): void {
    this.alive = false
    this.events.onExit(how)
  }
}

export class FakeWorkers {
  /** In the order of their start, those that are gone too. */
  readonly all: FakeWorker[] = []
  /** What a kill does; by default the worker is gone at once. */
  onKill: (worker: FakeWorker) => void = (worker) => worker.exit('signal SIGKILL')
  /** What one does with a plan, a moment later; by default nothing. */
  onPlan: (worker: FakeWorker) => void = () => {}
  /** Whether one can be started: it cannot if this throws. */
  onStart: () => void = () => {}

  readonly start: StartWorker = (number, events) => {
    this.onStart()
    const worker = new FakeWorker(number, 1_000 + this.all.length, events)
    this.all.push(worker)
    return {
      pid: worker.pid,
      send: (message) => {
        worker.messages.push(message)
        if (message.type === 'plan') queueMicrotask(() => this.onPlan(worker))
      },
      kill: () => {
        worker.kills++
        if (worker.alive) this.onKill(worker)
      },
    }
  }

  get living(): FakeWorker[] {
    return this.all.filter(({ alive }) => alive)
  }

  /** The living worker with this number. */
  numbered(number: number): FakeWorker {
    const [worker, ...others] = this.living.filter((each) => each.number === number)
    if (worker === undefined) throw new Error(`no worker ${number} lives`)
    if (others.length > 0) throw new Error(`${others.length + 1} workers ${number} live`)
    return worker
  }
}
