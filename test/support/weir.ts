/**
 * A real Weir: `node src/cli.ts run` with a configuration of the test's, on ports of the kernel's choice.
 *
 * Invariants
 * - `startWeir` returns when Weir has logged `ready`, or throws with what it printed.
 * - Whatever becomes of the test, its `after` ends every process of this Weir and removes its files.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import type { WorkerStats } from '../../src/plan/messages.ts'
import { type LogLine, LogLines, type LogPredicate } from './log-lines.ts'
import { childPids, commandLine, isAlive } from './process-info.ts'
import { waitFor, within } from './wait.ts'

/** What a user would write. `listen` may be left out: then it is 127.0.0.1 with any free port. */
export type WeirConfig = Readonly<Record<string, unknown>>

export interface WeirOptions {
  /** Both planes in one process. */
  readonly inline?: boolean
  /** More command line arguments. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Another program than Weir's, for the tests of this file. */
  readonly entry?: string
}

/** The line that each worker logs at SIGUSR2: see WorkerStats for the figures. */
export interface StatsLine extends LogLine, WorkerStats {
  readonly worker: number
}

const cli = join(import.meta.dirname, '../../src/cli.ts')
const nodeFlags = ['--disable-warning=ExperimentalWarning']
const patienceMs = 30_000

export class Weir {
  /** Of the control process; with `--inline` the only one. */
  readonly pid: number
  readonly log: LogLines
  /** Resolves with the exit code, or the name of the signal that ended it. */
  readonly exited: Promise<number | string>
  readonly #child: ChildProcess
  readonly #stderr: Promise<string>
  readonly #configFile: string
  readonly #inline: boolean

  constructor(child: ChildProcess, configFile: string, inline: boolean) {
    this.#child = child
    this.#configFile = configFile
    this.#inline = inline
    this.pid = child.pid!
    this.log = new LogLines(child.stdout!)
    this.#stderr = text(child.stderr!)
    this.exited = once(child, 'close').then(([code, signal]) => code ?? signal)
  }

  /** Ports of the listeners, in the order of the configuration, as `listening` lines name them. */
  get ports(): number[] {
    return [...new Set(this.log.named('listening').map((line) => line.port as number))]
  }

