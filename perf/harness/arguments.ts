import { parseArgs } from 'node:util'
import { type GeneratorName, generatorNames } from './load.ts'
import type { Schedule } from './run.ts'

export interface BenchArguments {
  /** Scenarios or suites; none: the default suite. */
  readonly names: readonly string[]
  readonly schedule: Schedule
  /** Null: wrk where installed, else autocannon. */
  readonly generator: GeneratorName | null
  /** Weir's command line instead of this checkout's, for a comparison of two; null: this one's. */
  readonly weir: string | null
  /** Folder for the results; null: `perf/results`. */
  readonly out: string | null
  readonly list: boolean
  readonly help: boolean
}

export const usage = `usage: npm run bench -- [scenario or suite ...] [options]

  --turns N        how often each scenario is measured (1 to 100; default 5)
  --seconds N      length of a turn (1 to 60; default 3)
  --warmup N       seconds of load on each scenario before the first turn (0 to 60; default 3)
  --generator G    wrk or autocannon (default: wrk where installed, else autocannon)
  --weir FILE      measure this command line of Weir (default: src/cli.ts)
  --out FOLDER     where the results go (default: perf/results)
  --list           print the suites and their scenarios
  --help           print this`

/** @throws {TypeError | RangeError} that says what was expected and what was found. */
export function parseArguments(argv: readonly string[]): BenchArguments {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      turns: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      warmup: { type: 'string', default: '3' },
      generator: { type: 'string' },
      weir: { type: 'string' },
      out: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    names: positionals,
    schedule: {
      turns: wholeNumber('--turns', values.turns, 1, 100),
      seconds: wholeNumber('--seconds', values.seconds, 1, 60),
      warmupSeconds: wholeNumber('--warmup', values.warmup, 0, 60),
    },
    generator: values.generator === undefined ? null : generatorName(values.generator),
    weir: values.weir ?? null,
    out: values.out ?? null,
    list: values.list,
    help: values.help,
  }
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new RangeError(`${option}: expected a whole number from ${least} to ${most}, found "${text}"`)
}

function generatorName(text: string): GeneratorName {
  const name = generatorNames.find((known) => known === text)
  if (name !== undefined) return name
  throw new RangeError(`--generator: expected ${generatorNames.join(' or ')}, found "${text}"`)
}
