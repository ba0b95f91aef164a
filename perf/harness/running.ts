/** What runs while a benchmark does, and where its files lie. */
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cores } from './placement.ts'
import { type Child, type Processes, tailOf } from './processes.ts'
import type { Row } from './row.ts'

/** What starting anything takes. */
export interface Bench {
  readonly processes: Processes
  /** A temporary directory for configurations and logs. */
  readonly folder: string
  /** For something with so many workers; null: nothing is pinned. */
  readonly cores: (workers: number) => Cores | null
  /** Weir's command line, a file that `node` runs. */
  readonly weir: string
  /** The one that subjects called `before` run; absent: there are none. */
  readonly before?: string
  /** Node processes are asked what they allocate. */
  readonly allocation: boolean
}

/** Something that answers HTTP and whose cost is measured. */
export interface Running {
  readonly child: Child
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** Weir's log; null where there is none or it goes nowhere. */
  readonly log: string | null
  /** The origins that it passes requests to; none behind an origin. */
  readonly behind: readonly Running[]
}

/** A file of its own for each process and purpose. */
export function fileFor(bench: Pick<Bench, 'folder'>, name: string, ending: string): string {
  return join(bench.folder, `${name.replaceAll(/[^\w-]+/g, '-')}.${ending}`)
}

/** Where the Node processes of a row can be asked what they allocate. */
export function probeFolder(bench: Pick<Bench, 'folder'>, row: Row): string {
  return fileFor(bench, row.name, 'probe')
}

/** Stores files under a name in the temporary directory, and returns their paths. */
export function writerFor(
  bench: Pick<Bench, 'folder'>,
  name: string,
): (ending: string, content: string) => string {
  return (ending, content) => {
    const path = fileFor(bench, name, ending)
    writeFileSync(path, content)
    return path
  }
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
