import { once } from 'node:events'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Cores } from './placement.ts'
import { type Child, type Processes, tailOf } from './processes.ts'
import type { OriginShape, Scenario } from './scenario.ts'
import { startWeir } from './weir.ts'

/** What starting anything takes. */
export interface Bench {
  readonly processes: Processes
  /** A temporary directory for configurations and logs. */
  readonly folder: string
  readonly cores: Cores | null
  /** Weir's command line, a file that `node` runs. */
  readonly weir: string
}

/** Something that answers HTTP and whose cost is measured. */
export interface Running {
  readonly child: Child
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** Weir's log; null where there is none or it goes nowhere. */
  readonly log: string | null
}

/**
 * Starts what a scenario measures, ready to answer, and the origins that it needs.
 *
 * @throws {Error} with the end of its outputs if it does not come up.
 */
export async function startSubject(bench: Bench, scenario: Scenario): Promise<Running> {
  const { subject } = scenario
  const cores = scenario.placement === 'apart' ? bench.cores : null
  if (subject.kind === 'origin') {
    return startOrigin(bench, scenario.name, subject.origin, cores?.subject ?? null)
  }
  const urls: string[] = []
  for (let number = 1; number <= subject.weir.endpoints; number++) {
    const name = `${scenario.name} origin ${number}`
    urls.push((await startOrigin(bench, name, subject.origin, cores?.rest ?? null)).url)
  }
  return startWeir(bench, scenario, subject.weir, urls, cores?.subject ?? null)
}

async function startOrigin(
  bench: Bench,
  name: string,
  shape: OriginShape,
  cores: string | null,
): Promise<Running> {
  const script = fileURLToPath(new URL('origin.ts', import.meta.url))
  const command = [process.execPath, script, '--bytes', String(shape.bytes)]
  const child = await bench.processes.start(name, command, { cores, stderr: fileFor(bench, name, 'err') })
  const line = child.process.stdout!.setEncoding('utf8')
  const first = await Promise.race([once(line, 'data'), child.ended])
  if (typeof first === 'string') throw new Error(`${name} did not start: ${first}\n${tailOf(child.stderr)}`)
  const { port } = JSON.parse(String(first[0])) as { port: number }
  return { child, url: `http://127.0.0.1:${port}`, log: null }
}

/** A file of its own for each process and purpose. */
export function fileFor(bench: Bench, name: string, ending: string): string {
  return join(bench.folder, `${name.replaceAll(/[^\w-]+/g, '-')}.${ending}`)
}

/** Size in bytes of a subject's log so far; 0 without one. */
export function logBytes(running: Running): number {
  return running.log === null ? 0 : statSync(running.log).size
}

/** @throws {Error} with the end of its outputs if the subject has ended, which it should not while it is measured. */
export function assertAlive(running: Running): void {
  if (running.child.end === null) return
  throw new Error(`${running.child.name}: ended with ${running.child.end} under load\n${lastWords(running)}`)
}

export function lastWords(running: Pick<Running, 'child' | 'log'>): string {
  const log = running.log === null ? '' : tailOf(running.log)
  return [`stderr: ${tailOf(running.child.stderr) || 'empty'}`, `log: ${log || 'empty'}`].join('\n')
}
