/**
 * What the data plane uses of undici. The package's index loads all that undici has (fetch, caches, WebSocket, mocks, agents),
 * 9 MB in every worker for nothing. These paths are no public names: the version is exact in package.json, and no worker starts
 * without them.
 */
import { createRequire } from 'node:module'
import type * as undici from 'undici'

const require = createRequire(import.meta.url)

/** Without what the index adds to it. */
export type Client = Omit<undici.Client, 'request' | 'stream' | 'pipeline' | 'connect' | 'upgrade'>
const { kBusy, kHTTPContext, kParser, kSocket } = require('undici/lib/core/symbols.js') as {
  readonly kBusy: unique symbol
  readonly kHTTPContext: symbol
  readonly kParser: symbol
  readonly kSocket: symbol
}
const UndiciClient = require('undici/lib/dispatcher/client.js') as new (
  ...parameters: ConstructorParameters<typeof undici.Client>
) => Client

/**
 * Never says `drain`, to which nobody listens here: undici's makes a microtask of it behind every request, with an async resource of its own,
 * and goes once more through what it has to do. That it is busy tells nothing else: the pool counts what is in flight.
 */
export const Client: typeof UndiciClient = class extends UndiciClient {
  get [kBusy](): boolean {
    return false
  }
}

export const buildConnector = require('undici/lib/core/connect.js') as typeof undici.buildConnector
export type ConnectOptions = undici.buildConnector.Options
export type ConnectCallback = undici.buildConnector.Callback
export type UndiciConnector = undici.buildConnector.connector

export const errors = require('undici/lib/core/errors.js') as typeof undici.errors

export type DispatchOptions = undici.Dispatcher.DispatchOptions
export type DispatchHandler = undici.Dispatcher.DispatchHandler
export type HttpMethod = undici.Dispatcher.HttpMethod

/** By which undici's parser hangs on a socket. */
export { kParser }

/** What undici does with a connection. Its functions do not look at what they are called on. */
interface HttpContext {
  readonly version: string
  readonly defaultPipelining: number
  write(request: object): boolean
  resume(): void
  destroy(error: Error | undefined, callback: () => void): void
  readonly destroyed: boolean
  busy(request: object | null): boolean
}

class PlainContext implements HttpContext {
  readonly version: string
  readonly defaultPipelining: number
  readonly write: HttpContext['write']
  readonly resume: HttpContext['resume']
  readonly destroy: HttpContext['destroy']
  readonly busy: HttpContext['busy']
  readonly #socket: { readonly destroyed: boolean }

  constructor(context: HttpContext, socket: { readonly destroyed: boolean }) {
    this.version = context.version
    this.defaultPipelining = context.defaultPipelining
    this.write = context.write
    this.resume = context.resume
    this.destroy = context.destroy
    this.busy = context.busy
    this.#socket = socket
  }

  get destroyed(): boolean {
    return this.#socket.destroyed
  }
}

/**
 * To be called when undici has connected. What it keeps of the connection then is a literal with a getter in it, of which V8 makes a
 * dictionary: each of the six looks at it for a request took 90 instructions, and none of its functions was compiled into its caller.
 */
export function connected(client: Client): void {
  const context = Reflect.get(client, kHTTPContext) as HttpContext | null
  const socket = Reflect.get(client, kSocket) as { readonly destroyed: boolean } | null
  if (context?.version === 'h1' && socket !== null)
    Reflect.set(client, kHTTPContext, new PlainContext(context, socket))
}
