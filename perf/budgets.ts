/** `node perf/budgets.ts`: what perf/budgets.json is about, measured now: for setting limits, and for seeing what broke one. */
import { fileURLToPath } from 'node:url'
import { judge, readBudgets, renderVerdicts } from './guards/budgets.ts'
import { measureFigures } from './guards/measure.ts'
import { takeNothing } from './harness/command-line.ts'
import { session } from './harness/session.ts'

takeNothing('perf/budgets.ts', 'what perf/budgets.json is about, measured now; a minute and a half')
await session('weir-budgets-', async (processes, folder) => {
  const weir = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
  const figures = await measureFigures({ processes, folder, weir }, (line) => console.error(line))
  const verdicts = judge(readBudgets(), figures)
  console.log(renderVerdicts(verdicts))
  if (verdicts.some((one) => one.kept === false)) process.exitCode = 1
})
