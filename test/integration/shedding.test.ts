/** That perf/shedding.ts measures refusals of a real Weir, and leaves nothing behind. What they cost no test says. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { processTree } from '../../perf/harness/cpu.ts'
import { findGenerator } from '../../perf/harness/load.ts'
import { Processes } from '../../perf/harness/processes.ts'
import { kinds, measureAnswers } from '../../perf/shedding/answers.ts'

const skip = process.platform === 'linux' ? false : "needs Linux' /proc"

test('each kind of answer_is given by a worker, and then all is stopped', {
  skip,
  timeout: 120_000,
}, async (t) => {
  const processes = new Processes()
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
  t.after(async () => {
    await processes.stopAll()
    rmSync(folder, { recursive: true })
  })
  const weir = join(import.meta.dirname, '../../src/cli.ts')
  const found = await measureAnswers({
    bench: { processes, folder, cores: () => null, weir, allocation: false },
    generator: findGenerator(null),
    schedule: { turns: 1, seconds: 1, warmupSeconds: 1 },
    connections: 64,
    say: () => {},
  })
  assert.deepEqual(
    found.map(({ path }) => path),
    kinds.map(({ path }) => path),
  )
  for (const { path, turns } of found) {
    assert.equal(turns.length, 1)
    const { cpu, load } = turns[0]!
    assert.ok(load.requests > 0 && cpu !== null && cpu.userUs + cpu.systemUs > 0, path)
  }
  const left = processTree(process.pid).filter(({ parent }) => parent === process.pid)
  assert.deepEqual(left, [])
})
