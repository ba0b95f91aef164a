import { availableParallelism } from 'node:os'
import { parseCommandLine, UsageError } from '../../src/usage-error.ts'
import { wholeNumber } from '../harness/arguments.ts'
import { findPeer } from '../peers/peers.ts'
import { countable } from './count.ts'

export interface InstructionsArguments {
  /** Scenarios or suites. */
  readonly names: readonly string[]
  /** Names of peers that are counted beside Weir, and what it is divided by. */
  readonly peers: readonly string[]
  readonly turns: number
  readonly atOnce: number
  /** System calls are counted too. */
  readonly calls: boolean
  /** Weir's command line instead of this checkout's; null: this one's. */
  readonly weir: string | null
  /** Folder for the results; null: `perf/results`. */
  readonly out: string | null
  readonly help: boolean
}

/** What runs when the command line names nothing. */
const byDefault = { names: ['isolated', 'small', 'browser', 'varied', 'pipelined'], peers: 'nginx' }

export const usage = `usage: npm run bench instructions -- [scenario or suite ...] [options]

  scenario, suite  as for the bench (its --list has them), those over plain HTTP (default: ${byDefault.names.join(' ')})
                   load comes from h2load, and from autocannon where requests differ in their header fields
  --peers P,P      none or ${countable.join(', ')} (default: ${byDefault.peers}; none for named scenarios)
  --turns N        how often each is counted, by a new process each time (1 to 20; default 3)
  --at-once N      how many are counted at a time (1 to 64; default: as many as there are cores)
  --no-calls       leave out system calls
  --weir FILE      count this command line of Weir (default: src/cli.ts)
  --out FOLDER     where the results go (default: perf/results)
  --help           print this`

/** @throws {UsageError} that says what was expected and what was found. */
export function parseArguments(argv: readonly string[]): InstructionsArguments {
  const { values, positionals } = parseCommandLine({
    args: [...argv],
    allowPositionals: true,
    allowNegative: true,
    options: {
      peers: { type: 'string' },
      turns: { type: 'string', default: '3' },
      'at-once': { type: 'string' },
      calls: { type: 'boolean', default: true },
      weir: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const named = positionals.length > 0
  return {
    names: named ? positionals : byDefault.names,
    peers: peerNames(values.peers ?? (named ? 'none' : byDefault.peers)),
    turns: wholeNumber('--turns', values.turns, 1, 20),
    atOnce: wholeNumber(
      '--at-once',
      values['at-once'] ?? String(Math.min(64, availableParallelism())),
      1,
      64,
    ),
    calls: values.calls,
    weir: values.weir ?? null,
    out: values.out ?? null,
    help: values.help,
  }
}

function peerNames(text: string): readonly string[] {
  if (text === 'none') return []
  const names = [...new Set(text.split(',').map((name) => findPeer(name).name))]
  for (const name of names) {
    if (!countable.includes(name))
      throw new UsageError(`--peers: expected none or ${countable.join(', ')}, found "${name}"`)
  }
  return names
}
