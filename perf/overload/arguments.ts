import { noSuch, parseCommandLine } from '../../src/usage-error.ts'
import { wholeNumber } from '../harness/arguments.ts'
import type { Schedule } from '../harness/run-settings.ts'
import { allLoads, closedLoop, names, type Setup, setups, shortLoads } from './setups.ts'

export interface OverloadArguments {
  readonly setups: readonly Setup[]
  /** FastAPI at 500 connections. */
  readonly closedLoop: boolean
  readonly loads: readonly number[]
  readonly schedule: OverloadSchedule
  readonly seed: number
  readonly full: boolean
  /** Weir's command line instead of this checkout's; null: this one's. */
  readonly weir: string | null
  /** Folder for the results; null: `perf/results`. */
  readonly out: string | null
  readonly help: boolean
}

export interface OverloadSchedule extends Schedule {
  /** Load before the measured time of each step. */
  readonly settleSeconds: number
}

export const usage = `usage: npm run bench overload -- [setup ...] [options]

  setups           ${names.join(', ')} (default: all; the short form without fastapi-3)
  --full           0.5, 1, 1.5, 2 and 4 times the capacity, three turns: fifty minutes. Without: 0.5, 1 and 4 times, once
  --turns N        how often each step is measured (1 to 20; default 3 with --full, else 1; closed-loop: one more)
  --seconds N      measured time of a step (1 to 60; default 4 with --full, else 2)
  --settle N       seconds of the same load before it (0 to 60; default 4 with --full, else 1)
  --seed N         of the arrivals (0 to 4294967295; default: the time)
  --weir FILE      measure this command line of Weir (default: src/cli.ts)
  --out FOLDER     where results and charts go (default: perf/results, and with --full perf/charts and perf/README.md)
  --help           print this`

/** @throws {UsageError} that says what was expected and what was found. */
export function parseArguments(argv: readonly string[], now: number): OverloadArguments {
  const { values, positionals } = parseCommandLine({
    args: [...argv],
    allowPositionals: true,
    options: {
      full: { type: 'boolean', default: false },
      turns: { type: 'string' },
      seconds: { type: 'string' },
      settle: { type: 'string' },
      seed: { type: 'string' },
      weir: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  for (const name of positionals) if (!names.includes(name)) throw noSuch('setup', name, names)
  const { full } = values
  const wanted =
    positionals.length > 0 ? positionals : full ? names : names.filter((name) => name !== 'fastapi-3')
  return {
    setups: setups.filter(({ name }) => wanted.includes(name)),
    closedLoop: wanted.includes(closedLoop),
    loads: full ? allLoads : shortLoads,
    schedule: {
      turns: wholeNumber('--turns', values.turns ?? (full ? '3' : '1'), 1, 20),
      seconds: wholeNumber('--seconds', values.seconds ?? (full ? '4' : '2'), 1, 60),
      warmupSeconds: 2,
      settleSeconds: wholeNumber('--settle', values.settle ?? (full ? '4' : '1'), 0, 60),
    },
    seed: wholeNumber('--seed', values.seed ?? String(now % 2 ** 32), 0, 2 ** 32 - 1),
    full,
    weir: values.weir ?? null,
    out: values.out ?? null,
    help: values.help,
  }
}
