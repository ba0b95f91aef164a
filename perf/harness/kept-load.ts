/**
 * Load for turns of less than a second, from a process that keeps its connections from turn to turn (kept-load.c): wrk knows whole seconds
 * alone, and where connections are opened in each turn, a short one is dearer than a long one.
 *
 *     start ──► run(0.4) ──► run(0.4) ──► ... ──► the process is stopped with its subject
 *               a line each way, and nothing under way in between
 *
 * Invariant: a run ends only when all that was sent has been answered or has failed. So nothing is cut off at its end, and the subject
 * rests.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { LoadFigures } from './load-figures.ts'
import { type Child, type Processes, tailOf, which } from './processes.ts'
import type { Load } from './scenario.ts'
import { asSent, requestsFile } from './sent.ts'

const source = fileURLToPath(new URL('kept-load.c', import.meta.url))

/** What the program prints behind a turn: its docstring is kept-load.c. */
interface Said {
  readonly requests: number
  readonly elapsedUs: number
  readonly bytesRead: number
  readonly status: number
  readonly errored: number
  readonly sumUs: number
  readonly squaresUs: number
  readonly maxUs: number
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
}

export interface KeptLoadOptions {
  readonly load: Load
  /** `http://127.0.0.1:PORT`. Never another machine's. */
  readonly origin: string
  readonly cores: string | null
  /** Stores a file for this load and returns its path. */
  readonly write: (ending: string, content: string) => string
}

/** Whether turns may be shorter than a second: null, or what is missing. */
export function keptLoadMissing(): string | null {
  return which('cc') === null
    ? 'turns below 1 s need a C compiler, and there is no `cc` (Debian: apt-get install gcc libc6-dev)'
    : null
}

/**
 * Compiles the program unless that has been done.
 *
 * @param program where to
 * @throws {Error} with the compiler's words
 */
export function compileKeptLoad(program: string): string {
  if (existsSync(program)) return program
  const missing = keptLoadMissing()
  if (missing !== null) throw new Error(missing)
  execFileSync('cc', ['-O2', '-Wall', '-o', program, source], { encoding: 'utf8', stdio: 'pipe' })
  return program
}

export class KeptLoad {
  readonly child: Child
  readonly #lines: AsyncIterator<string>

  private constructor(child: Child) {
    this.child = child
    this.#lines = createInterface({ input: child.process.stdout! })[Symbol.asyncIterator]()
  }

  /** @param program compiled @throws {Error} for what it cannot send: anything but plain HTTP */
  static async start(
    processes: Processes,
    program: string,
    { load, origin, cores, write }: KeptLoadOptions,
  ): Promise<KeptLoad> {
    const { protocol, host, port } = new URL(origin)
    if (load.protocol !== 'http' || protocol !== 'http:')
      throw new Error('a turn of WebSocket messages or TLS has 1 s or more: kept-load.c speaks plain HTTP')
    const requests = write('requests', requestsFile(asSent(load, host)))
    const command = [program, port, String(load.connections), requests]
    return new KeptLoad(await processes.start('kept-load', command, { cores, stderr: write('err', '') }))
  }

  /**
   * One turn: a closed loop for so long, and then until all that is under way is answered.
   *
   * @param seconds above 0, three digits behind the point
   * @throws {Error} with its last words if it has ended or got no answer at all
   */
  async run(seconds: number): Promise<LoadFigures> {
    this.child.process.stdin!.write(`${Math.round(seconds * 1000)}\n`)
    const { value, done } = await this.#lines.next()
    if (done === true) {
      throw new Error(`kept-load ended with ${await this.child.ended}\n${tailOf(this.child.stderr)}`)
    }
    const said = JSON.parse(value) as Said
    if (said.requests === 0)
      throw new Error(`no request was answered: ${said.errored} failed\n${tailOf(this.child.stderr)}`)
    return figuresOf(said)
  }
}

/** @param said of one answer or more */
function figuresOf(said: Said): LoadFigures {
  const { requests, elapsedUs, sumUs, squaresUs } = said
  const seconds = elapsedUs / 1e6
  const averageUs = sumUs / requests
  return {
    requests,
    seconds,
    requestsPerSecond: requests / seconds,
    bytesRead: said.bytesRead,
    latency: {
      averageUs,
      deviationUs: Math.sqrt(Math.max(0, squaresUs / requests - averageUs ** 2)),
      maxUs: said.maxUs,
      p50Us: said.p50Us,
      p99Us: said.p99Us,
      p999Us: said.p999Us,
    },
    failed: { status: said.status, errored: said.errored },
  }
}
