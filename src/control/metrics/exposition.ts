/**
 * What the planes know, in the text format of Prometheus (version 0.0.4).
 *
 * The library keeps metrics that a program counts itself. Here the workers have counted already, so each answer has a registry of its
 * own, filled from their statistics and thrown away: nothing is kept that a worker or an endpoint which is gone would stay in.
 */
import { Counter, Gauge, Registry } from 'prom-client'
import { outcomes } from '../../plan/outcome.ts'
import { responseClasses } from '../../plan/request-stats.ts'
import type { UpstreamPlan } from '../../plan/upstream-plan.ts'
import type { Counted } from './census.ts'
import { countedHistogram } from './counted-histogram.ts'
import {
  type ControlFacts,
  clientFamilies,
  controlFamilies,
  durationFamily,
  endpointFamilies,
  type Family,
  healthFamily,
  mirrorFamilies,
  outcomeFamily,
  responseFamily,
  upFamily,
  upstreamFamilies,
  workerFamilies,
} from './families.ts'

export interface Known {
  readonly facts: ControlFacts
  readonly workers: readonly Counted[]
  /** Of the plan that runs. */
  readonly upstreams: readonly UpstreamPlan[]
  /** Ids of endpoints that the active checks find unhealthy. */
  readonly unhealthy: ReadonlySet<string>
}

export const contentType = Registry.PROMETHEUS_CONTENT_TYPE

type Labels = Readonly<Record<string, string>>
type Sample<Item> = readonly [labels: Labels, item: Item]

/** @returns the whole text; each sample's line once */
export function exposition({ facts, workers, upstreams, unhealthy }: Known): Promise<string> {
  const registry = new Registry()
  const told = workers.flatMap(({ number, stats }) =>
    stats === null ? [] : [{ worker: `${number}`, stats }],
  )
  const places = new Map(
    upstreams.flatMap(({ name, endpoints }) =>
      endpoints.map(({ id, origin }) => [id, { upstream: name, endpoint: origin }] as const),
    ),
  )

  add(registry, controlFamilies, [[{}, facts]])
  add(
    registry,
    [upFamily],
    workers.map(({ number, stats }) => [{ worker: `${number}` }, stats]),
  )
  add(
    registry,
    workerFamilies,
    told.map(({ worker, stats }) => [{ worker }, stats]),
  )
  add(
    registry,
    [outcomeFamily],
    told.flatMap(({ worker, stats }) =>
      // Those that have not occurred, too: a series that begins with its first failure has no rate then.
      Object.values(outcomes).map(
        ({ code, fault }): Sample<number> => [{ worker, outcome: code, fault }, stats.outcomes[code] ?? 0],
      ),
    ),
  )
  add(
    registry,
    upstreamFamilies,
    told.flatMap(({ worker, stats }) =>
      stats.upstreams.map((upstream) => [
        { worker, upstream: upstream.name },
        { ...upstream, failingOpen: stats.failingOpen.includes(upstream.name) },
      ]),
    ),
  )
  const counted = told.flatMap(({ worker, stats }) =>
    stats.upstreams.flatMap(({ name, requests }) =>
      requests === undefined ? [] : [[{ worker, upstream: name }, requests] as const],
    ),
  )
  if (counted.length > 0) registry.registerMetric(countedHistogram(durationFamily, counted))
  add(
    registry,
    [responseFamily],
    counted.flatMap(([labels, { responses }]) =>
      // From the first moment, as outcomes are.
      responseClasses.map(
        (name, index): Sample<number> => [{ ...labels, class: name }, responses[index] as number],
      ),
    ),
  )
  add(
    registry,
    [healthFamily],
    [...places].map(([id, place]) => [place, !unhealthy.has(id)]),
  )
  add(
    registry,
    endpointFamilies,
    told.flatMap(({ worker, stats }) =>
      stats.endpoints.flatMap((endpoint) => {
        const place = places.get(endpoint.id)
        // Of a worker that has not taken the plan yet, or has it no more.
        return place === undefined ? [] : [[{ worker, ...place }, endpoint] as const]
      }),
    ),
  )
  add(
    registry,
    mirrorFamilies,
    told.flatMap(({ worker, stats }) =>
      stats.mirrors.map((copies) => [{ worker, upstream: copies.upstream }, copies]),
    ),
  )
  add(
    registry,
    clientFamilies,
    told.flatMap(({ worker, stats }) =>
      stats.clientLimits.map((limits) => [
        { worker, scope: limits.scope, dry_run: `${limits.dryRun}` },
        limits,
      ]),
    ),
  )
  return registry.metrics()
}

/** A family of which there is nothing to tell is left out. */
function add<Item>(
  registry: Registry,
  families: readonly Family<Item>[],
  samples: readonly Sample<Item>[],
): void {
  const labelNames = Object.keys(samples[0]?.[0] ?? {})
  for (const { name, kind, help, value } of families) {
    const present = samples.flatMap(([labels, item]) => {
      const number = value(item)
      return number === null ? [] : [[labels, number] as const]
    })
    if (present.length === 0) continue
    const registers = [registry]
    const metric =
      kind === 'counter'
        ? new Counter({ name, help, labelNames, registers })
        : new Gauge({ name, help, labelNames, registers })
    for (const [labels, number] of present) metric.inc(labels, number)
  }
}
