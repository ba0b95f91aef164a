/** Runs of the profile, as they could have been. */
import { countLayers } from '../../../../perf/profiling/layers.ts'
import type { OverheadRun } from '../../../../perf/profiling/overhead.ts'

export const none = countLayers([])

export function run(changes: Partial<OverheadRun> = {}): OverheadRun {
  return {
    date: '2026-01-31T12:34:56.789Z',
    commit: 'abc1234',
    machine: { cpu: 'a CPU', cores: 2, node: 'v22.19.0', binding: '20.51.4', kernel: 'linux 6.1' },
    scenario: 'small',
    source: 'perf',
    samples: 1000,
    requestsPerSecond: 50_000,
    foreign: 0.01,
    totalUs: 20,
    userUs: 9,
    systemUs: 11,
    division: 2,
    layers: { ...none, undici: 7, 'kernel: clients': 13 },
    systemCalls: { perRequest: 4, byName: { sendto: 1, write: 3 } },
    allocatedBytes: 6000,
    profilers: { 'cpu-prof': { ...none, undici: 1 } },
    ...changes,
  }
}

/** As it was written before layers had parts: its division stood nowhere. */
export function olderRun(): OverheadRun {
  const { division: _, ...rest } = run({
    commit: 'old1234',
    layers: {
      'kernel: clients': 11,
      'kernel: endpoints': 0,
      'kernel: other': 0,
      'uWebSockets.js': 0,
      'exchange and headers': 4,
      router: 0,
      'admission queue': 0.5,
      balancer: 0,
      undici: 2.5,
      logging: 0,
      'garbage collection': 0,
      'Node, V8 and libuv': 2,
    },
    profilers: {
      'cpu-prof': { 'exchange and headers': 0.75, undici: 0.25, 'kernel: clients': 0 },
      clinic: {
        'exchange and headers': 0.625,
        undici: 0.25,
        'kernel: clients': 0,
        'Node, V8 and libuv': 0.125,
      },
    },
  })
  return rest
}
