import { parseCommandLine } from '../../src/usage-error.ts'
import { wholeNumber } from '../harness/arguments.ts'

export interface MemoryArguments {
  readonly turns: number
  /** Folder for the results; null: `perf/results`, and the table goes into perf/README.md. */
  readonly out: string | null
  readonly help: boolean
}

export const usage = `usage: node perf/memory.ts [options]

  what a worker holds in RAM: at rest, with 2,000 busy connections, with such as upload, with 10,000 idle ones, and whether that is
  below what is asked; two and a half minutes. Weir has to be built: npm run build

  --turns N        workers for each of these (1 to 20; default 3)
  --out FOLDER     where results go (default: perf/results, and the table into perf/README.md)
  --help           print this`

/** @throws {UsageError} that says what was expected and what was found. */
export function parseArguments(argv: readonly string[]): MemoryArguments {
  const { values } = parseCommandLine({
    args: [...argv],
    options: {
      turns: { type: 'string', default: '3' },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  return {
    turns: wholeNumber('--turns', values.turns, 1, 20),
    out: values.out ?? null,
    help: values.help,
  }
}
