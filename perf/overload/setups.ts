/** What the overload bench measures, as data: origins, and who stands in front of them. Nothing else knows one by name. */
import { workingFastApi, workingMs } from '../harness/fastapi.ts'
import type { OriginShape, Protection, Scenario, WeirShape } from '../harness/scenario.ts'
import { backends, slowBackends } from '../report/capacity.ts'
import type { Experiment, Variant } from '../report/experiment.ts'
import { defaultWeir, small, smallLoad } from '../scenarios/routes.ts'

/** Some origins, and everybody in front of the same ones. */
export interface Setup {
  /** What the command line takes. */
  readonly name: string
  readonly what: string
  /** Requests in flight when their capacity is measured, all endpoints together: enough to keep them busy. */
  readonly capacityInFlight: number
  /** The origins, and how many: as in each variant's scenario. */
  readonly scenario: Scenario
  readonly variants: readonly OverloadVariant[]
}

export interface OverloadVariant extends Variant {
  /** The target of its queue in milliseconds, where it has one: that is what the laws are about. */
  readonly targetMs: number | null
}

/** How many clients there may be at a time. */
export const mostConnections = 8_000
/** A client that has waited longer is gone. */
export const timeoutMs = 2_000
/** Multiples of the capacity. The first is called unloaded. */
export const allLoads: readonly number[] = [0.5, 1, 1.5, 2, 4]
export const shortLoads: readonly number[] = [0.5, 1, 4]

const targetMs = 5
/** What the README tells somebody to write who wants Weir to find the limit itself, and no queue that stands. */
const controlled: WeirShape = {
  ...defaultWeir,
  upstream: { concurrency: 'adaptive', queue: { target: `${targetMs}ms` } },
}

function setup(
  name: string,
  what: string,
  capacityInFlight: number,
  origin: OriginShape,
  endpoints: number,
  protection: Protection,
): Setup {
  const load = { ...smallLoad, connections: mostConnections }
  const scenario: Scenario = { ...small, name: `overload ${name}`, what, origin, endpoints, protection, load }
  const plain = (variant: string, subject: string, says: string): OverloadVariant => ({
    name: variant,
    what: says,
    subject,
    scenario,
    targetMs: null,
  })
  return {
    name,
    what,
    capacityInFlight,
    scenario,
    variants: [
      plain('weir', 'weir', 'default settings: 64 requests at each endpoint, 1,024 that wait'),
      {
        ...plain('weir controlled', 'weir', '`"concurrency": "adaptive"`, `"queue": { "target": "5ms" }`'),
        scenario: { ...scenario, weir: controlled },
        targetMs,
      },
      plain(
        'haproxy',
        'haproxy',
        `\`maxconn ${protection.perEndpoint}\` for each server, \`timeout queue ${protection.queueMs}ms\``,
      ),
      plain('nginx', 'nginx', 'as people run it: the free one has no queue, and passes everything on'),
      plain('direct', 'origin', 'no proxy; clients take turns where there are several endpoints'),
    ],
  }
}

const slots = { slots: 8, serviceMs: 10 }
/** Half of what a client waits. */
const queueMs = timeoutMs / 2
/** HAProxy is told what somebody knows who has measured the origin: its slots and two more, that none is ever without work. */
const slotsProtection: Protection = { perEndpoint: slots.slots + 2, queueMs }
const fastApiProtection: Protection = { perEndpoint: 20, queueMs }

export const setups: readonly Setup[] = [
  setup(
    'slots',
    `an origin of fixed service time: ${slots.slots} slots, ${slots.serviceMs} ms each`,
    2 * slots.slots,
    { bytes: 100, webSocket: false, slots },
    1,
    slotsProtection,
  ),
  // One that does nothing answers 10,000 times a second here, and nobody can offer four times as much from the core that the
  // proxy has: these work.
  setup(
    'fastapi-1',
    `FastAPI, one backend, ${workingMs} ms of CPU time for each answer`,
    32,
    workingFastApi,
    1,
    fastApiProtection,
  ),
  setup(
    'fastapi-3',
    `FastAPI, three backends, ${workingMs} ms of CPU time for each answer`,
    96,
    workingFastApi,
    3,
    fastApiProtection,
  ),
]

/** Experiments of the report: 500 connections in a closed loop. */
export const closedLoop = 'closed-loop'

/** What is added to the names of variants whose FastAPI works. */
export const workingName = `, ${workingMs} ms`

/**
 * What the laws look at of those. The bare FastAPI may be fast enough to fill two cores together with Weir and wrk, and three cannot do
 * more then; one that works is as fast as the report's, of which three find room.
 */
export const closedLoopVariants: readonly Variant[] = [
  ...lookedAt(backends),
  ...lookedAt(slowBackends).map((variant) => ({ ...variant, name: variant.name + workingName })),
]

function lookedAt({ variants }: Experiment): readonly Variant[] {
  return variants.filter(({ name }) => ['alone', 'weir 1', 'weir 3'].includes(name))
}

export const names: readonly string[] = [...setups.map(({ name }) => name), closedLoop]
