import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { allocatedBytes, allocationDuring, probeEnvironment } from '../../../../perf/harness/allocation.ts'
import { Processes } from '../../../../perf/harness/processes.ts'
import { waitFor } from '../../../support/wait.ts'

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

test('a process that allocates_is_asked_how_much, and one without a probe is_not', async () => {
  const processes = new Processes()
  // At each line of input 200,000 arrays of 20 numbers, of which none is kept. Their elements take 176 bytes each.
  const [arrays, least] = [200_000, 176]
  const script = `process.stdin.on('data', () => {
    for (let count = 0; count < ${arrays}; count++) globalThis.last = new Array(20).fill(count)
    process.stdout.write('done')
  })`
  const options = { cores: null, stderr: join(folder, 'stderr'), env: probeEnvironment(folder) }
  try {
    const { pid, process: child } = await processes.start(
      'allocating',
      [process.execPath, '-e', script],
      options,
    )
    await waitFor(() => existsSync(join(folder, `${pid}.sock`)), { what: 'the probe' })
    const bytes = await allocationDuring(folder, [pid], async () => {
      child.stdin?.write('go\n')
      await once(child.stdout as Readable, 'data')
    })
    // The rest is what Node itself allocates meanwhile.
    assert.ok(bytes !== null && bytes >= arrays * least && bytes < 2 * arrays * least, String(bytes))
    assert.equal(await allocationDuring(folder, [1], async () => {}), null)
  } finally {
    await processes.stopAll()
  }
})
