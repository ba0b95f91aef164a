/** Whole answers of a real worker that refuses, beside a fixed one: CPU time for each, from the parser to the last byte. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Generator } from '../harness/load.ts'
import type { LoadFigures } from '../harness/load-figures.ts'
import type { Row } from '../harness/row.ts'
import type { Schedule } from '../harness/run-settings.ts'
import type { Bench, Running } from '../harness/running.ts'
import type { Scenario } from '../harness/scenario.ts'
import { startSubject } from '../harness/subject.ts'
import { measureTurn, putUnderLoad, type Turn } from '../harness/turn.ts'
import { defaultWeir, small, smallLoad } from '../scenarios/routes.ts'

export interface Answers {
  readonly path: string
  readonly what: string
  readonly turns: readonly Turn[]
}

interface Kind {
  readonly path: string
  readonly what: string
  readonly refuses: boolean
}

export const kinds: readonly Kind[] = [
  { path: '/isolated', what: 'a fixed answer, for comparison', refuses: false },
  { path: '/full', what: '503 `queue_full`', refuses: true },
  { path: '/standing', what: '503 `shed`, by controlled delay', refuses: true },
]

/** Two upstreams with one place each, which somebody holds, before the same origin. @param origin never answers */
export function scenarioFor(origin: string, connections: number): Scenario {
  const upstream = { endpoints: [origin], health: false, connections: 1, timeouts: { headers: '0s' } }
  return {
    ...small,
    name: 'shedding',
    what: 'requests that are refused, and fixed answers beside them',
    weir: {
      ...defaultWeir,
      access: 'off',
      settings: {
        upstreams: {
          full: { ...upstream, queue: { limit: 0 } },
          standing: { ...upstream, queue: { limit: 10_000, target: '5ms', timeout: '60s' } },
        },
        routes: [
          { path: '/isolated', respond: { status: 200, body: 'hello' } },
          { path: '/full', upstream: 'full' },
          { path: '/standing', upstream: 'standing' },
        ],
      },
    },
    // A fixed answer is what it is asked for before anything is measured.
    load: { ...smallLoad, connections, path: '/isolated' },
  }
}

export interface AnswersRun {
  readonly bench: Bench
  readonly generator: Generator
  readonly schedule: Schedule
  /** Few would all wait for the same tick: an idle worker would be measured. */
  readonly connections: number
  readonly say: (line: string) => void
}

/** @throws {Error} if Weir does not come up, or gives other answers than are to be measured */
export async function measureAnswers(run: AnswersRun): Promise<readonly Answers[]> {
  const origin = await silentOrigin()
  const holders: Socket[] = []
  try {
    const row = rowOf(scenarioFor(origin.url, run.connections), '/isolated')
    const weir = await startSubject(run.bench, row, [])
    try {
      for (const { path, refuses } of kinds)
        if (refuses) holders.push(await holdPlace(weir, path, origin.next))
      return await measureKinds(run, row.scenario, weir)
    } finally {
      await run.bench.processes.stop(weir.child)
    }
  } finally {
    for (const socket of holders) socket.destroy()
    origin.close()
  }
}

async function measureKinds(
  { bench, generator, schedule, say }: AnswersRun,
  scenario: Scenario,
  weir: Running,
): Promise<readonly Answers[]> {
  const turns = new Map<string, Turn[]>(kinds.map(({ path }) => [path, []]))
  for (const { path } of kinds) {
    say(`warming up: ${path}`)
    await putUnderLoad(bench, generator, rowOf(scenario, path), weir, schedule.warmupSeconds)
  }
  for (let turn = 1; turn <= schedule.turns; turn++) {
    say(`turn ${turn} of ${schedule.turns}`)
    for (const { path, refuses } of kinds) {
      const found = await measureTurn(weir, () =>
        putUnderLoad(bench, generator, rowOf(scenario, path), weir, schedule.seconds),
      )
      assertAnswers(path, found.load, refuses)
      turns.get(path)!.push(found)
    }
  }
  return kinds.map(({ path, what }) => ({ path, what, turns: turns.get(path)! }))
}

function rowOf(scenario: Scenario, path: string): Row {
  const name = `shedding ${path}`
  return {
    name,
    baseline: name,
    subject: 'weir',
    scenario: { ...scenario, load: { ...scenario.load, path } },
  }
}

/** @throws {Error} if more than a hundredth of the answers were others: a figure of a mixture is none */
export function assertAnswers(path: string, { requests, failed }: LoadFigures, refuses: boolean): void {
  const refusals = failed.status ?? 0
  const others = refuses ? requests - refusals : refusals
  if (others > requests / 100)
    throw new Error(`${path}: ${others} of ${requests} answers were ${refuses ? 'no refusals' : 'refusals'}`)
}

interface SilentOrigin {
  readonly url: string
  /** Resolves with the next request's arrival. */
  readonly next: () => Promise<void>
  readonly close: () => void
}

async function silentOrigin(): Promise<SilentOrigin> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket
      .on('error', () => {})
      .once('close', () => sockets.delete(socket))
      .on('data', () => server.emit('request'))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: async () => void (await once(server, 'request')),
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** Takes an upstream's only place, and keeps it: returns when the origin has the request. */
async function holdPlace(weir: Running, path: string, arrived: () => Promise<void>): Promise<Socket> {
  const { hostname, port } = new URL(weir.url)
  const there = arrived()
  const socket = connect(Number(port), hostname, () =>
    socket.write(`GET ${path} HTTP/1.1\r\nHost: shedding\r\n\r\n`),
  )
  socket.on('error', () => {})
  const ended = once(socket, 'close').then(() => {
    throw new Error(`${path}: whoever was to hold the only place was sent away`)
  })
  // Later it is meant to end.
  ended.catch(() => {})
  await Promise.race([there, ended])
  return socket
}
