/** One subject, counted once. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseAutocannon } from '../harness/autocannon.ts'
import { autocannonVariedCommand } from '../harness/autocannon-varied.ts'
import { withOtherClients } from '../harness/other-clients.ts'
import { payload } from '../harness/payload.ts'
import { which } from '../harness/processes.ts'
import { startProxy } from '../harness/proxy.ts'
import type { Row } from '../harness/row.ts'
import { assertAlive, type Bench, fileFor, type Running, writerFor } from '../harness/running.ts'
import { median } from '../harness/statistics.ts'
import { setupFor, startOrigins } from '../harness/subject.ts'
import { findPeer } from '../peers/peers.ts'
import { startInline } from '../profiling/inline.ts'
import { callgrind, countOn, type Dump, dump, dumpFile, nodeOptions, parseDump, zero } from './callgrind.ts'
import { checkAmount, checkFixedCount, fixedCountArguments } from './fixed-count.ts'
import { slowdown } from './slowdown.ts'

export interface Tools {
  readonly valgrind: string
  readonly control: string
  readonly h2load: string
}

/** Null if one of them is not installed. */
export function findTools(): Tools | null {
  const [valgrind, control, h2load] = ['valgrind', 'callgrind_control', 'h2load'].map(which)
  return valgrind && control && h2load ? { valgrind, control, h2load } : null
}

/** What `findTools` looks for. */
export const toolsMissing =
  'valgrind or h2load is not installed (Debian: apt-get install valgrind nghttp2-client)'

/** Requests. */
export interface Portions {
  /** Before anything is counted. */
  readonly warmup: number
  /** After that, counted and thrown away: what is compiled late, and connections that open. */
  readonly settle: number
  /** In each window. */
  readonly window: number
  readonly windows: number
}

/** The same for everybody: of other numbers others come out. */
export const portions: Portions = { warmup: 36_000, settle: 6_400, window: 4_000, windows: 4 }

/** Per request. */
export interface Count {
  /** The median of the windows: what is compiled late, or a collection of all the garbage, is in one of them at most. */
  readonly instructions: number
  readonly windows: readonly number[]
  /** Turns of the event loop: how many requests each finds decides what it costs, and has to be alike where two are compared. */
  readonly turns: number
  readonly clockReadings: number
}

const startMs = 300_000
/** A subject that stands still is not waited for any longer. */
const loadMs = 900_000
const controlMs = 120_000
/** From the last answer to a dump, for what belongs to it and comes later. */
const restMs = 200

/**
 * @param row its name has to be its own among what is counted at a time
 * @throws {Error} if it does not come up, does not answer each request well, or the tools fail.
 */
export async function countOnce(
  bench: Bench,
  tools: Tools,
  row: Row,
  requests: Portions = portions,
): Promise<Count> {
  const origins = await startOrigins(bench, row.scenario, row.name)
  try {
    const output = fileFor(bench, row.name, 'callgrind')
    const running = await startCounted(bench, tools, row, output, origins)
    try {
      return await count(bench, tools, row, requests, output, running)
    } finally {
      await bench.processes.stop(running.child)
    }
  } finally {
    await Promise.all(origins.map(({ child }) => bench.processes.stop(child)))
  }
}

async function startCounted(
  bench: Bench,
  { valgrind }: Tools,
  row: Row,
  output: string,
  origins: readonly Running[],
): Promise<Running> {
  const before = callgrind(valgrind, output)
  if (row.subject === 'weir')
    return startInline(bench, inSlowTime(row), origins, { before, node: nodeOptions, startMs })
  const setup = await setupFor(bench, row, origins)
  const run = await findPeer(row.subject).command(setup)
  const command = [...before, ...run.command, ...inOneProcess(row.subject)]
  return startProxy(bench, setup, { ...run, command, startMs }, bench.cores(1)?.subject ?? null, origins)
}

/** The origins close idle connections after 8 s of their own time: Weir has to be quicker, as it is elsewhere. */
const idleMs = 4_000

function inSlowTime(row: Row): Row {
  const { weir } = row.scenario
  if (weir === null) return row
  const upstream = { timeouts: { idle: `${idleMs / slowdown}ms` }, ...weir.upstream }
  return { ...row, scenario: { ...row.scenario, weir: { ...weir, upstream } } }
}

/** Subjects beside Weir that can be counted: those whose work is one thread of one process, which callgrind tells apart from others. */
export const countable = ['nginx']

function inOneProcess(peer: string): readonly string[] {
  if (countable.includes(peer)) return ['-g', 'master_process off;']
  throw new RangeError(`${peer} cannot be counted; there are: ${countable.join(', ')}`)
}

async function count(
  bench: Bench,
  tools: Tools,
  row: Row,
  { warmup, settle, window, windows }: Portions,
  output: string,
  running: Running,
): Promise<Count> {
  const control = (what: readonly string[]) =>
    bench.processes.run(
      'callgrind_control',
      [tools.control, ...what, String(running.child.pid)],
      { cores: null, stderr: fileFor(bench, row.name, 'control-err') },
      controlMs,
    )
  const send = (requests: number) => sendRequests(bench, tools, row, running, requests)
  await send(warmup)
  await control(countOn)
  await send(settle)
  const dumps: Dump[] = []
  for (let number = 1; number <= windows; number++) {
    await sleep(restMs)
    await control(zero)
    await send(window)
    await sleep(restMs)
    await control(dump)
    dumps.push(parseDump(readFileSync(dumpFile(output, number), 'utf8')))
  }
  return perRequest(dumps, window)
}

export function perRequest(dumps: readonly Dump[], requests: number): Count {
  const windows = dumps.map(({ instructions }) => instructions / requests)
  return {
    instructions: median(windows),
    windows,
    turns: median(dumps.map(({ turns }) => turns)) / requests,
    clockReadings: median(dumps.map(({ clockReadings }) => clockReadings)) / requests,
  }
}

/** @throws {Error} if one of them is not answered well. */
export async function sendRequests(
  bench: Bench,
  { h2load }: Tools,
  { name, scenario }: Row,
  running: Running,
  requests: number,
): Promise<void> {
  const { load } = scenario
  const write = writerFor(bench, `${name} load`)
  const body = load.bodyBytes === 0 ? null : write('body', payload(load.bodyBytes))
  // h2load sends one set of header fields.
  const varied = load.varied !== undefined
  const command = varied
    ? autocannonVariedCommand({ origin: running.url, load, amount: requests }, write)
    : [h2load, ...fixedCountArguments(load, requests, body, running.url + load.path)]
  const output = await withOtherClients(load, running.url, () =>
    bench.processes.run(
      varied ? 'autocannon' : 'h2load',
      command,
      { cores: bench.cores(1)?.rest ?? null, stderr: write('err', '') },
      loadMs,
    ),
  )
  assertAlive(running)
  if (varied) checkAmount(parseAutocannon(output), requests)
  else checkFixedCount(output, requests)
}
