/** What Linux' `perf` sees: the kernel, native code and JavaScript in one account. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Processes } from '../harness/processes.ts'
import { perfScriptFields, readPerfScript, type StackCounts } from './perf-script.ts'
import { JitCode } from './v8-log.ts'

/** Node's options that make V8 say where its code lies, at no cost once it is compiled. */
export function codeLogOptions(log: string): readonly string[] {
  return [
    '--log-code',
    '--log-source-position',
    '--no-logfile-per-isolate',
    `--logfile=${log}`,
    // Functions that are not compiled yet have frames with names, too.
    '--interpreted-frames-native-stack',
  ]
}

/** Samples per second of CPU time. A prime, so as not to beat with what happens every millisecond. */
const frequency = 3989
const startLimitMs = 5_000
const scriptLimitMs = 120_000

export interface Recording {
  readonly perf: string
  readonly pid: number
  /** Where perf puts its samples. */
  readonly data: string
  readonly stderr: string
  readonly cores: string | null
}

/**
 * Samples a process and its threads while something runs.
 *
 * A software clock: virtual machines have no counters, and their absence is what makes `perf record` fail by default.
 *
 * @throws {Error} with perf's words if it may not attach.
 */
export async function record(
  processes: Processes,
  { perf, pid, data, stderr, cores }: Recording,
  run: () => Promise<void>,
): Promise<void> {
  const options = ['-e', 'cpu-clock', '-F', String(frequency), '-g', '-p', String(pid), '-o', data]
  const child = await processes.start('perf', [perf, 'record', ...options], { cores, stderr, stdout: stderr })
  const deadline = Date.now() + startLimitMs
  try {
    // It writes the head of its file when it has attached to every thread.
    while (!existsSync(data) || statSync(data).size === 0) {
      if (child.end !== null || Date.now() > deadline)
        throw new Error(`perf could not record: ${readFileSync(stderr, 'utf8').trim()}`)
      await sleep(20)
    }
    await run()
  } finally {
    child.process.kill('SIGINT')
    await child.ended
  }
}

/** @throws {Error} if perf cannot read its own file, or nothing was sampled. */
export async function readRecording(
  { perf, data }: Pick<Recording, 'perf' | 'data'>,
  log: string,
): Promise<StackCounts> {
  const lines: string[] = []
  for await (const line of createInterface({ input: createReadStream(log), crlfDelay: 0 }))
    if (line.startsWith('code-')) lines.push(line)
  const code = JitCode.read(lines)
  const script = spawn(perf, ['script', '-F', perfScriptFields, '-i', data], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: scriptLimitMs,
  })
  let words = ''
  script.stderr.setEncoding('utf8').on('data', (text: string) => {
    words += text.slice(0, 4096)
  })
  const ended = once(script, 'close')
  const counts = await readPerfScript(createInterface({ input: script.stdout }), code)
  const [status] = await ended
  if (status !== 0 || counts.total === 0)
    throw new Error(`perf script ended with ${status} and ${counts.total} samples: ${words.slice(-1000)}`)
  return counts
}
