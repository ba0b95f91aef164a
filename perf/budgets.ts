/** `node perf/budgets.ts`: what perf/budgets.json is about, measured now: for setting limits, and for seeing what broke one. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { judge, readBudgets, renderVerdicts } from './guards/budgets.ts'
import { measureFigures } from './guards/measure.ts'
import { takeNothing } from './harness/command-line.ts'
import { Processes } from './harness/processes.ts'

takeNothing('perf/budgets.ts', 'what perf/budgets.json is about, measured now; a minute and a half')
const processes = new Processes()
const folder = mkdtempSync(join(tmpdir(), 'weir-budgets-'))
const cleanUp = async () => {
  await processes.stopAll()
  rmSync(folder, { recursive: true, force: true })
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => void cleanUp().then(() => process.exit(130)))
try {
  const weir = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
  const figures = await measureFigures({ processes, folder, weir }, (line) => console.error(line))
  const verdicts = judge(readBudgets(), figures)
  console.log(renderVerdicts(verdicts))
  if (verdicts.some((one) => one.kept === false)) process.exitCode = 1
} finally {
  await cleanUp()
}
