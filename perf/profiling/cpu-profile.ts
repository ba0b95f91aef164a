/** What V8's own profilers saw, in the form that perf's stacks have: `node --cpu-prof`, and clinic flame's samples. */
import type { Frame, Stack } from './layers.ts'
import { StackCounts } from './perf-script.ts'

/** A file of `node --cpu-prof` (and of Chromium's developer tools). */
export interface CpuProfile {
  readonly nodes: readonly CpuProfileNode[]
  /** Microseconds of a clock that only goes forward: that of `process.hrtime`. */
  readonly startTime: number
  /** Nodes by id, the leaf of each sample. */
  readonly samples: readonly number[]
  /** Microseconds from one sample to the next; the first: from `startTime`. */
  readonly timeDeltas: readonly number[]
}

export interface CpuProfileNode {
  readonly id: number
  readonly callFrame: {
    readonly functionName: string
    readonly url: string
    /** From 0. */
    readonly lineNumber: number
    readonly columnNumber: number
  }
  readonly children?: readonly number[]
}

/** From and to, in microseconds of `process.hrtime`. */
export interface Span {
  readonly fromUs: number
  readonly toUs: number
}

/** Of a sampler that was held up for longer nobody knows what it would have seen meanwhile: no one function does all that. */
const longestUs = 10_000

/**
 * Microseconds by stack, of the samples within a span; idle time is left out. V8 sees JavaScript: what a function spends in
 * native code and in the kernel is its own, what native code does by itself is `(program)`, or even `(idle)`: that is
 * all of the loop's waiting, with what uWebSockets.js does before it calls JavaScript and after.
 */
export function stacksOfCpuProfile(profile: CpuProfile, span: Span | null): StackCounts {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const parents = new Map<number, number>()
  for (const node of profile.nodes) for (const child of node.children ?? []) parents.set(child, node.id)
  const stacks = new Map<number, Stack>()
  const counts = new StackCounts()
  let now = profile.startTime
  for (const [index, id] of profile.samples.entries()) {
    const before = now
    now += profile.timeDeltas[index] ?? 0
    if (span !== null && (before < span.fromUs || now > span.toUs)) continue
    let stack = stacks.get(id)
    if (stack === undefined) {
      stack = stackOf(id, nodes, parents)
      stacks.set(id, stack)
    }
    if (stack[0]?.name !== '(idle)') counts.add(stack, Math.min(now - before, longestUs))
  }
  return counts
}

function stackOf(
  leaf: number,
  nodes: ReadonlyMap<number, CpuProfileNode>,
  parents: ReadonlyMap<number, number>,
): Stack {
  const stack: Frame[] = []
  for (let id: number | undefined = leaf; id !== undefined; id = parents.get(id)) {
    const node = nodes.get(id)
    if (node === undefined || node.callFrame.functionName === '(root)') break
    const { functionName, url, lineNumber, columnNumber } = node.callFrame
    if (url === '') stack.push({ kind: 'native', name: functionName })
    else
      stack.push({ kind: 'js', name: `${functionName} ${url}:${lineNumber + 1}:${columnNumber + 1}`.trim() })
  }
  return stack
}

/** A frame of what clinic flame (0x, `node --prof`) keeps as its samples, root first. */
export interface ClinicFrame {
  readonly name: string
  /** `JS`, `SHARED_LIB`, `CPP`, `CODE` and others. */
  readonly type: string
}

/** Idle time is left out here, too; clinic shows it, as the system call that waits. */
export function stacksOfClinic(samples: readonly (readonly ClinicFrame[])[]): StackCounts {
  const counts = new StackCounts()
  for (const sample of samples)
    if (!/^epoll_p?wait/.test(sample.at(-1)?.name ?? '')) counts.add(sample.toReversed().map(clinicFrame))
  return counts
}

function clinicFrame({ name, type }: ClinicFrame): Frame {
  if (type === 'JS') return { kind: 'js', name: name.trim() }
  return { kind: /uws[^/]*\.node$/.test(name) ? 'uws' : 'native', name }
}
