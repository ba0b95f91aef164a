import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Processes } from './processes.ts'

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
 * @param output a file for strace's table
 * @throws {Error} if strace may not attach.
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
  const deadline = Date.now() + attachLimitMs
  try {
    while (!pids.every(isTraced)) {
      if (child.end !== null || Date.now() > deadline) {
        throw new Error(`strace could not attach: ${readFileSync(files.stderr, 'utf8').trim()}`)
      }
      await sleep(20)
    }
    await run()
  } finally {
    // It detaches, writes its table and ends by this very signal.
    child.process.kill('SIGINT')
    await child.ended
  }
  return parseStrace(readFileSync(files.output, 'utf8'))
}

function isTraced(pid: number): boolean {
  return /^TracerPid:\s*[1-9]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
}
