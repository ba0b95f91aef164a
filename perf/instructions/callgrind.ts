/**
 * `valgrind --tool=callgrind`: instructions that a process executes in user space, counted one by one, so that neither other processes
 * nor the processor's mood are in it. It runs a process some thirty times slower, and is told from outside when to begin and when to
 * write down what it has.
 */

/** A look at the counters of one thread. */
export interface Dump {
  readonly instructions: number
  /** Waits for events: turns of the event loop. */
  readonly turns: number
  /** Readings of the clock. */
  readonly clockReadings: number
}

/**
 * What stands before a program that is to be counted. Counting is off until `countOn`: until then it is three times faster.
 *
 * - Compiled JavaScript changes under way: `all-non-file` looks whether it has, before each piece that is not a file's.
 * - Each thread is counted apart, and only the first is looked at: V8's compilers work on another one, now and then.
 * - `rep stosb`, with which glibc clears some kilobytes, would count as an instruction for each byte; so it is told not to use it.
 */
export function callgrind(valgrind: string, output: string): readonly string[] {
  const threshold = 2 ** 30
  const tunables = ['x86_rep_stosb_threshold', 'x86_rep_movsb_threshold']
    .map((name) => `glibc.cpu.${name}=${threshold}`)
    .join(':')
  return [
    'env',
    `GLIBC_TUNABLES=${tunables}`,
    valgrind,
    '--tool=callgrind',
    '--smc-check=all-non-file',
    '--instr-atstart=no',
    '--separate-threads=yes',
    `--callgrind-out-file=${output}`,
  ]
}

/**
 * Node's options for a count that comes out the same again: collections of garbage stay on the thread that is counted, and none is
 * made because little seems to happen. Compiled JavaScript is not thrown away. Time goes slowly (slow-time.ts). The rest is as Weir starts
 * its workers.
 */
export const nodeOptions = [
  `--import=${new URL('slow-time.ts', import.meta.url).href}`,
  '--v8-pool-size=1',
  '--single-threaded-gc',
  '--no-memory-reducer',
  '--no-flush-bytecode',
]

/** Of `callgrind_control`. */
export const countOn = ['-i', 'on']
export const zero = ['-z']
export const dump = ['-d']

/** The file of the n-th dump, from 1, for the first thread. */
export function dumpFile(output: string, number: number): string {
  return `${output}.${number}-01`
}

const turnFunctions = ['epoll_wait', 'epoll_pwait', 'epoll_pwait2']
const clockFunctions = ['clock_gettime']

/**
 * One of callgrind's files.
 *
 * @throws {SyntaxError} if it is none.
 */
export function parseDump(text: string): Dump {
  const summary = /^summary: (\d+)$/m.exec(text)
  if (summary === null || !/^events: Ir$/m.test(text))
    throw new SyntaxError(`not a file of callgrind:\n${text.slice(0, 200)}`)
  const calls = callsByName(text)
  const callsOf = (names: readonly string[]) => names.reduce((sum, name) => sum + (calls.get(name) ?? 0), 0)
  return {
    instructions: Number(summary[1]),
    turns: callsOf(turnFunctions),
    clockReadings: callsOf(clockFunctions),
  }
}

/** Calls of each function, by its name without the version of its symbol. A name stands once, and is a number from then on. */
function callsByName(text: string): ReadonlyMap<string, number> {
  const names = new Map<string, string>()
  const calls = new Map<string, number>()
  let called = ''
  for (const line of text.split('\n')) {
    const name = /^(c?)fn=(\(\d+\))(?: (.*))?$/.exec(line)
    if (name !== null) {
      const [, callee, number, full] = name
      if (full !== undefined) names.set(number!, full.replace(/@.*$/, ''))
      if (callee === 'c') called = names.get(number!) ?? ''
    } else if (line.startsWith('calls=')) {
      calls.set(called, (calls.get(called) ?? 0) + Number.parseInt(line.slice('calls='.length), 10))
    }
  }
  return calls
}
