import { noSuch, parseCommandLine } from '../../src/usage-error.ts'
import { wholeNumber } from '../harness/arguments.ts'
import type { Schedule } from '../harness/run-settings.ts'
import { type Case, cases, rates, slowShare } from './cases.ts'

export interface HeadOfLineArguments {
  readonly cases: readonly Case[]
  /** Requests per second. */
  readonly rates: readonly number[]
  /** What slow answers take. */
  readonly slowMs: number
  readonly schedule: HeadOfLineSchedule
  readonly seed: number
  /** Weir's command line instead of this checkout's; null: this one's. */
  readonly weir: string | null
  /** Another one, measured beside it in each case; null: none. */
  readonly before: string | null
  /** Folder for the results; null: `perf/results`. */
  readonly out: string | null
  readonly help: boolean
}

export interface HeadOfLineSchedule extends Schedule {
  /** Load before the measured time of each turn. */
  readonly settleSeconds: number
}

const names = cases.map(({ name }) => name)

export const usage = `usage: npm run bench head-of-line -- [case ...] [options]

  pipelining to the endpoint, where ${slowShare * 100} % of the answers are slow: how long the other requests take, in open loop

  cases            ${names.join(', ')} (default: all)
  --rate N,N       requests per second (1 to 20000 each; default ${rates.join(',')})
  --slow-ms N      what a slow answer takes (2 to 1000; default 20)
  --turns N        how often each case is measured at each rate (1 to 100; default 5)
  --seconds N      measured time of a turn (1 to 60; default 2)
  --settle N       seconds of the same load before it (0 to 60; default 1)
  --warmup N       seconds of load on each case before the first turn (0 to 60; default 3)
  --seed N         of the arrivals, of who is slow, and of the order of cases (0 to 4294967295; default: the time)
  --weir FILE      measure this command line of Weir (default: src/cli.ts)
  --before FILE    measure this command line of Weir too, in each case
  --out FOLDER     where the results go (default: perf/results)
  --help           print this`

/** @throws {UsageError} that says what was expected and what was found. */
export function parseArguments(argv: readonly string[], now: number): HeadOfLineArguments {
  const { values, positionals } = parseCommandLine({
    args: [...argv],
    allowPositionals: true,
    options: {
      rate: { type: 'string' },
      'slow-ms': { type: 'string' },
      turns: { type: 'string' },
      seconds: { type: 'string' },
      settle: { type: 'string' },
      warmup: { type: 'string' },
      seed: { type: 'string' },
      weir: { type: 'string' },
      before: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  for (const name of positionals) if (!names.includes(name)) throw noSuch('case', name, names)
  return {
    cases: positionals.length === 0 ? cases : cases.filter(({ name }) => positionals.includes(name)),
    rates: (values.rate ?? rates.join()).split(',').map((rate) => wholeNumber('--rate', rate, 1, 20_000)),
    slowMs: wholeNumber('--slow-ms', values['slow-ms'] ?? '20', 2, 1_000),
    schedule: {
      turns: wholeNumber('--turns', values.turns ?? '5', 1, 100),
      seconds: wholeNumber('--seconds', values.seconds ?? '2', 1, 60),
      settleSeconds: wholeNumber('--settle', values.settle ?? '1', 0, 60),
      warmupSeconds: wholeNumber('--warmup', values.warmup ?? '3', 0, 60),
    },
    seed: wholeNumber('--seed', values.seed ?? String(now % 2 ** 32), 0, 2 ** 32 - 1),
    weir: values.weir ?? null,
    before: values.before ?? null,
    out: values.out ?? null,
    help: values.help,
  }
}
