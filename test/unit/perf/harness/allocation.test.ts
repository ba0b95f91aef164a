import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { allocatedBytes, allocationDuring, probeEnvironment } from '../../../../perf/harness/allocation.ts'
import { Processes } from '../../../../perf/harness/processes.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))

test('what was allocated is_what_came_into_use_between_collections', () => {
  assert.equal(allocatedBytes(100, [], 130), 30)
  assert.equal(
    allocatedBytes(
      100,
      [
        { before: 500, after: 120 },
        { before: 520, after: 90 },
      ],
      100,
    ),
    400 + 400 + 10,
  )
})

test('a process that allocates for_a_while is_asked_how_much, and one without a probe is_not', async () => {
  const processes = new Processes()
  // 1,000 objects of some hundred bytes every millisecond, and none kept.
  const script =
    'setInterval(() => { for (let i = 0; i < 1000; i++) globalThis.last = new Array(20).fill(i) }, 1)'
  const options = { cores: null, stderr: join(folder, 'stderr'), env: probeEnvironment(folder) }
  try {
    const child = await processes.start('allocating', [process.execPath, '-e', script], options)
    for (let n = 0; n < 200 && !existsSync(join(folder, `${child.pid}.sock`)); n++) await sleep(50)
    const bytes = await allocationDuring(folder, [child.pid], () => sleep(500))
    // Some of 500 rounds of 1,000 times 176 bytes: timers are late on a busy machine.
    assert.ok(bytes !== null && bytes > 2e6 && bytes < 500e6, String(bytes))
    assert.equal(await allocationDuring(folder, [1], () => sleep(0)), null)
  } finally {
    await processes.stopAll()
  }
})
