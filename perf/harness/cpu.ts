/**
 * CPU time and memory of a process and all that it started, from Linux' /proc.
 *
 * The kernel accounts in nanoseconds and shows ticks of 10 ms, each process rounded down: with two processes over
 * a turn of 0.2 s on a busy core that is up to a fifth. What its scheduler tells of each thread is in nanoseconds, and only the sum: so
 * ticks say how it is split between user and system, which most kernels sample anyway, and the scheduler how much it is.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** USER_HZ, in which /proc counts whatever the kernel's own tick is: 100 on every architecture that Node runs on. */
const microsecondsPerTick = 10_000

export interface ProcessStat {
  readonly pid: number
  readonly parent: number
  readonly userTicks: number
  readonly systemTicks: number
  /** Of children that have ended and were waited for, and of theirs. */
  readonly endedUserTicks: number
  readonly endedSystemTicks: number
  /** Ticks after boot. With the pid it names a process for good: pids come round again. */
  readonly startTicks: number
}

/** In microseconds, since the processes began. */
export interface CpuTime {
  readonly userUs: number
  readonly systemUs: number
}

/**
 * One line of /proc/PID/stat (proc_pid_stat(5)). The name in parentheses may contain blanks and parentheses itself,
 * so the fields are counted from the last one.
 *
 * @throws {SyntaxError} if it is not such a line.
 */
export function parseStat(line: string): ProcessStat {
  const name = line.lastIndexOf(')')
  const fields = line.slice(name + 2).split(' ')
  // Field 3 of the manual page, the state, is fields[0].
  const field = (number: number) => Number(fields[number - 3])
  const stat: ProcessStat = {
    pid: Number.parseInt(line, 10),
    parent: field(4),
    userTicks: field(14),
    systemTicks: field(15),
    endedUserTicks: field(16),
    endedSystemTicks: field(17),
    startTicks: field(22),
  }
  if (name < 0 || Object.values(stat).some((value) => !Number.isInteger(value))) {
    throw new SyntaxError(`not a line of /proc/PID/stat: ${JSON.stringify(line)}`)
  }
  return stat
}

/** A process and all its living descendants, itself first; empty if it has ended or there is no /proc. */
export function processTree(root: number): readonly ProcessStat[] {
  const children = new Map<number, ProcessStat[]>()
  let first: ProcessStat | undefined
  for (const stat of allProcesses()) {
    if (stat.pid === root) first = stat
    const siblings = children.get(stat.parent)
    if (siblings === undefined) children.set(stat.parent, [stat])
    else siblings.push(stat)
  }
  if (first === undefined) return []
  const tree = [first]
  // The list grows while it is walked: breadth first.
  for (const stat of tree) tree.push(...(children.get(stat.pid) ?? []))
  return tree
}

/**
 * CPU time of a whole tree. The time of those that ended is in their parent's account, so that the sum never
 * falls while the root lives. Null if it does not, or where there is no /proc.
 */
export function treeCpuTime(root: number): CpuTime | null {
  const tree = processTree(root)
  if (tree.length === 0) return null
  let user = 0
  let system = 0
  for (const stat of tree) {
    user += stat.userTicks + stat.endedUserTicks
    system += stat.systemTicks + stat.endedSystemTicks
  }
  return { userUs: user * microsecondsPerTick, systemUs: system * microsecondsPerTick }
}

/**
 * What the living threads of a tree have run in microseconds, as the kernel's scheduler has it (/proc/PID/task/TID/schedstat). 0 where
 * it does not say.
 */
export function treeRunTimeUs(root: number): number {
  return processTree(root)
    .flatMap(({ pid }) => threadsOf(pid).map((thread) => runTimeUs(`/proc/${pid}/task/${thread}/schedstat`)))
    .reduce((sum, time) => sum + time, 0)
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

function runTimeUs(file: string): number {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) / 1000
  } catch {
    // Built without it, or the thread has ended.
    return 0
  }
}

/** Ticks of user and system time that a handful of processes can be rounded by. */
const roundedUs = 100_000

/**
 * CPU time between two looks, its sum put right.
 *
 * @param ticks of all that ran
 * @param exactUs of the threads that live on. Where a thread or process has ended, or nothing is known, that is not the same thing, and the
 *   ticks are left as they are.
 */
export function exactly(ticks: CpuTime, exactUs: number): CpuTime {
  const sum = ticks.userUs + ticks.systemUs
  if (sum === 0 || exactUs <= 0 || Math.abs(exactUs - sum) > roundedUs) return ticks
  const factor = exactUs / sum
  return { userUs: ticks.userUs * factor, systemUs: ticks.systemUs * factor }
}

/** Of all processes of a tree together; pages that several share count for each. */
export interface Memory {
  /** In RAM now. */
  readonly residentBytes: number
  /** The sum of each process's highest so far. */
  readonly peakBytes: number
}

/** Null if the root does not live, or where there is no /proc. */
export function treeMemory(root: number): Memory | null {
  const tree = processTree(root)
  if (tree.length === 0) return null
  let resident = 0
  let peak = 0
  for (const { pid } of tree) {
    const memory = parseMemory(readStatus(pid))
    resident += memory.residentBytes
    peak += memory.peakBytes
  }
  return { residentBytes: resident, peakBytes: peak }
}

/** Of one process alone. */
export interface ProcessMemory extends Memory {
  /** The part of what is resident that lies in files, which processes of one program share. */
  readonly fileBytes: number
}

/** Null if the process does not live, or where there is no /proc. */
export function processMemory(pid: number): ProcessMemory | null {
  const memory = parseMemory(readStatus(pid))
  return memory.residentBytes === 0 ? null : memory
}

/** /proc/PID/status (proc_pid_status(5)). A process that has ended, or is of the kernel, has none of these lines. */
export function parseMemory(status: string): ProcessMemory {
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024
  return { residentBytes: bytes('VmRSS'), peakBytes: bytes('VmHWM'), fileBytes: bytes('RssFile') }
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

/** CPU time of the whole machine in microseconds. `stolen`: the hypervisor gave it to other machines. */
export interface MachineTime {
  readonly busyUs: number
  readonly stolenUs: number
  readonly totalUs: number
}

/** The first line of /proc/stat (proc_stat(5)): user nice system idle iowait irq softirq steal. */
export function parseMachineStat(text: string): MachineTime {
  const match = /^cpu +((?:\d+ ?)+)$/m.exec(text)
  if (match === null)
    throw new SyntaxError(`/proc/stat has no line for all cores: ${JSON.stringify(text.slice(0, 200))}`)
  const ticks = match[1]!.trim().split(' ').map(Number)
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = ticks
  const busy = user + nice + system + irq + softirq
  return {
    busyUs: busy * microsecondsPerTick,
    stolenUs: steal * microsecondsPerTick,
    totalUs: (busy + steal + idle + iowait) * microsecondsPerTick,
  }
}

export function machineTime(): MachineTime | null {
  try {
    return parseMachineStat(readFileSync('/proc/stat', 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function allProcesses(): readonly ProcessStat[] {
  let names: readonly string[]
  try {
    names = readdirSync('/proc')
  } catch {
    return []
  }
  const found: ProcessStat[] = []
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue
    try {
      found.push(parseStat(readFileSync(`/proc/${name}/stat`, 'utf8')))
    } catch (error) {
      // It ended between the two reads: ENOENT, or ESRCH if the file was open already.
      const code = (error as NodeJS.ErrnoException).code
      if (code !== 'ENOENT' && code !== 'ESRCH') throw error
    }
  }
  return found
}
