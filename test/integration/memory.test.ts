/** That perf/memory.ts looks at the worker of a real Weir, and leaves nothing behind. How much that is no test says. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { processTree } from '../../perf/harness/cpu.ts'
import { findGenerator } from '../../perf/harness/load.ts'
import { Processes } from '../../perf/harness/processes.ts'
import { type MemoryRun, measureState } from '../../perf/memory/measure.ts'
import { states } from '../../perf/memory/states.ts'

const skip = process.platform === 'linux' ? false : "needs Linux' /proc"

test("a worker's memory_is read while its clients have connections, and then all is stopped", {
  skip,
  timeout: 60_000,
}, async (t) => {
  const processes = new Processes()
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
  t.after(async () => {
    await processes.stopAll()
    rmSync(folder, { recursive: true })
  })
  const weir = join(import.meta.dirname, '../../src/cli.ts')
  const run: MemoryRun = {
    bench: { processes, folder, cores: () => null, weir, allocation: false },
    generator: findGenerator(null),
    say: () => {},
  }
  const idle = states.find(({ name }) => name === 'idle')!
  const { memory, loads } = await measureState(run, { ...idle, idle: 250 }, 1)
  assert.ok(memory.residentBytes > 20e6 && memory.peakBytes >= memory.residentBytes, JSON.stringify(memory))
  assert.ok(memory.fileBytes > 0 && memory.fileBytes < memory.residentBytes, JSON.stringify(memory))
  assert.deepEqual(loads, [])
  const left = processTree(process.pid).filter(({ parent }) => parent === process.pid)
  assert.deepEqual(left, [])
})
