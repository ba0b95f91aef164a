import type { Load, OriginShape, Scenario, Suite, WeirShape } from '../harness/scenario.ts'

export const smallOrigin: OriginShape = { bytes: 100 }
export const smallLoad: Load = { threads: 1, connections: 64, path: '/' }

/** The defaults of a configuration file, and the log in a file. */
export const defaultWeir: WeirShape = {
  endpoints: 1,
  workers: 1,
  upstream: {},
  access: 'errors',
  output: 'file',
  env: {},
}

const scenarios: readonly Scenario[] = [
  {
    name: 'origin',
    what: 'an origin alone, asked directly: what the machine and the load generator can do',
    baseline: 'origin',
    subject: { kind: 'origin', origin: smallOrigin },
    load: smallLoad,
    placement: 'apart',
  },
  {
    name: 'isolated',
    what: 'the isolated route: a fixed answer of Weir that touches no upstream',
    baseline: 'origin',
    subject: { kind: 'weir', weir: defaultWeir, origin: smallOrigin },
    load: { ...smallLoad, path: '/isolated' },
    placement: 'apart',
  },
  {
    name: 'one',
    what: 'a small GET through Weir to one endpoint',
    baseline: 'origin',
    subject: { kind: 'weir', weir: defaultWeir, origin: smallOrigin },
    load: smallLoad,
    placement: 'apart',
  },
  {
    name: 'three',
    what: 'a small GET through Weir to three endpoints, round-robin',
    baseline: 'origin',
    subject: { kind: 'weir', weir: { ...defaultWeir, endpoints: 3 }, origin: smallOrigin },
    load: smallLoad,
    placement: 'apart',
  },
]

export const routes: Suite = {
  name: 'routes',
  what: 'an origin alone, the isolated route, one endpoint and three',
  scenarios,
}
