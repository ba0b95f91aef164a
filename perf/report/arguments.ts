import { parseCommandLine } from '../../src/usage-error.ts'
import { wholeNumber } from '../harness/arguments.ts'
import type { Schedule } from '../harness/run-settings.ts'
import { experiments, select } from './catalogue.ts'
import { reckonMinutes } from './duration.ts'
import type { Experiment } from './experiment.ts'

export interface ReportArguments {
  readonly experiments: readonly Experiment[]
  readonly schedule: Schedule
  /** Of the order of variants in each turn, a whole number from 0 to 2^32 - 1. */
  readonly seed: number
  /** Null: `perf/report.md`, and the results file in `perf/results`. */
  readonly out: string | null
  readonly help: boolean
}

/** Turns as long as the report's load. */
export const defaultSchedule: Schedule = { turns: 3, seconds: 10, warmupSeconds: 2 }

export const usage = `usage: npm run report -- [options]

  --only NAME,NAME  some experiments (default: all, ${reckonMinutes(experiments, defaultSchedule)} minutes as reckoned); "keep-alive" takes all that
                    begin with it:
${names()}
  --turns N         how often each variant is measured (1 to 100; default ${defaultSchedule.turns})
  --seconds N       length of a turn (1 to 60; default ${defaultSchedule.seconds}, as in the report)
  --warmup N        seconds of load on each variant before the first turn, at least; up to three times as many while its
                    CPU per request still changes (0 to 60; default ${defaultSchedule.warmupSeconds})
  --seed N          of the order of variants in each turn (0 to 4294967295; default: the time)
  --out FILE        where the report goes, and its results file beside it (default: perf/report.md, and perf/results)
  --help            print this`

function names(): string {
  const lines = ['']
  for (const { name } of experiments) {
    if (lines.at(-1)!.length + name.length > 80) lines.push('')
    lines[lines.length - 1] += `${lines.at(-1) === '' ? ' '.repeat(20) : ' '}${name},`
  }
  return lines.join('\n').replace(/,$/, '')
}

/** @throws {UsageError} that says what was expected and what was found. */
export function parseArguments(argv: readonly string[], now: number): ReportArguments {
  const { values } = parseCommandLine({
    args: [...argv],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      turns: { type: 'string', default: String(defaultSchedule.turns) },
      seconds: { type: 'string', default: String(defaultSchedule.seconds) },
      warmup: { type: 'string', default: String(defaultSchedule.warmupSeconds) },
      seed: { type: 'string', default: String(now % 2 ** 32) },
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
    seed: wholeNumber('--seed', values.seed, 0, 2 ** 32 - 1),
    out: values.out ?? null,
    help: values.help,
  }
}
