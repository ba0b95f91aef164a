import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findGenerator } from '../../../../perf/harness/load.ts'
import { Processes, which } from '../../../../perf/harness/processes.ts'
import type { Row } from '../../../../perf/harness/row.ts'
import { runRows } from '../../../../perf/harness/run.ts'
import { small } from '../../../../perf/scenarios/routes.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true }))

const row: Row = { name: 'small', baseline: 'small', subject: 'weir', scenario: small }
const skip = process.platform === 'linux' ? false : "needs Linux' /proc"

test('Weir is looked at_by_every_pass whose tool is there', { skip, timeout: 120_000 }, async () => {
  const processes = new Processes()
  const said: string[] = []
  const [h2load, strace] = [which('h2load'), which('strace')]
  const weir = new URL('../../../../src/cli.ts', import.meta.url).pathname
  try {
    const [measured] = await runRows(
      {
        bench: { processes, folder, cores: () => null, weir, allocation: true },
        generator: findGenerator(null),
        schedule: { turns: 1, seconds: 1, warmupSeconds: 1 },
        wanted: { h2load, strace, allocation: true },
        say: (line) => void said.push(line),
      },
      [row],
    )
    const { rates, passes } = measured!
    // Some 6 KB when this was written; the bounds are wide, for any machine and some progress.
    assert.ok(passes.allocatedBytes! > 500 && passes.allocatedBytes! < 100_000, String(passes.allocatedBytes))
    assert.ok(passes.bufferBytes! < 1_000, String(passes.bufferBytes))
    assert.equal(rates.length, h2load === null ? 0 : 1)
    for (const rate of rates) {
      assert.equal(rate.failed, 0)
      assert.ok(rate.p50Us > 0 && rate.p50Us <= rate.p99Us && rate.p99Us <= rate.p999Us, JSON.stringify(rate))
    }
    if (strace === null) return
    // A container may forbid it, and then it is said.
    if (passes.systemCalls === null)
      assert.match(said.join('\n'), /skipped: system calls of small: strace could not/)
    // Of a request: read and written on both sides.
    else assert.ok(passes.systemCalls.perRequest > 3, JSON.stringify(passes.systemCalls))
  } finally {
    await processes.stopAll()
  }
})
