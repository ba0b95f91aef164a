/** What the kernel says about a process (Linux, proc(5)). */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Resident memory in bytes. @throws when there is no such process. */
export function rssBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  if (!line) throw new Error(`process ${pid} has no memory any more: it is ending`)
  return Number(line[1]) * 1024
}

/** Children of a process, in order of their start; empty where it has gone. */
export function childPids(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number)
  } catch {
    return []
  }
}

/** Does the process exist (and not merely wait for its parent to notice its end)? */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** What it was started with, or calls itself; '' where there is no such process. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

/** Keeps an eye on the resident memory of a process until stopped. */
export class RssWatch {
  /** At the beginning, in bytes. */
  readonly startBytes: number
  maxBytes: number
  #running = true
  readonly #loop: Promise<void>

  constructor(pid: number, everyMs = 100) {
    this.startBytes = rssBytes(pid)
    this.maxBytes = this.startBytes
    this.#loop = this.#watch(pid, everyMs)
    this.#loop.catch(() => undefined) // a process that ended is reported by `stop`
  }

  /** Ends the watch. Gives the greatest growth over the beginning that was seen, in bytes. */
  async stop(): Promise<number> {
    this.#running = false
    await this.#loop
    return this.maxBytes - this.startBytes
  }

  async #watch(pid: number, everyMs: number): Promise<void> {
    while (this.#running) {
      this.maxBytes = Math.max(this.maxBytes, rssBytes(pid))
      await sleep(everyMs)
    }
  }
}
