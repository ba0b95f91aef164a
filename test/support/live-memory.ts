/**
 * What a worker still holds once its garbage is collected. Its resident memory alone says little of a leak: V8 lets garbage grow old
 * until the heap has the size that it likes, which takes from 10,000 to 60,000 clients.
 */
import { fileURLToPath } from 'node:url'
import { rssBytes } from './process-info.ts'
import type { Weir, WeirOptions } from './weir.ts'

/** What live-memory-child.ts, in the worker, says once it has collected. */
export const collected = 'garbage collected'

export interface LiveMemory {
  /** On V8's heap, and outside of it for objects that stand there. */
  readonly heapBytes: number
  /** Of the whole process: also what native code holds. */
  readonly rssBytes: number
}

/** Options for a Weir whose workers can be asked. */
export const measuresLiveMemory: WeirOptions = {
  env: { NODE_OPTIONS: `--import=${fileURLToPath(new URL('live-memory-child.ts', import.meta.url))}` },
}

/** Has the only worker collect its garbage. @throws when it does not say so, as without `measuresLiveMemory` */
export async function liveMemory(weir: Weir): Promise<LiveMemory> {
  const pid = weir.workerPid()
  const from = weir.log.lines.length
  process.kill(pid, 'SIGUSR1')
  const line = await weir.waitForLog(({ msg }) => msg === collected, collected, from)
  return { heapBytes: line.heapBytes as number, rssBytes: rssBytes(pid) }
}
