/** What is looked at when the timed turns are over, because looking costs. */

import { readFileSync } from 'node:fs'
import { type Allocated, allocationDuring } from './allocation.ts'
import { processTree } from './cpu.ts'
import { type FixedRate, h2loadArguments, parseH2loadLog, planRate } from './fixed-rate.ts'
import { payload } from './payload.ts'
import type { Row } from './row.ts'
import type { Run } from './run-settings.ts'
import { assertAlive, fileFor, probeFolder, type Running, writerFor } from './running.ts'
import { perRequest, type SystemCalls, systemCallsDuring } from './system-calls.ts'
import { atRest, putUnderLoad, turnSeconds } from './turn.ts'

export interface Passes {
  /** Null where strace is missing. */
  readonly systemCalls: SystemCalls | null
  /** Bytes on the heap per request; null for what is not a Node process. */
  readonly allocatedBytes: number | null
  /** Bytes of Buffers per request, which are not on the heap; null as above, absent in older results. */
  readonly bufferBytes?: number | null
}

/** Long enough for what happens at the start and at the end to be next to nothing. */
const countingSeconds = 2

/**
 * For system calls: what is traced is slow, and would still be opening connections when the load is over. More
 * connections also mean more of them per request that are about connections.
 */
const mostConnectionsTraced = 64

/** Nobody wants to lose the turns of a row because of what was to be looked at besides. */
async function orSkip<T>(run: Run, row: Row, what: string, pass: Promise<T | null>): Promise<T | null> {
  try {
    return await pass
  } catch (error) {
    if (run.bench.processes.stopping) throw error
    run.say(`skipped: ${what} of ${row.name}: ${(error as Error).message}`)
    return null
  }
}

export async function runPasses(run: Run, row: Row, running: Running): Promise<Passes> {
  const allocated = await orSkip(run, row, 'allocations', allocation(run, row, running))
  const passes: Passes = {
    allocatedBytes: allocated?.heap ?? null,
    bufferBytes: allocated?.buffers ?? null,
    systemCalls: await orSkip(run, row, 'system calls', systemCalls(run, row, running)),
  }
  assertAlive(running)
  return passes
}

/**
 * Latency where the subject is not overloaded: there it is its own, and not that of a queue in front of it.
 *
 * @returns null where h2load is missing or fails, which is said, or cannot send what is asked for: WebSocket messages, fields that differ
 */
export function measureRate(
  run: Run,
  row: Row,
  running: Running,
  perSecond: number,
): Promise<FixedRate | null> {
  return orSkip(run, row, 'latency at half the rate', atRate(run, row, running, perSecond))
}

async function atRate(
  { bench, wanted, schedule }: Run,
  row: Row,
  running: Running,
  perSecond: number,
): Promise<FixedRate | null> {
  const { load, workers } = row.scenario
  if (wanted.h2load === null || load.protocol === 'websocket' || load.varied !== undefined) return null
  const seconds = turnSeconds(row.scenario, schedule.seconds)
  const plan = planRate(perSecond, seconds, load.connections)
  const write = writerFor(bench, `${row.name} rate`)
  const log = write('log', '')
  const body = load.bodyBytes === 0 ? null : write('body', payload(load.bodyBytes))
  const command = [wanted.h2load, ...h2loadArguments(plan, log, load.headers, body, running.url + load.path)]
  const options = { cores: bench.cores(workers)?.rest ?? null, stderr: write('err', '') }
  await bench.processes.run('h2load', command, options, (seconds + 30) * 1000)
  await atRest(running)
  return parseH2loadLog(readFileSync(log, 'utf8'), plan)
}

/** Per request. */
async function allocation(run: Run, row: Row, running: Running): Promise<Allocated | null> {
  const { bench, generator, wanted } = run
  if (!wanted.allocation || row.subject === 'origin') return null
  let requests = 0
  const all = await allocationDuring(probeFolder(bench, row), pidsOf(running), async () => {
    requests = (await putUnderLoad(bench, generator, row, running, countingSeconds)).requests
  })
  return all === null ? null : { heap: all.heap / requests, buffers: all.buffers / requests }
}

async function systemCalls(run: Run, row: Row, running: Running): Promise<SystemCalls | null> {
  const { bench, generator, wanted } = run
  if (wanted.strace === null) return null
  const files = { output: fileFor(bench, row.name, 'strace'), stderr: fileFor(bench, row.name, 'strace-err') }
  const { load, workers } = row.scenario
  const connections = Math.min(load.connections, mostConnectionsTraced)
  const fewer: Row = { ...row, scenario: { ...row.scenario, load: { ...load, connections } } }
  const cores = bench.cores(workers)?.rest ?? null
  let requests = 0
  const calls = await systemCallsDuring(
    bench.processes,
    wanted.strace,
    pidsOf(running),
    files,
    cores,
    async () => {
      requests = (await putUnderLoad(bench, generator, fewer, running, countingSeconds)).requests
    },
  )
  return perRequest(calls, requests)
}

function pidsOf(running: Running): readonly number[] {
  return processTree(running.child.pid).map((stat) => stat.pid)
}
