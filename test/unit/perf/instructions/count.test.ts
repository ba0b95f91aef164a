import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Processes, which } from '../../../../perf/harness/processes.ts'
import { countOnce, findTools, type Portions, toolsMissing } from '../../../../perf/instructions/count.ts'
import { select } from '../../../../perf/scenarios/catalogue.ts'
import { small } from '../../../../perf/scenarios/routes.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const tools = findTools()

// Too few for any figure to be a good one: that each step works is what is looked at.
const few: Portions = { warmup: 64, settle: 64, window: 64, windows: 2 }

// The last by another generator than the others.
for (const [subject, scenario] of [
  ['weir', small],
  ['nginx', small],
  ['nginx', select(['varied'])[0]!],
] as const) {
  const missing = subject === 'nginx' && which('nginx') === null ? 'nginx is not installed' : false
  const skip = tools === null ? toolsMissing : missing
  test(`${scenario.name} of ${subject} is_counted`, { skip, timeout: 600_000 }, async (t) => {
    const processes = new Processes()
    t.after(() => processes.stopAll())
    const weir = join(import.meta.dirname, '../../../../src/cli.ts')
    const bench = { processes, folder, cores: () => null, weir, allocation: false }
    const onFew = { ...scenario, load: { ...scenario.load, connections: 4 } }
    const row = { name: `${scenario.name}@${subject}`, baseline: '', subject, scenario: onFew }
    const count = await countOnce(bench, tools!, row, few).catch((error: Error) => {
      // Some containers keep a process from being told anything, as they keep strace from looking.
      if (!/Operation not permitted/.test(error.message)) throw error
      t.skip(error.message)
      return null
    })
    if (count === null) return
    const { instructions, windows, turns } = count
    assert.equal(windows.length, 2)
    // A request goes in and out on two sides, and not each in a turn of its own for each byte.
    assert.ok(instructions > 5_000 && instructions < 10_000_000, String(instructions))
    assert.ok(turns > 0 && turns < 20, String(turns))
  })
}
