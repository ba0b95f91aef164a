import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Child, Processes } from './processes.ts'

export interface SystemCalls {
  readonly perRequest: number
  /** The same by name, most frequent first; those below one in a hundred requests are left out. */
  readonly byName: Readonly<Record<string, number>>
}

/** What strace is started with: all threads of all processes, counted and not printed. */
export function straceArguments(pids: readonly number[], output: string): readonly string[] {
  return ['-c', '-f', '-o', output, ...pids.flatMap((pid) => ['-p', String(pid)])]
}

/**
 * The table of `strace -c`: calls by name.
 *
 * @throws {SyntaxError} if it is none.
 */
export function parseStrace(output: string): ReadonlyMap<string, number> {
  const calls = new Map<string, number>()
  // % time, seconds, usecs/call, calls, errors (blank if none), name
  for (const match of output.matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$/gm)) {
    if (match[2] !== 'total') calls.set(match[2]!, Number(match[1]))
  }
  if (calls.size === 0) throw new SyntaxError(`not a table of strace -c:\n${output.trim()}`)
  return calls
}

export function perRequest(calls: ReadonlyMap<string, number>, requests: number): SystemCalls {
  const sorted = [...calls]
    .sort((a, b) => b[1] - a[1])
    .map(([name, count]) => [name, count / requests] as const)
  return {
    perRequest: sorted.reduce((sum, [, rate]) => sum + rate, 0),
    byName: Object.fromEntries(sorted.filter(([, rate]) => rate >= 0.01)),
  }
}

const attachLimitMs = 5_000

/**
 * System calls that processes make while something runs. It is attached before and detached afterwards, so that the
 * whole of a load lies within: what it answered is what the calls are divided by.
 *
 * @param files `output` for strace's table, `stderr` for what it says
 * @throws {Error} with what strace said, if it has not attached to each of the processes within 5 s.
 */
export async function systemCallsDuring(
  processes: Processes,
  strace: string,
  pids: readonly number[],
  files: { readonly output: string; readonly stderr: string },
  cores: string | null,
  run: () => Promise<void>,
): Promise<ReadonlyMap<string, number>> {
  const command = [strace, ...straceArguments(pids, files.output)]
  const child = await processes.start('strace', command, { cores, stderr: files.stderr })
  if (!(await attaches(child, pids))) {
    await processes.stop(child)
    throw new Error(`strace could not attach: ${readFileSync(files.stderr, 'utf8').trim()}`)
  }
  try {
    await run()
  } finally {
    // It detaches, writes its table and ends by this very signal.
    child.process.kill('SIGINT')
    await child.ended
  }
  return parseStrace(readFileSync(files.output, 'utf8'))
}

/**
 * True when strace has attached to all, false when it has ended or taken too long. It must not be signalled any
 * earlier: before it handles signals it tries ptrace out on children of its own, which would be left behind and keep
 * its standard output, a pipe to us, open for ever.
 */
async function attaches(strace: Child, pids: readonly number[]): Promise<boolean> {
  const deadline = Date.now() + attachLimitMs
  while (strace.end === null && Date.now() <= deadline) {
    if (pids.every(isTraced)) return true
    await sleep(20)
  }
  return false
}

/** A process that has ended is not. */
function isTraced(pid: number): boolean {
  try {
    return /^TracerPid:\s*[1-9]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'ENOENT' && code !== 'ESRCH') throw error
    return false
  }
}
