import { parseCommandLine } from '../../src/usage-error.ts'
import { wholeNumber } from '../harness/arguments.ts'

export interface ProfileArguments {
  /** Scenarios or suites; none: the isolated and the proxied one. */
  readonly names: readonly string[]
  /** Length of the load under each profiler. */
  readonly seconds: number
  readonly warmupSeconds: number
  /** Prints a comparison with the last run recorded. */
  readonly diff: boolean
  /** Records the run: overhead.json, the documents, pictures in perf/profiles. */
  readonly record: boolean
  /** Measures nothing, and writes the documents anew from overhead.json. */
  readonly tables: boolean
  readonly help: boolean
}

export const usage = `usage: npm run profile -- [scenario ...] [options]

  scenario         as for npm run bench; default: isolated and small
  --diff           compare with the last run of the same scenario in perf/overhead.json, layer by layer
  --no-record      leave perf/overhead.json, the documents and perf/profiles as they are
  --tables         measure nothing: write tables and captions into perf/README.md and README.md again, from perf/overhead.json
  --seconds N      load under each profiler (1 to 60; default 10)
  --warmup N       load before that (1 to 60; default 5)
  --help           print this`

/** @throws {UsageError} that says what was expected and what was found. */
export function parseArguments(argv: readonly string[]): ProfileArguments {
  const { values, positionals } = parseCommandLine({
    args: [...argv],
    allowPositionals: true,
    allowNegative: true,
    options: {
      seconds: { type: 'string', default: '10' },
      warmup: { type: 'string', default: '5' },
      diff: { type: 'boolean', default: false },
      record: { type: 'boolean', default: true },
      tables: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    names: positionals,
    seconds: wholeNumber('--seconds', values.seconds, 1, 60),
    warmupSeconds: wholeNumber('--warmup', values.warmup, 1, 60),
    diff: values.diff,
    record: values.record,
    tables: values.tables,
    help: values.help,
  }
}
