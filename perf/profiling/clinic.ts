/** clinic flame over an inline Weir. Its packages are its own: perf/clinic. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { processTree } from '../harness/cpu.ts'
import { tailOf } from '../harness/processes.ts'
import type { Bench, Running } from '../harness/running.ts'
import { type ClinicFrame, stacksOfClinic } from './cpu-profile.ts'
import type { StackCounts } from './perf-script.ts'

const folder = fileURLToPath(new URL('../clinic/', import.meta.url))
const drawLimitMs = 180_000

/** Null if it is installed, else why not and what to do about it. */
export function clinicMissing(): string | null {
  return existsSync(join(folder, 'node_modules/@clinic/flame'))
    ? null
    : 'clinic flame is not installed (npm ci --prefix perf/clinic)'
}

/** What to put before `node`. */
export function clinicCommand(out: string): readonly string[] {
  return [process.execPath, join(folder, 'flame.js'), out]
}

export interface ClinicResult {
  readonly stacks: StackCounts
  readonly html: string
}

/**
 * Ends the Weir that runs below clinic, and waits for the drawing.
 *
 * @throws {Error} with the end of its outputs if that fails or takes longer than three minutes.
 */
export async function finishClinic(bench: Bench, running: Running): Promise<ClinicResult> {
  const { child } = running
  const weir = processTree(child.pid).find((stat) => stat.parent === child.pid)
  if (weir === undefined) throw new Error(`clinic runs nothing:\n${tailOf(child.stderr)}`)
  // clinic's preloaded module ends the process by `process.exit` at SIGINT, without Weir's drain.
  process.kill(weir.pid, 'SIGINT')
  const end = await Promise.race([child.ended, sleep(drawLimitMs, null, { ref: false })])
  const words = running.log === null ? '' : readFileSync(running.log, 'utf8')
  const path = (what: string) => new RegExp(`^clinic-${what}: (.+)$`, 'm').exec(words)?.[1]
  const [samples, html] = [path('samples'), path('html')]
  if (end !== 'exit code 0' || samples === undefined || html === undefined) {
    await bench.processes.stop(child)
    throw new Error(`clinic ended with ${end ?? 'nothing in three minutes'}:\n${tailOf(child.stderr)}`)
  }
  const file = join(samples, `${basename(samples)}-samples`)
  const frames = JSON.parse(readFileSync(file, 'utf8')) as readonly (readonly ClinicFrame[])[]
  return { stacks: stacksOfClinic(frames), html }
}

/** Compressed: it carries all of its scripts, three megabytes. */
export function keepHtml(html: string, path: string): void {
  writeFileSync(path, gzipSync(readFileSync(html), { level: 9 }))
}
