/** What every program that measures needs around it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Processes } from './processes.ts'
import { formatPercent } from './table.ts'

/**
 * Runs a measurement with processes and a temporary folder of its own. Everything that was started ends and every
 * temporary file goes, however this ends. A failure is printed and sets the exit code.
 *
 * @param prefix of the temporary folder's name
 */
export async function session(
  prefix: string,
  measure: (processes: Processes, folder: string) => Promise<void>,
): Promise<void> {
  const processes = new Processes()
  const folder = mkdtempSync(join(tmpdir(), prefix))
  let interrupted = false
  const cleanUp = async () => {
    await processes.stopAll()
    rmSync(folder, { recursive: true, force: true })
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      interrupted = true
      console.error(`${signal}: stopping what was started`)
      void cleanUp().then(() => process.exit(130))
    })
  }
  try {
    await measure(processes, folder)
  } catch (error) {
    // What an interrupt tears down fails on its way: that is not news.
    if (interrupted) return
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
  if (!interrupted) await cleanUp()
}

/** How much of the machine others had in some turns, as a line for the output. Null: not known. */
export function disturbance(shares: readonly (number | null)[]): string {
  const known = shares.filter((share) => share !== null)
  if (known.length === 0) return 'other processes: unknown'
  const mean = known.reduce((sum, share) => sum + share, 0) / known.length
  const most = Math.max(...known)
  return `other processes and the hypervisor took ${formatPercent(mean, 1)} of the machine, at most ${formatPercent(most, 1)} in a turn`
}
