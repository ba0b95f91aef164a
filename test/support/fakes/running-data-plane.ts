/** A real DataPlane with the real binding in the test's own process, on any free port. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import {
  type Binding,
  loadBinding,
  type TemplatedApp,
  type us_listen_socket,
} from '../../../src/native/uws.ts'
import type { Plan } from '../../../src/plan/plan.ts'
import { DataPlane } from '../../../src/proxy/data-plane.ts'
import { waitFor } from '../wait.ts'
import { MemoryLog } from './logger.ts'
import { loopback, plan } from './plans.ts'

/** The real binding, with its listen sockets written down. */
export class WatchedBinding {
  /** Real ports, in the order of listening. */
  readonly ports: number[] = []
  /** Ports of sockets that were closed, in order; twice where one was closed twice. */
  readonly closed: number[] = []
  readonly binding: Binding
  /** Unix sockets that were opened, and closed again. */
  readonly unix = { opened: 0, closed: 0 }
  /** Between the bind of a Unix socket and the return from it. */
  onUnixBound: (path: string) => void = () => undefined
  readonly #unixSockets = new Set<us_listen_socket>()
  readonly #portOf = new Map<us_listen_socket, number>()

  constructor() {
    const real = loadBinding()
    const { uws } = real
    this.binding = {
      ...real,
      uws: {
        ...uws,
        App: () => this.#watch(uws.App()),
        us_listen_socket_close: (socket: us_listen_socket) => {
          if (this.#unixSockets.has(socket)) this.unix.closed++
          else this.closed.push(this.#portOf.get(socket) as number)
          uws.us_listen_socket_close(socket)
        },
      },
    }
  }

  #watch(app: TemplatedApp): TemplatedApp {
    const watched = {
      get: app.get.bind(app),
      any: app.any.bind(app),
      ws: app.ws.bind(app),
      filter: app.filter.bind(app),
      close: app.close.bind(app),
      listen: (host: string, port: number, callback: (socket: us_listen_socket | false) => void) => {
        app.listen(host, port, (socket) => {
          if (socket) {
            const real = this.#localPort(socket)
            this.ports.push(real)
            this.#portOf.set(socket, real)
          }
          callback(socket)
        })
        return watched
      },
      listen_unix: (callback: (socket: us_listen_socket | false) => void, path: string) => {
        app.listen_unix((socket) => {
          if (socket) {
            this.unix.opened++
            this.#unixSockets.add(socket)
            this.onUnixBound(path)
          }
          callback(socket)
        }, path)
        return watched
      },
    }
    return watched as unknown as TemplatedApp
  }

  #localPort(socket: us_listen_socket): number {
    return loadBinding().uws.us_socket_local_port(socket)
  }
}

export interface RunningDataPlane {
  readonly proxy: DataPlane
  readonly port: number
  readonly memory: MemoryLog
  readonly watched: WatchedBinding
  /** What it runs. Give a changed one to `proxy.apply` for a reload. */
  readonly plan: Plan
}

/** Ended with the test, which fails if anything is left in flight. */
export function runDataPlane(t: TestContext, changes: Partial<Plan> = {}): RunningDataPlane {
  const watched = new WatchedBinding()
  const memory = new MemoryLog()
  const proxy = new DataPlane(watched.binding, memory.log, () => 0)
  const running = plan({ listeners: [loopback(0)], ...changes })
  assert.equal(proxy.apply(running, []), null, 'the listener is bound')
  t.after(() => {
    proxy.end()
    assert.equal(proxy.recorder.inFlight, 0, 'in flight after the end')
  })
  return { proxy, port: watched.ports[0] as number, memory, watched, plan: running }
}

/** The master invariant, once the last ends have been noticed. */
export async function restOf(proxy: DataPlane): Promise<void> {
  const busy = () => {
    const { inFlight, queued, endpoints } = proxy.stats()
    return { inFlight, queued, attempts: endpoints.reduce((sum, endpoint) => sum + endpoint.inFlight, 0) }
  }
  await waitFor(() => Object.values(busy()).every((count) => count === 0), {
    what: () => `everything to be at rest, not ${JSON.stringify(busy())}`,
  })
}
