/** `access` and `clientLimits` of the top level and of routes, written out for each route. */
import type { AccessPlan, ClientLimitsPlan } from '../plan/route-plan.ts'
import { parseDuration } from './duration.ts'
import type { Config, RouteConfig } from './schema.ts'
import type { ClientLimitsConfig } from './schema-clients.ts'

export interface ClientsPlan {
  readonly access?: AccessPlan
  readonly clientLimits?: ClientLimitsPlan
}

type Wishes = Pick<Config, 'access' | 'clientLimits'>

/** Of a route that is none of the configuration's. */
export function clientsOfAll({ access, clientLimits }: Wishes): ClientsPlan {
  return plan(access, clientLimits, 'all')
}

/** What stands in a route takes the place of what stands at the top level, where all routes count together. */
export function clientsOfRoute(all: Wishes, route: RouteConfig): ClientsPlan {
  const own = route.clientLimits !== undefined
  const scope = own ? `${route.host?.toLowerCase() ?? '*'}${route.path ?? '/*'}` : 'all'
  return plan(route.access ?? all.access, own ? route.clientLimits : all.clientLimits, scope)
}

function plan(access: Wishes['access'], wish: Wishes['clientLimits'], scope: string): ClientsPlan {
  const guards = access !== undefined && access.allow.length + access.deny.length > 0
  return {
    ...(guards ? { access } : undefined),
    ...(wish === undefined || wish === false ? undefined : { clientLimits: limitsPlan(wish, scope) }),
  }
}

function limitsPlan(
  { rate, inFlight, by, keys, dryRun }: ClientLimitsConfig,
  scope: string,
): ClientLimitsPlan {
  return {
    scope,
    rate:
      rate === undefined
        ? null
        : {
            requests: rate.requests,
            perMs: parseDuration(rate.per) as number,
            burst: rate.burst ?? rate.requests,
          },
    inFlight: inFlight ?? 0,
    by: typeof by === 'object' && 'header' in by ? { header: by.header.toLowerCase() } : by,
    keys,
    dryRun,
  }
}
