/** The usual arrangement: one scriptable origin, one Weir in front of it. */
import type { TestContext } from 'node:test'
import { type Behaviour, type Behaviours, type Origin, startOrigin } from './origin.ts'
import { type ClientRequest, type ClientResponse, fetchRaw, RawClient } from './raw-client.ts'
import { startWeir, type Weir, type WeirConfig, type WeirOptions } from './weir.ts'

export interface Proxied {
  readonly origin: Origin
  readonly weir: Weir
  /** One request through Weir, on a connection of its own. */
  fetch(request?: ClientRequest): Promise<ClientResponse>
  /** A connection to Weir until the test ends. */
  connect(): Promise<RawClient>
}

export interface ProxiedOptions {
  /** Settings of the upstream; health checks are off unless they stand here. */
  readonly upstream?: Readonly<Record<string, unknown>>
  /** Settings beside `upstreams`. */
  readonly config?: WeirConfig
  readonly weir?: WeirOptions
}

/** Starts both. @param behaviours the origin's */
export async function proxied(
  t: TestContext,
  behaviours: Behaviour | Behaviours,
  options: ProxiedOptions = {},
): Promise<Proxied> {
  const origin = await startOrigin(t, behaviours)
  const config = { upstreams: { app: upstreamOf([origin], options.upstream) }, ...options.config }
  const weir = await startWeir(t, config, options.weir)
  return {
    origin,
    weir,
    fetch: (request) => fetchRaw(weir.port, request),
    connect: async () => {
      const client = await RawClient.connect(weir.port)
      t.after(() => client.close())
      return client
    },
  }
}

/** An upstream over these origins without health checks, so that nothing but the test's requests reaches them. */
export function upstreamOf(
  origins: readonly { readonly url: string }[],
  settings: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return { endpoints: origins.map(({ url }) => url), health: false, ...settings }
}
