/**
 * `npm run bench head-of-line [-- case ...]`: what pipelining to the endpoint costs the requests that stand behind a slow answer, beside
 * what it saves. What the figures mean, and what they do not, is in perf/README.md.
 */
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { understand } from './harness/command-line.ts'
import { repetitions } from './harness/doubt.ts'
import { describeMachine, thisMachine } from './harness/machine.ts'
import { findPlacement } from './harness/placement.ts'
import type { Processes } from './harness/processes.ts'
import { revision } from './harness/results.ts'
import { disturbance, session } from './harness/session.ts'
import { type HeadOfLineArguments, parseArguments, usage } from './head-of-line/arguments.ts'
import { slowShare } from './head-of-line/cases.ts'
import { type HeadOfLineResults, writeHeadOfLineResults } from './head-of-line/results.ts'
import { measureCases } from './head-of-line/run.ts'
import { pointsOf, renderPoints } from './head-of-line/summary.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

async function measure(given: HeadOfLineArguments, processes: Processes, folder: string): Promise<void> {
  const date = new Date().toISOString()
  const weir = given.weir === null ? join(root, 'src/cli.ts') : resolve(given.weir)
  const before = given.before === null ? null : resolve(given.before)
  // Before the first second of load: files may change while it runs.
  const of = (cli: string) => revision(dirname(dirname(cli)))
  const revisions = {
    revision: of(weir),
    before: before === null ? null : of(before),
    harness: revision(root),
  }
  const machine = thisMachine()
  const placement = findPlacement()
  const { turns, seconds, settleSeconds } = given.schedule
  console.log(`machine: ${describeMachine(machine)}`)
  console.log(`revision: ${revisions.revision}; harness ${revisions.harness}`)
  if (before !== null) console.log(`before: ${revisions.before}, from ${before}`)
  console.log(`placement: ${placement.explanation}`)
  console.log(
    `load: ${given.rates.join(', ')} requests per second, Poisson, ${slowShare * 100} % of which take ${given.slowMs} ms; ${turns} turns of ${seconds} s each after ${settleSeconds} s, in an order of its own each (seed ${given.seed})`,
  )
  const measured = await measureCases({
    bench: {
      processes,
      folder,
      cores: placement.cores,
      weir,
      ...(before === null ? {} : { before }),
      allocation: false,
    },
    cases: given.cases,
    rates: given.rates,
    slowMs: given.slowMs,
    schedule: given.schedule,
    seed: given.seed,
    say: (line) => console.error(line),
  })
  const points = pointsOf(measured)
  console.log(`\n${renderPoints(points)}\n`)
  console.log(
    `median over the turns (lowest..highest) of the requests that are not slow themselves; held back: took more than ${given.slowMs / 2} ms`,
  )
  console.log(disturbance(measured.flatMap(({ steps }) => steps.map(({ foreign }) => foreign))))
  const again = repetitions(measured)
  if (again !== null) console.log(again)
  const results: HeadOfLineResults = {
    kind: 'head-of-line',
    version: 1,
    date,
    ...revisions,
    machine,
    placement: placement.explanation,
    schedule: given.schedule,
    seed: given.seed,
    slowMs: given.slowMs,
    slowShare,
    points,
    measured,
  }
  const out = given.out === null ? join(root, 'perf/results') : resolve(given.out)
  console.log(`written: ${relative(process.cwd(), writeHeadOfLineResults(out, results))}`)
}

/** @param argv what stands behind `head-of-line` */
export async function headOfLine(argv: readonly string[]): Promise<void> {
  const given = understand('bench head-of-line', 'npm run bench head-of-line -- --help', () =>
    parseArguments(argv, Date.now()),
  )
  if (given.help) console.log(usage)
  else await session('weir-head-of-line-', (processes, folder) => measure(given, processes, folder))
}
