import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { probeEnvironment } from './allocation.ts'
import type { Certificate } from './certificate.ts'
import { checkAnswer } from './check.ts'
import type { Row } from './row.ts'
import { type Bench, fileFor, lastWords, probeFolder, type Running } from './running.ts'

/** What a proxy is to be: the same for Weir and every peer. */
export interface ProxySetup {
  readonly row: Row
  /** `http://127.0.0.1:PORT`, one or more. */
  readonly origins: readonly string[]
  /** The one to listen on, on 127.0.0.1. */
  readonly port: number
  /** Null: plain HTTP. */
  readonly certificate: Certificate | null
  /** Writes a configuration file of its own into the temporary directory. @returns its path */
  readonly write: (ending: string, content: string) => string
  /** A folder in the temporary directory, for what a proxy puts somewhere itself. */
  readonly folder: string
}

/** How a proxy is run. */
export interface ProxyCommand {
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Where its standard output goes; absent: nowhere. */
  readonly log?: string
  /** It can only be trusted to be ready when this stands in its log. */
  readonly readyLine?: string
  /** How long it may take to come up; absent: 20 s. */
  readonly startMs?: number
}

const startLimitMs = 20_000

/**
 * Starts a proxy and returns when it gives the right answer.
 *
 * @throws {Error} with the end of its standard error and log if it does not come up in time, or answers wrongly.
 */
export async function startProxy(
  bench: Bench,
  setup: ProxySetup,
  run: ProxyCommand,
  cores: string | null,
  behind: readonly Running[],
): Promise<Running> {
  const { row } = setup
  const child = await bench.processes.start(row.name, run.command, {
    cores,
    // The probe is asked when the timed turns are over, and idle until then.
    env: { ...(bench.allocation ? probeEnvironment(probeFolder(bench, row)) : {}), ...run.env },
    stdout: run.log ?? '/dev/null',
    stderr: fileFor(bench, row.name, 'err'),
  })
  const running: Running = {
    child,
    url: `${setup.certificate === null ? 'http' : 'https'}://127.0.0.1:${setup.port}`,
    log: run.log ?? null,
    behind,
  }
  const limitMs = run.startMs ?? startLimitMs
  const deadline = Date.now() + limitMs
  for (;;) {
    const wrong = isReady(running, run)
      ? await checkAnswer(running.url, row.scenario)
      : 'it did not say that it is ready'
    if (wrong === null) return running
    if (child.end !== null || Date.now() > deadline) {
      const why = child.end === null ? `was not ready within ${limitMs} ms` : `ended with ${child.end}`
      await bench.processes.stop(child)
      throw new Error(`${child.name} ${why}: ${wrong}\n${lastWords(running)}`)
    }
    await sleep(50)
  }
}

function isReady(running: Running, run: ProxyCommand): boolean {
  return run.readyLine === undefined || logOf(running).includes(run.readyLine)
}

function logOf(running: Running): string {
  return running.log === null ? '' : readFileSync(running.log, 'utf8')
}

const handedOut = new Set<number>()

/** A port that was free a moment ago, and never the same twice: listeners with SO_REUSEPORT would share it unnoticed. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer()
    const port = await new Promise<number>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    })
    await new Promise((resolve) => server.close(resolve))
    if (!handedOut.has(port)) {
      handedOut.add(port)
      return port
    }
  }
}
