/** Several scriptable origins and one Weir in front of them: who gets how much. */
import type { TestContext } from 'node:test'
import { type Behaviour, type Origin, startOrigin } from './origin.ts'
import { upstreamOf } from './proxied.ts'
import { startWeir, type Weir, type WeirOptions } from './weir.ts'

export interface Group {
  readonly weir: Weir
  readonly origins: readonly Origin[]
  /** Requests that each origin has had. */
  counts(): number[]
}

/**
 * Starts them.
 * @param behaviours one for each origin, which keeps no requests: the counts are enough
 * @param upstream its settings; health checks are off unless they stand here
 * @param settings of each endpoint
 */
export async function group(
  t: TestContext,
  behaviours: readonly Behaviour[],
  upstream: Readonly<Record<string, unknown>> = {},
  settings: readonly object[] = [],
  options: WeirOptions = {},
): Promise<Group> {
  const origins = await Promise.all(
    behaviours.map((behaviour) => startOrigin(t, behaviour, { keepRequests: 0 })),
  )
  const endpoints = origins.map(({ url }, index) => ({ url, ...settings[index] }))
  const app = upstreamOf(origins, { endpoints, ...upstream })
  const weir = await startWeir(t, { upstreams: { app } }, options)
  return { weir, origins, counts: () => origins.map(({ count }) => count) }
}
