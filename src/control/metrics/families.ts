/**
 * What is told to Prometheus: one row for each family of metrics, grouped by what its samples belong to. Names are in base units, as
 * its conventions want them (https://prometheus.io/docs/practices/naming/). README lists them.
 *
 * Counters are a worker's own, from its start: one that has been replaced begins anew, which `rate` and `increase` take into account.
 */
import type {
  ClientStats,
  EndpointStats,
  MirrorStats,
  UpstreamStats,
  WorkerStats,
} from '../../plan/messages.ts'
import type { RequestStats } from '../../plan/request-stats.ts'

export interface Family<Item> {
  readonly name: string
  /** Counters only grow, and begin at 0 with their process. */
  readonly kind: 'counter' | 'gauge'
  readonly help: string
  /** null: this one has none. */
  readonly value: (item: Item) => number | null
}

/** Its bounds are those of the workers' counts. */
export interface HistogramFamily<Item> {
  readonly name: string
  readonly help: string
  readonly value: (item: Item) => Pick<RequestStats, 'durations' | 'sumMs'>
}

/** What only the control process knows. */
export interface ControlFacts {
  readonly workers: number
  readonly workerDeaths: number
  readonly reloads: number
  readonly reloadsRefused: number
}

export const controlFamilies: readonly Family<ControlFacts>[] = [
  { name: 'weir_workers', kind: 'gauge', help: 'Workers of the plan', value: ({ workers }) => workers },
  {
    name: 'weir_worker_deaths_total',
    kind: 'counter',
    help: 'Workers that have died and were replaced',
    value: ({ workerDeaths }) => workerDeaths,
  },
  {
    name: 'weir_reloads_total',
    kind: 'counter',
    help: 'Reloads of the configuration that every worker has put into effect',
    value: ({ reloads }) => reloads,
  },
  {
    name: 'weir_reloads_refused_total',
    kind: 'counter',
    help: 'Reloads that were refused: the configuration before them stays',
    value: ({ reloadsRefused }) => reloadsRefused,
  },
]

export const upFamily: Family<WorkerStats | null> = {
  name: 'weir_worker_up',
  kind: 'gauge',
  help: '1 if the worker has told its statistics; 0 if it is being replaced, or did not answer in time',
  value: (stats) => (stats === null ? 0 : 1),
}

export const workerFamilies: readonly Family<WorkerStats>[] = [
  {
    name: 'weir_in_flight',
    kind: 'gauge',
    help: 'Exchanges that have begun and not ended',
    value: ({ inFlight }) => inFlight,
  },
  {
    name: 'weir_client_connections',
    kind: 'gauge',
    help: 'Open connections of clients',
    value: ({ connections }) => connections,
  },
  {
    name: 'weir_websockets',
    kind: 'gauge',
    help: 'Bridged WebSockets, with handshakes under way',
    value: ({ webSockets }) => webSockets,
  },
  {
    name: 'weir_worker_resident_memory_bytes',
    kind: 'gauge',
    help: 'Resident memory of the process (with --inline of both planes)',
    value: ({ rssBytes }) => rssBytes,
  },
  {
    name: 'weir_worker_heap_used_bytes',
    kind: 'gauge',
    help: 'JavaScript heap in use',
    value: ({ heapUsedBytes }) => heapUsedBytes,
  },
]

/** By outcome and whose fault it is. */
export const outcomeFamily: Family<number> = {
  name: 'weir_exchanges_total',
  kind: 'counter',
  help: 'Exchanges that have ended, by outcome, and whose fault it was',
  value: (count) => count,
}

/** See plan/request-stats.ts, also for the next one. */
export const durationFamily: HistogramFamily<RequestStats> = {
  name: 'weir_request_duration_seconds',
  help:
    "From a request's head to the last byte of its answer, or to what there was in its place; to within a turn of the worker's event " +
    'loop, some milliseconds under full load',
  value: (requests) => requests,
}

/** By class. */
export const responseFamily: Family<number> = {
  name: 'weir_responses_total',
  kind: 'counter',
  help: 'Requests that have ended, by the class of the status that the client got; truncated: not whole; none: the client left before',
  value: (count) => count,
}

export interface UpstreamItem extends UpstreamStats {
  readonly failingOpen: boolean
}

