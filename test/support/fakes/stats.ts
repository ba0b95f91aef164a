/** Statistics for tests: those of a worker at rest, changed only in what a test is about. */
import type { EndpointStats, WorkerStats } from '../../../src/plan/messages.ts'

export function workerStats(changes: Partial<WorkerStats> = {}): WorkerStats {
  return {
    inFlight: 0,
    queued: 0,
    connections: 0,
    webSockets: 0,
    outcomes: {},
    upstreams: [],
    endpoints: [],
    failingOpen: [],
    mirrors: [],
    clientLimits: [],
    rssBytes: 0,
    heapUsedBytes: 0,
    ...changes,
  }
}

export function endpointStats(id: string, changes: Partial<EndpointStats> = {}): EndpointStats {
  return {
    id,
    healthy: true,
    outlier: 'in',
    ejections: 0,
    inFlight: 0,
    attempts: 0,
    connections: 0,
    dispatched: 0,
    queued: 0,
    ...changes,
  }
}
