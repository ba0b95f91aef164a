/** A worker's memory in one state. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ProcessMemory, processMemory, processTree } from '../harness/cpu.ts'
import { type Generator, runLoad } from '../harness/load.ts'
import type { LoadFigures } from '../harness/load-figures.ts'
import type { Row } from '../harness/row.ts'
import { assertAlive, type Bench, type Running, writerFor } from '../harness/running.ts'
import { startOrigins, startSubject } from '../harness/subject.ts'
import { type MemoryState, scenarioOf } from './states.ts'

export interface MemoryRun {
  readonly bench: Bench
  readonly generator: Generator
  readonly say: (line: string) => void
}

/** One state of one worker, which was started for it. */
export interface MemoryTurn {
  /** Of the worker alone: the control process has no traffic, and the same size whatever there is of it. */
  readonly memory: ProcessMemory
  /** In the order of the state's loads. */
  readonly loads: readonly LoadFigures[]
}

/** By then V8's young generation has grown to what it is going to be. */
const busySeconds = 10
/** The load goes on while memory is read. */
const loadSeconds = busySeconds + 2
const restMs = 1_000
/** So many connections are opened at a time: a kernel's backlog is no deeper than 128 everywhere. */
const openedAtOnce = 100

/** @throws {Error} if Weir does not come up, ends, or does not serve the state's clients. */
export async function measureState(run: MemoryRun, state: MemoryState, turn: number): Promise<MemoryTurn> {
  const { bench } = run
  const scenario = scenarioOf(state)
  const row: Row = {
    name: `${scenario.name} ${turn}`,
    baseline: scenario.name,
    subject: 'weir',
    scenario,
  }
  const origins = await startOrigins(bench, scenario, row.name)
  try {
    const weir = await startSubject(bench, row, origins)
    try {
      run.say(`${state.name}, turn ${turn}`)
      return await read(run, row, weir, state)
    } finally {
      await bench.processes.stop(weir.child)
    }
  } finally {
    await Promise.all(origins.map((origin) => bench.processes.stop(origin.child)))
  }
}

async function read(run: MemoryRun, row: Row, weir: Running, state: MemoryState): Promise<MemoryTurn> {
  const worker = workerOf(weir)
  const memory = () => {
    assertAlive(weir)
    const found = processMemory(worker)
    if (found === null) throw new Error(`${row.name}: the worker has ended, or there is no /proc`)
    return found
  }
  if (state.loads.length > 0) {
    const loads = Promise.all(state.loads.map((load, index) => keepBusy(run, row, weir, load, index)))
    const [found, figures] = await Promise.all([sleep(busySeconds * 1000).then(memory), loads])
    return { memory: found, loads: figures }
  }
  const clients = await openIdle(weir.url, state.idle)
  try {
    await sleep(restMs)
    const found = memory()
    const gone = clients.filter((socket) => socket.closed).length
    if (gone > 0) throw new Error(`${row.name}: ${gone} of ${state.idle} connections were closed meanwhile`)
    return { memory: found, loads: [] }
  } finally {
    for (const socket of clients) socket.destroy()
  }
}

function keepBusy(
  { bench, generator }: MemoryRun,
  row: Row,
  weir: Running,
  load: MemoryState['loads'][number],
  index: number,
): Promise<LoadFigures> {
  return runLoad(bench.processes, generator, {
    load,
    seconds: loadSeconds,
    origin: weir.url,
    cores: bench.cores(row.scenario.workers)?.rest ?? null,
    write: writerFor(bench, `${row.name} load ${index}`),
  })
}

/**
 * The one worker below the control process.
 *
 * @throws {Error} if there is none, or more: then it is not known whose memory is asked for
 */
export function workerOf({ child }: Pick<Running, 'child'>): number {
  const workers = processTree(child.pid).filter(({ parent }) => parent === child.pid)
  if (workers.length !== 1) throw new Error(`${child.name}: expected one worker, found ${workers.length}`)
  return workers[0]!.pid
}

/**
 * Opens connections, each of which asks once and has its answer when this returns.
 *
 * @throws {Error} if one is refused, or closed before its answer
 */
export async function openIdle(url: string, count: number): Promise<readonly Socket[]> {
  const { hostname, port } = new URL(url)
  const sockets: Socket[] = []
  const openOne = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(Number(port), hostname, () =>
        socket.write('GET / HTTP/1.1\r\nHost: memory\r\n\r\n'),
      )
      socket.once('data', () => resolve())
      // An error is followed by it; what came behind the answer is not read.
      socket
        .once('error', reject)
        .once('close', () => reject(new Error('a connection was closed unanswered')))
      sockets.push(socket)
    })
  try {
    while (sockets.length < count)
      await Promise.all(Array.from({ length: Math.min(openedAtOnce, count - sockets.length) }, openOne))
  } catch (error) {
    for (const socket of sockets) socket.destroy()
    throw error
  }
  return sockets
}
