/** In which states a worker's memory is looked at, as data. */
import type { Load, Scenario } from '../harness/scenario.ts'
import { defaultWeir, small, smallLoad } from '../scenarios/routes.ts'

export interface MemoryState {
  readonly name: string
  readonly what: string
  /** What a worker should hold less than, in MiB resident; null: nothing is asked of it. */
  readonly mostMiB: number | null
  /** Closed loops, all at once, that keep their connections busy. */
  readonly loads: readonly Load[]
  /** Connections that have had one answer each and say nothing more. */
  readonly idle: number
}

const kib = 1024
const mib = 1024 * kib

const get: Load = smallLoad
const upload = (connections: number, bodyBytes: number): Load => ({
  ...smallLoad,
  connections,
  method: 'POST',
  bodyBytes,
})

export const states: readonly MemoryState[] = [
  { name: 'at rest', what: 'at rest, a second after its start', mostMiB: null, loads: [], idle: 0 },
  {
    name: 'busy',
    what: '2,000 busy connections, a small GET each',
    mostMiB: 120,
    loads: [{ ...get, connections: 2_000 }],
    idle: 0,
  },
  {
    // Two sizes of the memory for pieces (src/proxy/body/piece.ts): bodies that come in one, and such as are cut into several. Over loopback the
    // first piece of a long one has 512 KiB, and is held while its request waits: nothing is asked of that.
    name: 'busy with uploads',
    what: '2,000 busy connections: 1,800 with a small GET, 100 upload 16 KiB and 100 upload 1 MiB',
    mostMiB: null,
    loads: [{ ...get, connections: 1_800 }, upload(100, 16 * kib), upload(100, mib)],
    idle: 0,
  },
  {
    name: 'idle',
    what: '10,000 idle connections that have had one answer each',
    mostMiB: 200,
    loads: [],
    idle: 10_000,
  },
]

/** Weir and its origin for a state: defaults, and a queue as long as there are clients, since a refusal is no answer. */
export function scenarioOf({ name, what, loads }: MemoryState): Scenario {
  const connections = loads.reduce((sum, load) => sum + load.connections, 0)
  return {
    ...small,
    name: `memory ${name}`,
    what,
    weir: { ...defaultWeir, upstream: { queue: { limit: Math.max(1024, connections) } } },
    load: loads[0] ?? smallLoad,
  }
}
