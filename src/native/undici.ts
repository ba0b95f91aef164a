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
const { kBusy, kParser } = require('undici/lib/core/symbols.js') as {
  readonly kBusy: unique symbol
  readonly kParser: symbol
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
