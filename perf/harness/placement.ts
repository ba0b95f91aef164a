import { readFileSync } from 'node:fs'
import { which } from './processes.ts'

/** Cores as `taskset -c` takes them, for a subject alone and for everything else. */
export interface Cores {
  readonly subject: string
  readonly rest: string
}

export interface Placement {
  /** For a subject with so many workers; null: nothing is pinned. */
  readonly cores: (workers: number) => Cores | null
  /** For the output: what was done, or why nothing was. */
  readonly explanation: string
}

const free = () => null

/** What is measured apart from what measures it, where there are cores for both. */
export function findPlacement(): Placement {
  if (which('taskset') === null) {
    return {
      cores: free,
      explanation: 'skipped: pinning to cores, since taskset is not installed (Debian: util-linux)',
    }
  }
  const allowed = allowedCores()
  if (allowed.length < 2) {
    return { cores: free, explanation: 'skipped: pinning to cores, since there are not two of them to use' }
  }
  const { subject, rest } = divide(allowed, 1)!
  const most = allowed.length - 1
  return {
    cores: (workers) => divide(allowed, workers),
    explanation: `taskset: what is measured alone on core ${subject}, with N workers on the last N; load generator and other origins on the others (${rest}); not pinned with more than ${most === 1 ? 'one worker' : `${most} workers`}`,
  }
}

/**
 * The last cores that we may use for the subject, the others for the load generator and the other origins. The last,
 * because interrupts gather on the first on many machines. Null if none would be left.
 */
export function divide(allowed: readonly number[], workers: number): Cores | null {
  if (allowed.length <= workers) return null
  return { subject: allowed.slice(-workers).join(','), rest: allowed.slice(0, -workers).join(',') }
}

/** Cores for an overload: the origins' capacity is what all is measured by, and nobody else may have of it. */
export interface OriginCores {
  readonly origins: string
  readonly subject: string
  readonly generator: string
}

/** Null where there are not two cores. With two, the subject and the load generator share one. */
export function divideForOrigins(allowed: readonly number[]): OriginCores | null {
  if (allowed.length < 2) return null
  const subject = String(allowed.at(-1))
  if (allowed.length === 2) return { origins: String(allowed[0]), subject, generator: subject }
  return { origins: allowed.slice(0, -2).join(','), subject, generator: String(allowed.at(-2)) }
}

/** Of this machine; null: nothing is pinned. */
export function findOriginCores(): OriginCores | null {
  return which('taskset') === null ? null : divideForOrigins(allowedCores())
}

function allowedCores(): readonly number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return list === undefined ? [] : parseCoreList(list)
}

/** The kernel's list format (cpuset(7)): `0-2,5` is 0, 1, 2 and 5. */
export function parseCoreList(list: string): readonly number[] {
  return list.split(',').flatMap((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part)
    if (match === null) throw new SyntaxError(`"${part}" of the list of cores "${list}" is not N or N-M`)
    const first = Number(match[1])
    const last = Number(match[2] ?? match[1])
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}