export const upstreamFamilies: readonly Family<UpstreamItem>[] = [
  {
    name: 'weir_upstream_in_flight',
    kind: 'gauge',
    help: 'Requests that have left the admission queue and not ended',
    value: ({ inFlight }) => inFlight,
  },
  {
    name: 'weir_upstream_queued',
    kind: 'gauge',
    help: 'Requests that wait in the admission queue',
    value: ({ queued }) => queued,
  },
  {
    name: 'weir_upstream_concurrency',
    kind: 'gauge',
    help: 'What may be in flight at the moment; with adaptive concurrency the current limit',
    value: ({ concurrency }) => concurrency,
  },
  {
    name: 'weir_upstream_base_latency_seconds',
    kind: 'gauge',
    help: 'With adaptive concurrency: latency without a queue, once it is known',
    value: ({ baseMs }) => (baseMs == null ? null : baseMs / 1_000),
  },
  {
    name: 'weir_upstream_failing_open',
    kind: 'gauge',
    help: '1 while every endpoint is ejected and they are sent requests in spite of it',
    value: ({ failingOpen }) => (failingOpen ? 1 : 0),
  },
  {
    name: 'weir_upstream_retries_sent_total',
    kind: 'counter',
    help: 'Attempts of requests that were begun since the one before had failed',
    value: ({ retries }) => retries.sent,
  },
  {
    name: 'weir_upstream_retries_withheld_total',
    kind: 'counter',
    help: 'Retries of requests that were due and not sent, for lack of budget',
    value: ({ retries }) => retries.withheld,
  },
  {
    name: 'weir_upstream_hedge_delay_seconds',
    kind: 'gauge',
    help: 'How long a head is awaited before a request is hedged, once it is known',
    value: ({ hedging }) => (hedging?.afterMs == null ? null : hedging.afterMs / 1_000),
  },
  {
    name: 'weir_upstream_hedges_sent_total',
    kind: 'counter',
    help: 'Hedges that were sent',
    value: ({ hedging }) => hedging?.sent ?? null,
  },
  {
    name: 'weir_upstream_hedges_won_total',
    kind: 'counter',
    help: 'Hedges that gave the answer',
    value: ({ hedging }) => hedging?.won ?? null,
  },
  {
    name: 'weir_upstream_hedges_withheld_total',
    kind: 'counter',
    help: 'Hedges that were due and not sent, for lack of room or budget',
    value: ({ hedging }) => hedging?.withheld ?? null,
  },
]

/** The active checks' verdict, which is the control process's own. */
export const healthFamily: Family<boolean> = {
  name: 'weir_endpoint_healthy',
  kind: 'gauge',
  help: '1 if the active checks find it healthy, or there are none; 0 if not',
  value: (healthy) => (healthy ? 1 : 0),
}

export const endpointFamilies: readonly Family<EndpointStats>[] = [
  {
    name: 'weir_endpoint_ejected',
    kind: 'gauge',
    help: '1 while this worker has ejected it for what became of its requests, the time of its probes included',
    value: ({ outlier }) => (outlier === 'in' ? 0 : 1),
  },
  {
    name: 'weir_endpoint_ejections_total',
    kind: 'counter',
    help: 'Times that it was ejected',
    value: ({ ejections }) => ejections,
  },
  {
    name: 'weir_endpoint_in_flight',
    kind: 'gauge',
    help: 'Attempts that are under way',
    value: ({ inFlight }) => inFlight,
  },
  {
    name: 'weir_endpoint_attempts_total',
    kind: 'counter',
    help: 'Attempts that were begun',
    value: ({ attempts }) => attempts,
  },
  {
    name: 'weir_endpoint_connections',
    kind: 'gauge',
    help: 'Established connections, those that idle, too',
    value: ({ connections }) => connections,
  },
]

export const mirrorFamilies: readonly Family<MirrorStats>[] = [
  {
    name: 'weir_mirror_sent_total',
    kind: 'counter',
    help: 'Copies that were sent',
    value: ({ sent }) => sent,
  },
  {
    name: 'weir_mirror_dropped_total',
    kind: 'counter',
    help: 'Copies that were not made, since the upstream had no free place',
    value: ({ dropped }) => dropped,
  },
  {
    name: 'weir_mirror_failed_total',
    kind: 'counter',
    help: 'Copies that got no whole answer',
    value: ({ failed }) => failed,
  },
]

export const clientFamilies: readonly Family<ClientStats>[] = [
  {
    name: 'weir_client_limit_above_rate_total',
    kind: 'counter',
    help: "Requests above their client's rate; with dryRun they were served",
    value: ({ aboveRate }) => aboveRate,
  },
  {
    name: 'weir_client_limit_above_in_flight_total',
    kind: 'counter',
    help: "Requests above their client's number in flight; with dryRun they were served",
    value: ({ aboveInFlight }) => aboveInFlight,
  },
  {
    name: 'weir_client_limit_keys',
    kind: 'gauge',
    help: 'Clients that are remembered',
    value: ({ keys }) => keys,
  },
  {
    name: 'weir_client_limit_keys_max',
    kind: 'gauge',
    help: 'Clients that can be remembered',
    value: ({ keysMax }) => keysMax,
  },
  {
    name: 'weir_client_limit_evicted_total',
    kind: 'counter',
    help: 'Clients that were forgotten too early, for lack of room',
    value: ({ evicted }) => evicted,
  },
  {
    name: 'weir_client_limit_uncounted_total',
    kind: 'counter',
    help: 'Requests that were not counted, for lack of room',
    value: ({ uncounted }) => uncounted,
  },
]
