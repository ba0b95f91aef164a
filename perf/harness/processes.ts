/**
 * The processes that a benchmark starts.
 *
 * Invariants: a child is in `running` from its start to its exit. Nothing is signalled but children in `running`
 * and what they started themselves. After `stopAll` nothing of theirs is left.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type ProcessStat, processTree } from './cpu.ts'

export interface StartOptions {
  /** Cores as `taskset -c` takes them; null: wherever the kernel likes. */
  readonly cores: string | null
  /** Beside the inherited environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Files that the two outputs are appended to; without one, standard output is a pipe. */
  readonly stdout?: string
  readonly stderr: string
}

export interface Child {
  readonly name: string
  readonly pid: number
  readonly process: ChildProcess
  readonly stderr: string
  /** Resolves, never rejects, with how it ended: `exit code 1`, `signal SIGKILL`. */
  readonly ended: Promise<string>
  /** How it ended, as `ended`; null while it runs. */
  readonly end: string | null
}

/** How long a child may take to end by itself after SIGTERM. */
const graceMs = 5_000

export class Processes {
  readonly #running = new Set<Child>()
  #stopping = false

  /** `stopAll` has been called. */
  get stopping(): boolean {
    return this.#stopping
  }

  /** @throws {Error} if the program cannot be started, or after `stopAll`. */
  async start(name: string, command: readonly string[], options: StartOptions): Promise<Child> {
    if (this.#stopping) throw new Error(`${name} was not started: everything is being stopped`)
    const [program, ...args] = options.cores === null ? command : ['taskset', '-c', options.cores, ...command]
    const stdout = options.stdout === undefined ? 'pipe' : openSync(options.stdout, 'a')
    const stderr = openSync(options.stderr, 'a')
    // A child's standard input stays open as long as we live: origins end when it closes.
    const process_ = spawn(program!, args, {
      stdio: ['pipe', stdout, stderr],
      env: { ...process.env, ...options.env },
    })
    if (typeof stdout === 'number') closeSync(stdout)
    closeSync(stderr)
    const started = new Promise<void>((resolve, reject) => {
      process_.once('spawn', resolve)
      process_.once('error', (error) => reject(new Error(`${name} cannot be started: ${error.message}`)))
    })
    const child = {
      name,
      pid: process_.pid ?? 0,
      process: process_,
      stderr: options.stderr,
      end: null as string | null,
    }
    const ended = new Promise<string>((resolve) => {
      process_.once('exit', (code, signal) => {
        child.end = signal === null ? `exit code ${code}` : `signal ${signal}`
        this.#running.delete(whole)
        resolve(child.end)
      })
    })
    const whole: Child = Object.assign(child, { ended })
    this.#running.add(whole)
    try {
      await started
    } catch (error) {
      this.#running.delete(whole)
      throw error
    }
    return whole
  }

  /**
   * Runs a program to its end and returns its standard output.
   *
   * @throws {Error} with the end of both outputs if it fails or takes longer than `limitMs`.
   */
  async run(
    name: string,
    command: readonly string[],
    options: StartOptions,
    limitMs: number,
  ): Promise<string> {
    const child = await this.start(name, command, options)
    let output = ''
    child.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    const closed = new Promise<void>((resolve) => child.process.once('close', () => resolve()))
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.process.kill('SIGKILL')
    }, limitMs)
    const end = await child.ended
    clearTimeout(timer)
    await closed
    if (end === 'exit code 0') return output
    const why = late ? `did not end within ${limitMs} ms` : `ended with ${end}`
    throw new Error(`${name} ${why}: ${command.join(' ')}\n${tail(output)}\n${tailOf(options.stderr)}`.trim())
  }

  /** Asks a child to end, and kills what is left of its tree after a grace of 5 s. Returns when all of it is gone. */
  async stop(child: Child): Promise<void> {
    const tree = child.end === null ? processTree(child.pid) : []
    if (child.end === null) {
      child.process.kill('SIGTERM')
      const timer = setTimeout(() => child.process.kill('SIGKILL'), graceMs)
      await child.ended
      clearTimeout(timer)
    }
    for (const stat of tree.slice(1)) killIfAlive(stat)
  }

  /** Stops every child, and lets no other start. */
  async stopAll(): Promise<void> {
    this.#stopping = true
    await Promise.all([...this.#running].map((child) => this.stop(child)))
  }
}

/** Only the very process that was seen: its pid may belong to somebody else by now. */
function killIfAlive(seen: ProcessStat): void {
  const now = processTree(seen.pid)[0]
  if (now?.startTicks !== seen.startTicks) return
  try {
    process.kill(seen.pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The path of a program on PATH, or null. */
export function which(program: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, program)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not in this folder.
    }
  }
  return null
}

/** The last lines of a text, at most `lines`. */
export function tail(text: string, lines = 20): string {
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}

/** The last lines of a file; empty if there is none. */
export function tailOf(path: string, lines = 20): string {
  try {
    return tail(readFileSync(path, 'utf8'), lines)
  } catch {
    return ''
  }
}
