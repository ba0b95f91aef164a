import { readFileSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Scenario, WeirShape } from './scenario.ts'
import { type Bench, fileFor, lastWords, type Running } from './subject.ts'

const startLimitMs = 20_000

/**
 * Starts Weir in front of origins, on a free port, and returns when every worker accepts.
 *
 * @throws {Error} with the end of its standard error and log if it does not come up within 20 s.
 */
export async function startWeir(
  bench: Bench,
  scenario: Scenario,
  shape: WeirShape,
  origins: readonly string[],
  cores: string | null,
): Promise<Running> {
  const port = await freePort()
  const file = fileFor(bench, scenario.name, 'json')
  writeFileSync(file, JSON.stringify(configuration(shape, origins, port), null, 2))
  const log = shape.output === 'file' ? fileFor(bench, scenario.name, 'log') : null
  const child = await bench.processes.start(
    `weir (${scenario.name})`,
    [process.execPath, bench.weir, 'run', '--config', file],
    { cores, env: shape.env, stdout: log ?? '/dev/null', stderr: fileFor(bench, scenario.name, 'err') },
  )
  const running: Running = { child, url: `http://127.0.0.1:${port}`, log }
  const deadline = Date.now() + startLimitMs
  while (!(saysReady(log) && (await answers(running.url + scenario.load.path)))) {
    if (child.end !== null || Date.now() > deadline) {
      const why =
        child.end === null
          ? `was not ready within ${startLimitMs} ms`
          : `ended with ${child.end} before it was ready`
      throw new Error(`${child.name} ${why}\n${lastWords(running)}`)
    }
    await sleep(50)
  }
  return running
}

/** A configuration file's content: everything that the scenario does not name is left to its default. */
export function configuration(shape: WeirShape, origins: readonly string[], port: number): unknown {
  return {
    listen: [{ host: '127.0.0.1', port }],
    workers: shape.workers,
    drainTimeout: '2s',
    upstreams: { app: { endpoints: origins.map((url) => ({ url })), ...shape.upstream } },
    routes: [{ path: '/isolated', respond: { status: 200 } }, { upstream: 'app' }],
    log: { level: 'info', access: shape.access },
  }
}

const handedOut = new Set<number>()

/** A port that was free a moment ago, and never the same twice: listeners with SO_REUSEPORT would share it unnoticed. */
async function freePort(): Promise<number> {
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

/** Without a log to look into, an answer has to do. */
function saysReady(log: string | null): boolean {
  return log === null || readFileSync(log, 'utf8').includes('"msg":"ready"')
}

function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 1000 }, (response) => {
      response.resume()
      resolve(response.statusCode !== undefined && response.statusCode >= 200 && response.statusCode < 300)
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(false))
  })
}
