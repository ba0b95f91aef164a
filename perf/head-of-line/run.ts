/** Runs the cases turn by turn: in each turn all have the same arrivals, and the same requests are slow. */
import { machineTime, treeCpuTime } from '../harness/cpu.ts'
import { leastDisturbed, mostRepeated } from '../harness/doubt.ts'
import { runOpenLoop } from '../harness/open-loop.ts'
import type { OpenLoopFigures, OpenLoopPlan } from '../harness/open-loop-client.ts'
import { shuffled } from '../harness/order.ts'
import { randomFrom } from '../harness/random.ts'
import { assertAlive, type Bench, fileFor, type Running } from '../harness/running.ts'
import { startOrigins, startSubject } from '../harness/subject.ts'
import { formatNumber } from '../harness/table.ts'
import { atRest, difference, foreignShare } from '../harness/turn.ts'
import type { HeadOfLineSchedule } from './arguments.ts'
import { type Case, mostConnections, scenarioOf, slowRequests, timeoutMs, warmUpInFlight } from './cases.ts'

export interface HeadOfLineRun {
  readonly bench: Bench
  readonly cases: readonly Case[]
  /** Requests per second. */
  readonly rates: readonly number[]
  readonly slowMs: number
  readonly schedule: HeadOfLineSchedule
  readonly seed: number
  readonly say: (line: string) => void
}

/** One case at one rate, once. */
export interface Step {
  /** Requests per second that were asked for. */
  readonly rate: number
  /** From 0: steps of the same turn and rate are pairs. */
  readonly turn: number
  readonly figures: OpenLoopFigures
  /** Of Weir's process tree, in microseconds for each request; null without /proc. */
  readonly cpuUs: number | null
  /** As in a turn of the benchmark. */
  readonly foreign: number | null
}

export interface MeasuredCase {
  /** The case's, with `@before` where it is the other Weir's. */
  readonly name: string
  readonly what: string
  readonly upstream: Case['upstream']
  readonly steps: readonly Step[]
  /** How often turns were measured again, since others had too much of the machine. */
  readonly repeated: number
}

interface Subject {
  readonly name: string
  readonly case: Case
  readonly path: string
  readonly running: Running
  readonly steps: Step[]
  repeated: number
}

/**
 * All cases stand in front of origins of the same kind, one for each: what a slow one has left is in nobody else's way.
 *
 * @throws {Error} if one of them does not start, ends, or cannot be measured. None would be worth much without the others.
 */
export async function measureCases(run: HeadOfLineRun): Promise<readonly MeasuredCase[]> {
  const { bench, schedule, rates, seed, say } = run
  const subjects: Subject[] = []
  for (const one of run.cases) {
    subjects.push(await start(run, one, 'weir'))
    if (bench.before !== undefined) subjects.push(await start(run, one, 'before'))
  }
  for (const subject of subjects) if (schedule.warmupSeconds > 0) await warmUp(run, subject)
  const random = randomFrom(seed)
  for (let turn = 0; turn < schedule.turns; turn++) {
    for (const rate of rates) {
      for (const subject of shuffled(subjects, random)) {
        const { turn: step, repeated } = await leastDisturbed(
          () => measure(run, subject, rate, turn),
          mostRepeated - subject.repeated,
          (foreign) =>
            say(`again: turn ${turn + 1} of ${subject.name}, others had ${foreign} of the machine`),
        )
        subject.repeated += repeated
        subject.steps.push(step)
        say(progress(subject.name, step, schedule.turns))
      }
    }
  }
  return subjects.map(({ name, case: { what, upstream }, steps, repeated }) => ({
    name,
    what,
    upstream,
    steps,
    repeated,
  }))
}

async function start(
  { bench, slowMs }: HeadOfLineRun,
  one: Case,
  subject: 'weir' | 'before',
): Promise<Subject> {
  const scenario = scenarioOf(one, slowMs)
  const name = subject === 'weir' ? one.name : `${one.name}@${subject}`
  const row = { name: `head-of-line ${name}`, baseline: scenario.name, subject, scenario }
  const running = await startSubject(bench, row, await startOrigins(bench, scenario, row.name))
  return { name, case: one, path: scenario.load.path, running, steps: [], repeated: 0 }
}

function warmUp(run: HeadOfLineRun, subject: Subject): Promise<OpenLoopFigures> {
  return load(run, subject, {
    perSecond: null,
    inFlight: warmUpInFlight,
    settleSeconds: 0,
    seconds: run.schedule.warmupSeconds,
    seed: 0,
  })
}

async function measure(run: HeadOfLineRun, subject: Subject, rate: number, turn: number): Promise<Step> {
  const { settleSeconds, seconds } = run.schedule
  const { running } = subject
  const machineBefore = machineTime()
  const oursBefore = treeCpuTime(process.pid)
  const before = treeCpuTime(running.child.pid)
  const figures = await load(run, subject, {
    perSecond: rate,
    inFlight: 0,
    settleSeconds,
    seconds,
    seed: (run.seed + turn * 1_000_003 + rate) % 2 ** 32,
  })
  assertAlive(running)
  const after = treeCpuTime(running.child.pid)
  const own = before === null || after === null ? null : difference(after, before)
  return {
    rate,
    turn,
    figures,
    cpuUs: own === null ? null : (own.userUs + own.systemUs) / (rate * (settleSeconds + seconds)),
    foreign: foreignShare(machineBefore, machineTime(), oursBefore, treeCpuTime(process.pid)),
  }
}

async function load(
  { bench, slowMs }: HeadOfLineRun,
  { name, running, path }: Subject,
  plan: Pick<OpenLoopPlan, 'perSecond' | 'inFlight' | 'settleSeconds' | 'seconds' | 'seed'>,
): Promise<OpenLoopFigures> {
  const urls = [running.url + path]
  const stderr = fileFor(bench, `head-of-line ${name} load`, 'err')
  const figures = await runOpenLoop(
    bench.processes,
    { ...plan, urls, timeoutMs, most: mostConnections, slow: slowRequests(slowMs) },
    bench.cores(1)?.rest ?? null,
    stderr,
  )
  await atRest(running)
  return figures
}

function progress(name: string, { rate, turn, figures }: Step, turns: number): string {
  const { p50Us, p99Us, fast, held } = figures.heldBack!
  const ms = (us: number | null) => (us === null ? '-' : formatNumber(us / 1000, 1))
  return [
    `turn ${turn + 1} of ${turns}  ${name} at ${formatNumber(rate)}/s`,
    `p50 ${ms(p50Us)} ms`,
    `p99 ${ms(p99Us)} ms`,
    `${formatNumber((100 * held) / fast, 2)} % held back`,
    `late ${ms(figures.lateUs)} ms`,
  ].join('  ')
}
