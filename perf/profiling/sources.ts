/**
 * Which layer the time in each file of `src/` belongs to. File by file where requests pass: one that is new or was moved is in no
 * layer until somebody says here in which, and a test fails until then.
 */
import type { Layer } from './layers.ts'

/** Serves several layers: its time is that of whoever called it. */
export const callers = "its caller's"
export type Owner = Layer | typeof callers

/** Folders in which requests do not pass, and those whose files all serve others. */
const folders: Readonly<Record<string, Owner>> = {
  'config/': 'control plane',
  'control/': 'control plane',
  'demo/': 'control plane',
  'plan/': callers,
}

/** Paths below `src/`, without their ending. */
const files: Readonly<Record<Owner, readonly string[]>> = {
  'kernel: clients': [],
  'kernel: endpoints': [],
  'kernel: other': [],
  'uWebSockets.js': [],
  'listener and exchange': [
    'native/receive-buffer',
    'proxy/account',
    'proxy/client-pace',
    'proxy/closing',
    'proxy/context',
    'proxy/data-plane',
    'proxy/deadlines',
    'proxy/describe',
    'proxy/door',
    'proxy/exchange',
    'proxy/listener',
    'proxy/listener-facts',
    'proxy/redirect',
    'proxy/reply',
    'proxy/tls-app',
  ],
  'client limits': [
    'proxy/client-address',
    'proxy/clients/access',
    'proxy/clients/client-limiter',
    'proxy/clients/client-of',
    'proxy/clients/client-table',
    'proxy/clients/guard',
    'proxy/clients/guards',
    'proxy/connection-limits',
    'proxy/connection-ports',
    'proxy/connection-slots',
    'proxy/peers',
  ],
  'request headers': [
    'proxy/headers/field-names',
    'proxy/headers/forwarding',
    'proxy/headers/known-fields',
    'proxy/request-head',
  ],
  'response headers': [
    'proxy/headers/disguise-continue',
    'proxy/headers/interim',
    'proxy/headers/known-heads',
    'proxy/headers/memory-view',
    'proxy/headers/response-block',
    'proxy/headers/whole-response',
  ],
  bodies: ['proxy/body/piece', 'proxy/body/request-body', 'proxy/body/response-body', 'proxy/body/upload'],
  'attempts and upstreams': [
    'proxy/attempt',
    'proxy/attempt-listener',
    'proxy/endpoint',
    'proxy/evidence',
    'proxy/hedging/hedge',
    'proxy/hedging/hedging',
    'proxy/hedging/streaming-percentile',
    'proxy/mirror',
    'proxy/outliers',
    'proxy/parking',
    'proxy/retry',
    'proxy/retry-budget',
    'proxy/tries',
    'proxy/turn-clock',
    'proxy/typical-latency',
    'proxy/undici-errors',
    'proxy/upstream',
    'proxy/upstream-listener',
  ],
  'endpoint connections': [
    'native/socket-handle',
    'proxy/coarse-clock',
    'proxy/connector',
    'proxy/departures',
    'proxy/endpoint-socket',
    'proxy/idle-timer',
    'proxy/pool',
    'proxy/shortcut',
    'proxy/undici-parser',
    'proxy/undici-request',
  ],
  WebSockets: [
    'proxy/websocket/bridge',
    'proxy/websocket/close-codes',
    'proxy/websocket/dial',
    'proxy/websocket/refusal',
    'proxy/websocket/session',
    'proxy/websocket/upgrade',
    'proxy/websocket/websockets',
  ],
  router: ['proxy/router', 'proxy/split'],
  'admission queue': [
    'proxy/admission',
    'proxy/overload/controlled-delay',
    'proxy/overload/gradient-limit',
    'proxy/overload/priority',
    'proxy/overload/upstream-limit',
    'proxy/overload/waiting-line',
  ],
  balancer: [
    'proxy/balance/ewma',
    'proxy/balance/hash',
    'proxy/balance/least-connections',
    'proxy/balance/make-balancer',
    'proxy/balance/policy',
    'proxy/balance/random',
    'proxy/balance/round-robin',
    'proxy/balance/sticky',
    'proxy/balance/two-choices',
    'proxy/balance/weighted-draw',
    'proxy/roster',
    'proxy/slow-start',
  ],
  undici: ['native/undici'],
  logging: [
    'line-gatherer',
    'line-writer',
    'log',
    'pretty-output',
    'proxy/record',
    'proxy/request-counts',
    'proxy/upstream-log',
  ],
  'garbage collection': [],
  'control plane': [
    'cli',
    'command-line',
    'forked-worker',
    'start-worker',
    'usage-error',
    'worker',
    'worker-process',
  ],
  'Node, V8 and libuv': [],
  [callers]: [
    'native/uws',
    'proxy/address-set',
    // What `hash` and `sticky` go by, and so do limits per client, priorities and splits.
    'proxy/balance/hash-text',
    'proxy/balance/request-key',
    'proxy/failure-reason',
    'proxy/headers/bytes',
    'proxy/headers/curiosity',
    'proxy/headers/head-limits',
    'proxy/headers/hop-by-hop',
    // The queue's lists, and those of hedges that are to come.
    'proxy/line',
    'proxy/see-polling',
    'proxy/status-line',
    // Every request is asked whether it wants to be one.
    'proxy/websocket/handshake',
  ],
}

/** Every file that stands above, with what it was said to be. */
export const owners: ReadonlyMap<string, Owner> = new Map(
  (Object.entries(files) as [Owner, readonly string[]][]).flatMap(([owner, paths]) =>
    paths.map((path) => [path, owner] as const),
  ),
)

/** @param path below `src/`, without its ending @returns null: nobody has said */
export function ownerOf(path: string): Owner | null {
  const folder = path.slice(0, path.indexOf('/') + 1)
  return owners.get(path) ?? folders[folder] ?? null
}
