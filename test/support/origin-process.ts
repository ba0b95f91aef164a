/** An origin in a process of its own, so that a test can kill it with whatever is in flight on it. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { within } from './wait.ts'

export class OriginProcess {
  readonly name: string
  /** Of 127.0.0.1; the same after `kill` and `start`. */
  port = 0
  protected child: ChildProcess | null = null
  readonly #entry: string

  /** @param entry the program: its arguments are `name`, the port and `programArguments`; it sends its port when it accepts */
  constructor(name: string, entry: string = join(import.meta.dirname, 'origin-child.ts')) {
    this.name = name
    this.#entry = entry
  }

  protected get programArguments(): readonly string[] {
    return []
  }

  /** What the program says behind its port. */
  protected received(_message: unknown): void {}

  get isRunning(): boolean {
    return this.child !== null
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Starts it, or starts it again on the port that it had. Resolves when it accepts connections. */
  async start(): Promise<void> {
    const child = fork(this.#entry, [this.name, String(this.port), ...this.programArguments], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    const [message] = (await within(once(child, 'message'), 15_000, `the origin ${this.name} to start`)) as [
      { port: number },
    ]
    this.port = message.port
    this.child = child
    child.on('message', (message) => this.received(message))
  }

  /** Requests whose head has come since it was started last. */
  async count(): Promise<number> {
    const { child } = this
    if (child === null) throw new Error(`the origin ${this.name} is not running`)
    const answer = once(child, 'message')
    child.send('count')
    const [message] = (await within(answer, 15_000, `the count of the origin ${this.name}`)) as [
      { count: number },
    ]
    return message.count
  }

  /** SIGKILL: nothing is answered any more and the kernel resets its connections. Resolves when it is gone. */
  async kill(): Promise<void> {
    const { child } = this
    if (child === null) return
    this.child = null
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }
}

/** An origin process that runs until the test ends. */
export async function startOriginProcess(t: TestContext, name: string): Promise<OriginProcess> {
  const origin = new OriginProcess(name)
  t.after(() => origin.kill())
  await origin.start()
  return origin
}
