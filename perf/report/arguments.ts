import { parseCommandLine } from '../../src/usage-error.ts'
import { wholeNumber } from '../harness/arguments.ts'
import type { Schedule } from '../harness/run-settings.ts'
import { experiments, select } from './catalogue.ts'
import type { Experiment } from './experiment.ts'

export interface ReportArguments {
  readonly experiments: readonly Experiment[]
  readonly schedule: Schedule
  /** Null: `perf/report.md`. */
  readonly out: string | null
  readonly help: boolean
}

export const usage = `usage: npm run report -- [options]

  --only NAME,NAME  some experiments (default: all, half an hour); "keep-alive" takes all that begin with it:
${names()}
  --turns N         how often each variant is measured (1 to 100; default 3)
  --seconds N       length of a turn (1 to 60; default 10, as in the report)
  --warmup N        seconds of load on each variant before the first turn (0 to 60; default 2)
  --out FILE        where the report goes (default: perf/report.md)
  --help            print this`

function names(): string {
  const lines = ['']
  for (const { name } of experiments) {
    if (lines.at(-1)!.length + name.length > 80) lines.push('')
    lines[lines.length - 1] += `${lines.at(-1) === '' ? ' '.repeat(18) : ' '}${name},`
  }
  return lines.join('\n').replace(/,$/, '')
}

/** @throws {UsageError} that says what was expected and what was found. */
export function parseArguments(argv: readonly string[]): ReportArguments {
  const { values } = parseCommandLine({
    args: [...argv],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      turns: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '10' },
      warmup: { type: 'string', default: '2' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    experiments: select(values.only.flatMap((names) => names.split(','))),
    schedule: {
      turns: wholeNumber('--turns', values.turns, 1, 100),
      seconds: wholeNumber('--seconds', values.seconds, 1, 60),
      warmupSeconds: wholeNumber('--warmup', values.warmup, 0, 60),
    },
    out: values.out ?? null,
    help: values.help,
  }
}