  /** Of the first listener. */
  get port(): number {
    const [port] = this.ports
    if (port === undefined) throw new Error(`Weir does not listen:\n${this.log.tail()}`)
    return port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** The processes that carry traffic, oldest first. */
  workerPids(): number[] {
    return this.#inline ? [this.pid] : childPids(this.pid).filter(isAlive)
  }

  /** The only worker's process. @throws where there are several. */
  workerPid(): number {
    const pids = this.workerPids()
    if (pids.length !== 1) throw new Error(`expected one worker, found ${pids.length}`)
    return pids[0]!
  }

  /** The first such line, also of the past; with `from` (a count of lines) only from there on. */
  waitForLog(predicate: LogPredicate, what: string, from = 0): Promise<LogLine> {
    return this.log.waitFor(predicate, what, from)
  }

  /** Fresh figures, one line per worker, in the order of the workers' numbers. */
  async stats(): Promise<StatsLine[]> {
    const from = this.log.lines.length
    const workers = this.workerPids().length
    this.signal('SIGUSR2')
    const fresh = () => this.log.lines.slice(from).filter((line) => line.msg === 'stats')
    const lines = await waitFor(() => fresh().length >= workers && fresh(), {
      what: () => `the figures of ${workers} workers (got ${fresh().length})\n${this.log.tail()}`,
    })
    return (lines as StatsLine[]).sort((a, b) => a.worker - b.worker)
  }

  /** Waits until the figures, summed over the workers, are as described, and returns those of each worker. */
  async waitForStats(condition: (total: StatsTotal) => boolean, what: string): Promise<StatsLine[]> {
    let last: StatsLine[] = []
    return waitFor(
      async () => {
        last = await this.stats()
        return condition(total(last)) && last
      },
      { what: () => `${what}; the figures are ${JSON.stringify(last)}`, everyMs: 20 },
    )
  }

  /** The master invariant: at rest nothing is in flight and nothing waits. Waits for it. */
  async atRest(): Promise<void> {
    await this.waitForStats(
      (sum) => sum.inFlight === 0 && sum.queued === 0 && sum.attemptsInFlight === 0,
      'in-flight 0',
    )
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Puts another configuration in the file's place. A string is written as it is. Takes effect at SIGHUP. */
  rewriteConfig(config: WeirConfig | string): void {
    writeConfig(this.#configFile, config)
  }

  /** SIGTERM, and the exit code once it has drained and gone. */
  async stop(): Promise<number | string> {
    this.signal('SIGTERM')
    return within(this.exited, patienceMs, `Weir to end after SIGTERM\n${this.log.tail()}`)
  }

  /** SIGKILL for every process of this Weir, also for workers that have outlived their control process. */
  async kill(): Promise<void> {
    const isRunning = this.#child.exitCode === null && this.#child.signalCode === null
    const children = isRunning ? childPids(this.pid) : []
    this.#child.kill('SIGKILL')
    const orphans = this.log.named('worker started').map((line) => line.workerPid as number)
    for (const pid of children) killIfAlive(pid)
    for (const pid of orphans) if (commandLine(pid).includes('weir: worker')) killIfAlive(pid)
    await within(this.exited, patienceMs, 'Weir to end after SIGKILL')
  }

  /** What it printed on standard error. Complete when it has ended. */
  stderr(): Promise<string> {
    return this.#stderr
  }
}

export interface StatsTotal {
  readonly inFlight: number
  readonly queued: number
  readonly connections: number
  /** Attempts in flight, over all endpoints. */
  readonly attemptsInFlight: number
}

/** Over all workers. */
export function total(lines: readonly StatsLine[]): StatsTotal {
  const sum = (of: (line: StatsLine) => number) => lines.reduce((a, line) => a + of(line), 0)
  return {
    inFlight: sum((line) => line.inFlight),
    queued: sum((line) => line.queued),
    connections: sum((line) => line.connections),
    attemptsInFlight: sum((line) => line.endpoints.reduce((a, endpoint) => a + endpoint.inFlight, 0)),
  }
}

/** A running Weir, ready for traffic, until the test ends. */
export async function startWeir(
  t: TestContext,
  config: WeirConfig,
  options: WeirOptions = {},
): Promise<Weir> {
  const weir = launchWeir(t, config, options)
  let ended: number | string | null = null
  void weir.exited.then((code) => {
    ended = code
  })
  await waitFor(() => ended !== null || weir.log.named('ready').length > 0, {
    what: () => `Weir to be ready\n${weir.log.tail()}`,
    timeoutMs: patienceMs,
  })
  if (ended === null) return weir
  throw new Error(`Weir ended with ${ended} instead of starting:\n${await weir.stderr()}\n${weir.log.tail()}`)
}

/** A Weir that need not come up: for tests of what it says when it cannot. */
export function launchWeir(t: TestContext, config: WeirConfig | string, options: WeirOptions = {}): Weir {
  const directory = mkdtempSync(join(tmpdir(), 'weir-test-'))
  const configFile = join(directory, 'config.json')
  writeConfig(configFile, config)
  const args = [...(options.inline ? ['--inline'] : []), ...(options.args ?? [])]
  const child = spawn(
    process.execPath,
    [...nodeFlags, options.entry ?? cli, 'run', '--config', configFile, ...args],
    {
      cwd: directory,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const weir = new Weir(child, configFile, options.inline ?? false)
  t.after(async () => {
    await weir.kill()
    rmSync(directory, { recursive: true, force: true })
  })
  return weir
}

export interface CommandResult {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command of Weir's that ends by itself, in a directory of its own. */
export async function runCommand(...args: string[]): Promise<CommandResult> {
  const directory = mkdtempSync(join(tmpdir(), 'weir-test-'))
  const child = spawn(process.execPath, [...nodeFlags, cli, ...args], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  try {
    const closed = once(child, 'close')
    const [stdout, stderr] = await within(
      Promise.all([text(child.stdout), text(child.stderr)]),
      patienceMs,
      `weir ${args.join(' ')} to end`,
    )
    const [code, signal] = await closed
    return { code: code ?? signal, stdout, stderr }
  } finally {
    child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
}

function killIfAlive(pid: number): void {
  if (isAlive(pid)) process.kill(pid, 'SIGKILL')
}

function writeConfig(file: string, config: WeirConfig | string): void {
  const complete = typeof config === 'string' ? config : { listen: { host: '127.0.0.1', port: 0 }, ...config }
  writeFileSync(file, typeof complete === 'string' ? complete : JSON.stringify(complete, null, 2))
}
