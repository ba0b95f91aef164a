/**
 * A request's way into undici. undici is not given the header fields to look through and copy: they were judged when they came
 * (request-head.ts), and are put into undici's request as it is made, which its diagnostics channel lets us see
 * (native-notes/07-undici-connections.md).
 *
 * Invariant: `dispatched` is not null only while undici's `dispatch` runs for it, and no longer once it has been filled in.
 */
import { subscribe } from 'node:diagnostics_channel'
import type { Client, DispatchHandler, DispatchOptions } from '../native/undici.ts'
import { JoinedFields } from './headers/known-fields.ts'

const joined = new JoinedFields()

/** The parts of a request that are filled in. */
export interface Outgoing {
  readonly method: string
  readonly target: string
  readonly host: string
  /** Name and value alternately, without Host and framing. Written as they stand, when the connection is there. */
  readonly headers: string[]
  /** Of the body, if it is a stream; -1: not known, it goes in chunks. */
  readonly contentLength: number
}

/** undici's request, as far as it is filled in here. */
interface Fillable {
  host: string | null
  headers: string[]
  contentLength: number | null
}

/** What is being dispatched, for `fill`. */
let dispatched: Outgoing | null = null

/** @param message of `undici:request:create`, which comes from inside `dispatch`, of whatever uses undici */
function fill(message: unknown): void {
  if (dispatched === null) return
  const { request } = message as { request: Fillable }
  request.host = dispatched.host
  request.headers = joined.of(dispatched.headers)
  if (dispatched.contentLength >= 0) request.contentLength = dispatched.contentLength
  dispatched = null
}
subscribe('undici:request:create', fill)

/** Hands a request to undici. @param options its method, path and body; the rest of it is `outgoing` */
export function dispatch(
  client: Client,
  options: DispatchOptions,
  handler: DispatchHandler,
  outgoing: Outgoing,
): void {
  dispatched = outgoing
  try {
    client.dispatch(options, handler)
  } finally {
    // undici may have refused it unseen, and its handler may have thrown at that: these fields are nobody else's.
    dispatched = null
  }
}
