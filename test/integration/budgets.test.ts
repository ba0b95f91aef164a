/**
 * What a request may take of the things that can be counted: perf/budgets.json. Timings are not among them, since no two
 * machines agree on those. Whoever lowers a figure lowers its limit: `node perf/budgets.ts` prints both.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { judge, readBudgets, renderVerdicts } from '../../perf/guards/budgets.ts'
import { guarded, measureFigures } from '../../perf/guards/measure.ts'
import { Processes } from '../../perf/harness/processes.ts'

/** Where strace is there and may attach, which .ci/run finds out, nothing of all this may be passed over. */
const needsStrace = process.env.WEIR_BUDGETS_NEED_STRACE === '1'

const skip = process.platform === 'linux' ? false : "needs Linux' /proc"

test('what a request takes_is within the budgets', { skip, timeout: 230_000 }, async (t) => {
  const processes = new Processes()
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
  t.after(async () => {
    await processes.stopAll()
    rmSync(folder, { recursive: true })
  })
  const said: string[] = []
  const weir = join(import.meta.dirname, '../../src/cli.ts')
  const measure = (names: readonly string[]) => {
    const own = mkdtempSync(join(folder, 'run-'))
    return measureFigures({ processes, folder: own, weir }, (line) => void said.push(line), names)
  }
  const first = judge(readBudgets(), await measure(guarded))
  const over = guarded.filter((scenario) =>
    first.some(({ name, kept }) => kept === false && name.startsWith(`${scenario}: `)),
  )
  // What a process does by the second is shared by few requests where other test files have half of the machine. What each request takes it
  // takes once more as well.
  const again = over.length === 0 ? [] : judge(readBudgets(), await measure(over))
  const verdicts = first.map((verdict) =>
    verdict.kept === false
      ? (again.find(({ name, kept }) => name === verdict.name && kept === true) ?? verdict)
      : verdict,
  )
  const all = `\n${renderVerdicts(verdicts)}\n${said.join('\n')}`
  for (const { name, found, measured, limit, kept } of verdicts) {
    await t.test(name, (t) => {
      if (found === null) {
        const why = 'strace is not installed (Debian: strace), or may not attach here'
        assert.ok(!needsStrace, `not measured, though strace may attach here${all}`)
        t.skip(`not measured: ${why}`)
        return
      }
      assert.ok(kept, `${found} is above ${limit}${all}`)
      // Nothing at all, where there was something: then it is the measurement that has broken.
      if (measured > 0) assert.ok(found > 0, `${found} cannot be${all}`)
    })
  }
})
