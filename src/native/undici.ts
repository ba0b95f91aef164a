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
export const Client = require('undici/lib/dispatcher/client.js') as new (
  ...parameters: ConstructorParameters<typeof undici.Client>
) => Client

export const buildConnector = require('undici/lib/core/connect.js') as typeof undici.buildConnector
export type ConnectOptions = undici.buildConnector.Options
export type ConnectCallback = undici.buildConnector.Callback
export type UndiciConnector = undici.buildConnector.connector

export const errors = require('undici/lib/core/errors.js') as typeof undici.errors

export type DispatchOptions = undici.Dispatcher.DispatchOptions
export type DispatchHandler = undici.Dispatcher.DispatchHandler
export type HttpMethod = undici.Dispatcher.HttpMethod

/** By which undici's parser hangs on a socket. */
export const { kParser } = require('undici/lib/core/symbols.js') as { readonly kParser: symbol }
