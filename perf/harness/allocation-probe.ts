/**
 * Loaded into every Node process of what is measured (`NODE_OPTIONS=--import=…`), where it waits on a Unix socket and
 * does nothing until the timed turns are over:
 *
 *     start  begins to record the sizes of the heap around each garbage collection, and to count the bytes of Buffers
 *     stop   answers how many bytes were allocated on the heap and as Buffers since, and ends both
 */
import { createServer } from 'node:net'
import { join } from 'node:path'
import { GCProfiler, getHeapStatistics } from 'node:v8'
import { type Allocated, allocatedBytes, type Collection } from './allocation.ts'
import { countBufferBytes } from './buffer-count.ts'

const folder = process.env.WEIR_BENCH_PROBE
if (folder !== undefined) listen(join(folder, `${process.pid}.sock`))

function listen(path: string): void {
  let profiler: GCProfiler | null = null
  let before = 0
  let endCount: (() => number) | null = null
  const used = () => getHeapStatistics().used_heap_size
  const server = createServer((socket) => {
    socket.unref()
    // Who asked may be gone: not the business of the process that this one lives in.
    socket.on('error', () => {})
    const answer = (allocated: Allocated) => socket.end(JSON.stringify(allocated))
    socket.setEncoding('utf8').on('data', (command) => {
      if (String(command) === 'start') {
        profiler = new GCProfiler()
        endCount ??= countBufferBytes()
        before = used()
        profiler.start()
        answer({ heap: 0, buffers: 0 })
      } else {
        const after = used()
        const buffers = endCount?.() ?? 0
        endCount = null
        const collections: readonly Collection[] = (profiler?.stop()?.statistics ?? []).map((one) => ({
          before: one.beforeGC.heapStatistics.usedHeapSize,
          after: one.afterGC.heapStatistics.usedHeapSize,
        }))
        profiler = null
        answer({ heap: allocatedBytes(before, collections, after), buffers })
      }
    })
  })
  server.on('error', () => {})
  server.listen(path).unref()
}
