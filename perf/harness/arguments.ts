import { parseCommandLine, UsageError } from '../../src/usage-error.ts'
import { findPeer, peers } from '../peers/peers.ts'
import { onlySuite } from '../scenarios/catalogue.ts'
import { type GeneratorName, generatorNames } from './load.ts'
import type { Schedule } from './run-settings.ts'

export interface BenchArguments {
  /** Scenarios or suites; none: the short form, or with `full` all of them. */
  readonly names: readonly string[]
  readonly full: boolean
  /** Names of peers that are measured beside Weir. */
  readonly peers: readonly string[]
  /** Beside the timed turns: latency at half the rate, system calls, allocations. */
  readonly passes: boolean
  readonly schedule: Schedule
  /** Of the order of rows in each turn. */
  readonly seed: number
  /** Null: wrk where installed, else autocannon. */
  readonly generator: GeneratorName | null
  /** Weir's command line instead of this checkout's, for a comparison of two; null: this one's. */
  readonly weir: string | null
  /** Another one, measured beside it turn by turn and what it is divided by; null: none. */
  readonly before: string | null
  /** Files of earlier results, of which tables and charts are made while nothing is measured; null: something is. */
  readonly record: readonly string[] | null
  /** Folder for the results; null: `perf/results`. */
  readonly out: string | null
  readonly list: boolean
  readonly help: boolean
}

export const usage = `usage: npm run bench -- [scenario or suite ...] [options]
       npm run bench goals         the scenarios of which a ratio to nginx is asked, and whether it holds: some 20 minutes
                                   (150 turns of 0.4 s beside nginx, 5 s of warm-up, no passes, unless options say otherwise)
       npm run bench features      what it costs to turn features on: some ten minutes
                                   (50 turns of 0.4 s, 4 s of warm-up, no passes, unless options say otherwise)
       npm run bench -- --record FILE [FILE ...] [--out FOLDER]
       npm run bench overload -- --help
       npm run bench head-of-line -- --help
       npm run bench instructions -- --help

  --full           everything: all scenarios and all peers, an hour and three quarters; writes tables and charts of perf/TABLES.md
  --record         measures nothing: the same tables and charts from results files in perf/results, of whole runs or
                   stopped ones; of scenarios that several have, those of the last
  --peers P,P      all, none, or some of nginx, haproxy, caddy, ... (default: nginx,haproxy for the short form,
                   which is what runs without a scenario; all with --full; nginx for goals;
                   none for other named scenarios)
  --turns N        how often each row is measured (1 to 1,000; default 5, short and full form 3)
  --seconds N      length of a turn (1 to 60; default 3, short and full form 2); or 0.1 to 0.9, over connections that are kept from
                   turn to turn: many short ones, for small differences on a machine that is now fast and now slow; needs cc
  --warmup N       seconds of load on each row before the first turn, at least; up to three times as many while its
                   CPU per request still changes (0 to 60; default 2, full form 4)
  --no-passes      leave out what follows the turns: latency at half the rate, system calls, allocations
                   (features: left out; --passes puts them in)
  --seed N         of the order of rows in each turn (0 to 4294967295; default: the time)
  --generator G    wrk or autocannon (default: wrk where installed, else autocannon)
  --weir FILE      measure this command line of Weir (default: src/cli.ts)
  --before FILE    measure this command line of Weir too, and divide by it
  --out FOLDER     where results, charts and tables (record.md) go (default: perf/results; charts to
                   perf/results/charts, and with --full and --record to perf/charts, tables to perf/TABLES.md)
  --list           print the suites, their scenarios, and the peers
  --help           print this`

const shortForm = { turns: 3, seconds: 2, warmupSeconds: 2, passes: true }
const namedForm = { turns: 5, seconds: 3, warmupSeconds: 2, passes: true }
/** Some 190 rows: little of each, since what takes hours nobody runs whole. Warm-up is what cannot be had for less, where V8 compiles. */
const fullForm = { turns: 3, seconds: 2, warmupSeconds: 4, passes: true }

/** @throws {UsageError} that says what was expected and what was found. */
export function parseArguments(argv: readonly string[], now: number): BenchArguments {
  const { values, positionals: given } = parseCommandLine({
    args: [...argv],
    allowPositionals: true,
    allowNegative: true,
    options: {
      full: { type: 'boolean', default: false },
      peers: { type: 'string' },
      passes: { type: 'boolean' },
      turns: { type: 'string' },
      seconds: { type: 'string' },
      warmup: { type: 'string' },
      seed: { type: 'string' },
      generator: { type: 'string' },
      weir: { type: 'string' },
      before: { type: 'string' },
      record: { type: 'boolean', default: false },
      out: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const record = values.record ? filesToRecord(given, values) : null
  const positionals = record === null ? given : []
  if (values.full && positionals.length > 0) {
    throw new UsageError(`--full is every scenario: expected none by name, found "${positionals.join(' ')}"`)
  }
  const short = positionals.length === 0 && !values.full
  const suite = onlySuite(positionals)
  const form = suite?.form ?? (values.full ? fullForm : short ? shortForm : namedForm)
  return {
    names: positionals,
    full: values.full,
    peers: peerNames(
      values.peers ??
        (values.full ? 'all' : short ? 'nginx,haproxy' : (suite?.form?.peers?.join() ?? 'none')),
    ),
    passes: values.passes ?? form.passes,
    schedule: {
      turns: wholeNumber('--turns', values.turns ?? String(form.turns), 1, 1_000),
      seconds: turnLength(values.seconds ?? String(form.seconds)),
      warmupSeconds: wholeNumber('--warmup', values.warmup ?? String(form.warmupSeconds), 0, 60),
    },
    seed: wholeNumber('--seed', values.seed ?? String(now % 2 ** 32), 0, 2 ** 32 - 1),
    generator: values.generator === undefined ? null : generatorName(values.generator),
    weir: values.weir ?? null,
    before: values.before ?? null,
    record,
    out: values.out ?? null,
    list: values.list,
    help: values.help,
  }
}

/** What makes no sense where nothing is measured is refused, and not ignored. */
function filesToRecord(
  files: readonly string[],
  options: Readonly<Record<string, unknown>>,
): readonly string[] {
  const { record: _, out: __, help, passes, ...rest } = options
  const others = [
    ...Object.entries(rest).flatMap(([name, value]) =>
      value === undefined || value === false ? [] : [name],
    ),
    ...(passes === undefined ? [] : [passes === true ? 'passes' : 'no-passes']),
  ].map((name) => `--${name}`)
  if (help === true) return files
  if (others.length > 0)
    throw new UsageError(
      `--record measures nothing: expected files and --out beside it, found ${others.join(' ')}`,
    )
  if (files.length === 0) throw new UsageError('--record: expected files of results, found none')
  return files
}

function turnLength(text: string): number {
  if (/^0\.[1-9]$/.test(text)) return Number(text)
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 60) return Number(text)
  throw new UsageError(`--seconds: expected a whole number from 1 to 60, or 0.1 to 0.9, found "${text}"`)
}

/** @throws {UsageError} that says what was expected and what was found. */
export function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new UsageError(`${option}: expected a whole number from ${least} to ${most}, found "${text}"`)
}

function peerNames(text: string): readonly string[] {
  if (text === 'none') return []
  if (text === 'all') return peers.map((peer) => peer.name)
  return [...new Set(text.split(',').map((name) => findPeer(name).name))]
}

function generatorName(text: string): GeneratorName {
  const name = generatorNames.find((known) => known === text)
  if (name !== undefined) return name
  throw new UsageError(`--generator: expected ${generatorNames.join(' or ')}, found "${text}"`)
}
