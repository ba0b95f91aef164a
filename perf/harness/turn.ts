import { truncateSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type CpuTime,
  exactly,
  type Memory,
  machineTime,
  treeCpuTime,
  treeMemory,
  treeRunTimeUs,
} from './cpu.ts'
import { type Generator, runLoad } from './load.ts'
import type { LoadFigures } from './load-figures.ts'
import { withOtherClients } from './other-clients.ts'
import type { Row } from './row.ts'
import { assertAlive, type Bench, logBytes, type Running, writerFor } from './running.ts'
import type { Load, OriginShape } from './scenario.ts'

/** One row measured once, for some seconds. */
export interface Turn {
  readonly load: LoadFigures
  /** Of the subject's process tree, per answered request; null where there is no /proc. */
  readonly cpu: CpuTime | null
  /** Of the same tree, at the end of the turn. */
  readonly memory: Memory | null
  /** Bytes of log per answered request: what the access log really wrote. */
  readonly logBytes: number
  /**
   * Share of the whole machine's time, 0 to 1, that went to processes which are not ours or to the hypervisor's
   * other guests; null where there is no /proc. What makes a turn worth less.
   */
  readonly foreign: number | null
}

/** A log that has grown beyond this is emptied between turns: the disk is not what is measured. */
const logLimitBytes = 64 * 1024 * 1024

/**
 * @param putUnder loads the subject, and returns when it rests
 * @throws {Error} if the load generator fails, nothing is answered, or the subject ends.
 */
export async function measureTurn(running: Running, putUnder: () => Promise<LoadFigures>): Promise<Turn> {
  const machineBefore = machineTime()
  const oursBefore = treeCpuTime(process.pid)
  const logBefore = logBytes(running)
  const before = treeCpuTime(running.child.pid)
  const exactlyBefore = treeRunTimeUs(running.child.pid)
  const load = await putUnder()
  assertAlive(running)
  const written = (await settledLogBytes(running, logBefore)) - logBefore
  const after = treeCpuTime(running.child.pid)
  const exactUs = treeRunTimeUs(running.child.pid) - exactlyBefore
  const turn: Turn = {
    load,
    cpu:
      before === null || after === null
        ? null
        : perRequest(exactly(difference(after, before), exactUs), load.requests),
    memory: treeMemory(running.child.pid),
    logBytes: written / load.requests,
    foreign: foreignShare(machineBefore, machineTime(), oursBefore, treeCpuTime(process.pid)),
  }
  if (running.log !== null && logBytes(running) > logLimitBytes) truncateSync(running.log)
  return turn
}

/**
 * How long a turn really is: connections have to be opened within it, some thousands of them each second, by proxies to their
 * origins too, and what is cut off at its end costs CPU time and is not counted. Two seconds for each thousand keep that at
 * some hundredths of the requests. An origin that works for its answers (`workMs`) may write none before it has worked for all that it was
 * asked for at once: four times that, so that there are answers where others have half of the machine.
 */
export function turnSeconds(
  {
    load,
    origin,
  }: { readonly load: Pick<Load, 'connections'>; readonly origin: Pick<OriginShape, 'fastApi'> },
  seconds: number,
): number {
  const workMs = origin.fastApi?.workMs ?? 0
  const least = (load.connections * Math.max(2, 4 * workMs)) / 1000
  // The generators of longer turns know whole seconds alone.
  return least <= seconds ? seconds : Math.ceil(least)
}

/** A closed loop for some seconds, from the cores that the subject does not have; returns when the subject rests. */
export async function putUnderLoad(
  bench: Bench,
  generator: Generator,
  row: Row,
  running: Running,
  seconds: number,
): Promise<LoadFigures> {
  const { load, workers } = row.scenario
  const figures = await withOtherClients(load, running.url, () =>
    runLoad(bench.processes, generator, {
      load,
      seconds: turnSeconds(row.scenario, seconds),
      origin: running.url,
      cores: bench.cores(workers)?.rest ?? null,
      write: writerFor(bench, `${row.name} load`),
    }),
  )
  await atRest(running)
  return figures
}

const restPauseMs = 200
const restLimitMs = 60_000

/**
 * Waits until a subject has nothing left to do, nor the origins behind it. Some work through what clients left behind that
 * are gone, for seconds: that is their time, and would be taken from the subject whose turn comes next.
 */
export async function atRest(running: Running): Promise<void> {
  const deadline = Date.now() + restLimitMs
  let before = busyUs(running)
  for (;;) {
    await sleep(restPauseMs)
    const now = busyUs(running)
    // Up to a tick of each's user and system time belongs to timers and health checks.
    if (now - before <= 20_000 * (1 + running.behind.length) || Date.now() > deadline) return
    before = now
  }
}

function busyUs(running: Running): number {
  return [running, ...running.behind]
    .map(({ child }) => treeCpuTime(child.pid))
    .reduce((sum, time) => sum + (time === null ? 0 : time.userUs + time.systemUs), 0)
}

/** Longer than anything gathers lines before it writes them. */
const logPauseMs = 500
const logLimitMs = 10_000

/**
 * Waits until a log that has grown grows no more. An asynchronous log writes on when the load is over, and what it
 * writes then belongs to the requests before: neither its bytes nor its CPU time may be left out.
 */
async function settledLogBytes(running: Running, before: number): Promise<number> {
  const deadline = Date.now() + logLimitMs
  let bytes = logBytes(running)
  if (bytes === before) return bytes
  for (;;) {
    await sleep(logPauseMs)
    const now = logBytes(running)
    if (now === bytes || Date.now() > deadline) return now
    bytes = now
  }
}

export function difference(after: CpuTime, before: CpuTime): CpuTime {
  return { userUs: after.userUs - before.userUs, systemUs: after.systemUs - before.systemUs }
}

export function perRequest(time: CpuTime, requests: number): CpuTime {
  return { userUs: time.userUs / requests, systemUs: time.systemUs / requests }
}

type MachineTime = ReturnType<typeof machineTime>

/** Ticks are rounded, so a quiet machine can come out a little below 0. */
export function foreignShare(
  machineBefore: MachineTime,
  machineAfter: MachineTime,
  oursBefore: CpuTime | null,
  oursAfter: CpuTime | null,
): number | null {
  if (machineBefore === null || machineAfter === null || oursBefore === null || oursAfter === null)
    return null
  const ours = difference(oursAfter, oursBefore)
  const taken = machineAfter.busyUs + machineAfter.stolenUs - machineBefore.busyUs - machineBefore.stolenUs
  const total = machineAfter.totalUs - machineBefore.totalUs
  return total <= 0 ? 0 : Math.max(0, (taken - ours.userUs - ours.systemUs) / total)
}
