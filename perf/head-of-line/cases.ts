/** What the head-of-line bench compares, as data: an upstream's settings, and the load. Nothing else knows a case by name. */
import type { SlowRequests } from '../harness/held-back.ts'
import type { Scenario, WeirShape } from '../harness/scenario.ts'
import { defaultWeir, small, smallLoad } from '../scenarios/routes.ts'

/** One setting of Weir's upstream. */
export interface Case {
  /** What the command line takes. */
  readonly name: string
  readonly what: string
  readonly upstream: WeirShape['upstream']
}

/** The first is what the others are divided by. */
export const cases: readonly Case[] = [
  { name: '1', what: 'no pipelining: the default', upstream: {} },
  { name: '4', what: 'up to 4 requests on a connection', upstream: { pipelining: 4 } },
  { name: '16', what: 'up to 16 requests on a connection', upstream: { pipelining: 16 } },
  {
    name: '16-on-4',
    what: 'the same, and 4 connections in the place of 64',
    upstream: { pipelining: 16, connections: 4 },
  },
]

/** Of all requests. */
export const slowShare = 0.01
const slowPath = '/slow'

/** Who waits for more than half of what a slow one takes was held back by one. */
export function slowRequests(slowMs: number): SlowRequests {
  return { share: slowShare, path: slowPath, heldMs: slowMs / 2 }
}

/**
 * Requests per second: so few that a request is mostly alone in Weir, and so many that some come in each turn of its event loop, but
 * no queue stands anywhere.
 */
export const rates: readonly number[] = [2_000, 8_000]

/** Clients at a time: as many as there may be in the default of 64 connections, twice over. */
export const mostConnections = 128
/** A client that has waited longer is gone. */
export const timeoutMs = 2_000
/** Requests in flight while Weir is warmed up. */
export const warmUpInFlight = 16

/** @param slowMs what the origin takes for those that are slow; the others it answers at once */
export function scenarioOf({ name, what, upstream }: Case, slowMs: number): Scenario {
  const origin = { bytes: 100, webSocket: false, slow: { path: slowPath, ms: slowMs } }
  const weir = { ...defaultWeir, upstream }
  const load = { ...smallLoad, connections: mostConnections }
  return { ...small, name: `head-of-line ${name}`, what, origin, weir, load }
}
