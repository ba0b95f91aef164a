import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { which } from '../harness/processes.ts'
import type { ProxySetup } from '../harness/proxy.ts'
import { fromDebian, type Peer } from './peer.ts'

export const goAsWritten: Peer = {
  ...balancer('go', 'as-written', "the report's Go balancer as it was written"),
  reconnects: true,
}
export const goTuned: Peer = {
  ...balancer('go-tuned', 'tuned', "the report's Go balancer as its section 4 recommends"),
  reconnects: true,
}
/** What the report's authors would have had if they had known of these two: to be beaten, where the others are history. */
export const goKept = balancer(
  'go-kept',
  'tuned',
  'the same, with enough connections kept and buffers lent',
  ({ row }) => ['-keep', String(Math.max(64, row.scenario.load.connections))],
)

/** @param more options of the program that stands in `folder`, which several peers may share */
function balancer(
  name: string,
  folder: string,
  what: string,
  more: (setup: ProxySetup) => readonly string[] = () => [],
): Peer {
  const source = fileURLToPath(new URL(`go/${folder}/main.go`, import.meta.url))
  return {
    name,
    what,
    balances: true,
    webSocket: true,
    workers: true,
    ...fromDebian('go', 'golang-go', 'version'),
    command: (setup) => ({
      command: [build(folder, source), ...options(setup), ...more(setup)],
      env: { GOMAXPROCS: String(setup.row.scenario.workers) },
      // Not nowhere: the line that it writes for each request is what the report is about.
      log: setup.write('log', ''),
    }),
  }
}

function options({ port, origins, certificate }: ProxySetup): readonly string[] {
  const tls = certificate === null ? [] : ['-cert', certificate.cert, '-key', certificate.key]
  return ['-listen', `127.0.0.1:${port}`, '-origins', origins.join(','), ...tls]
}

const buildLimitMs = 180_000

/**
 * Compiles with nothing from the network, once for each source and compiler; the result stays in the user's part of the
 * temporary directory.
 *
 * @returns the program's path
 * @throws {Error} with the compiler's words if it refuses.
 */
function build(name: string, source: string): string {
  const go = which('go')!
  const version = execFileSync(go, ['version'], { encoding: 'utf8' })
  const hash = createHash('sha256').update(version).update(readFileSync(source)).digest('hex').slice(0, 16)
  const folder = join(tmpdir(), `weir-bench-go-${process.getuid?.() ?? 0}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // Somebody else may have made it before us, and put something into it.
  if (statSync(folder).uid !== (process.getuid?.() ?? 0))
    throw new Error(`${folder} belongs to somebody else`)
  const program = join(folder, `${name}-${hash}`)
  if (statSync(program, { throwIfNoEntry: false }) !== undefined) return program
  const unfinished = `${program}.${process.pid}`
  execFileSync(go, ['build', '-o', unfinished, source], {
    env: { ...process.env, GO111MODULE: 'off', GOFLAGS: '', GOCACHE: join(folder, 'cache') },
    stdio: 'pipe',
    timeout: buildLimitMs,
  })
  // Whole or not there: two runs may build it at once.
  renameSync(unfinished, program)
  return program
}
