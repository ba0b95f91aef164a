import type { Load, OriginShape, Scenario, Suite, WeirShape } from '../harness/scenario.ts'

export const smallOrigin: OriginShape = { bytes: 100, webSocket: false }
export const smallLoad: Load = {
  protocol: 'http',
  threads: 1,
  connections: 64,
  path: '/',
  method: 'GET',
  headers: {},
  bodyBytes: 0,
}

/** The defaults of a configuration file, and the log in a file. */
export const defaultWeir: WeirShape = { upstream: {}, access: 'errors', output: 'file', env: {} }

/** A small GET through Weir to one endpoint: what other scenarios differ from in one thing. */
export const small: Scenario = {
  name: 'small',
  what: 'a small GET to one endpoint',
  baseline: 'origin',
  origin: smallOrigin,
  endpoints: 1,
  workers: 1,
  tls: false,
  weir: defaultWeir,
  peers: true,
  load: smallLoad,
}

const scenarios: readonly Scenario[] = [
  {
    ...small,
    name: 'origin',
    what: 'an origin alone, asked directly: what the machine and the load generator can do',
    weir: null,
  },
  {
    ...small,
    name: 'isolated',
    what: 'a fixed answer that touches no upstream',
    load: { ...smallLoad, path: '/isolated' },
    mostCpuRatio: 1.0,
  },
  // Not in `small` itself, which others are made of.
  { ...small, mostCpuRatio: 1.3 },
  { ...small, name: 'three', what: 'a small GET to three endpoints, round-robin', endpoints: 3 },
]

export const routes: Suite = {
  name: 'routes',
  what: 'an origin alone, the isolated route, one endpoint and three',
  scenarios,
}
