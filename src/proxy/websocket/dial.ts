/**
 * The handshake with an endpoint, as a client: one try. Exactly one of the listener's methods is called, once, and never
 * before `dial` has returned.
 */
import type { ClientRequest, IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import type { createConnection, Socket } from 'node:net'
import type WebSocket from 'ws'
import type { ClientOptions } from 'ws'
import { originUrl } from '../../plan/origin.ts'
import { type Outcome, outcomes } from '../../plan/outcome.ts'
import type { Endpoint } from '../endpoint.ts'
import type { RequestHead } from '../request-head.ts'
import type { Upstream } from '../upstream.ts'
import { answeredFields, forwardedFields, offered } from './handshake.ts'

export interface DialListener {
  /**
   * @param protocol the subprotocol that the endpoint chose, '' if none
   * @param fields what else its answer says, see `answeredFields`
   */
  agreed(protocol: string, fields: readonly Buffer[]): void
  /** The endpoint answered otherwise. The listener reads the answer, and ends the request. */
  refused(request: ClientRequest, response: IncomingMessage): void
  failed(outcome: Outcome, error: Error): void
}

const require = createRequire(import.meta.url)

/** Loaded with the first handshake, which takes some 30 ms once: with Node's HTTP client it is 5 MB that most workers never need. */
function websocketClient(): typeof WebSocket {
  return require('ws') as typeof WebSocket
}

/** How often the system asks an endpoint that says nothing whether it is still there, in milliseconds. */
const keepAliveMs = 60_000

/**
 * @param client its address
 * @param payloadMax of one message of the endpoint's, in bytes
 * @returns a socket that is still connecting. Giving it up by `terminate` is reported like any other failure.
 * @throws Error with a code `ERR_INVALID_…` for a field that Node will not write
 */
export function dial(
  { timeouts }: Upstream,
  endpoint: Endpoint,
  head: RequestHead,
  client: string,
  payloadMax: number,
  listener: DialListener,
): WebSocket {
  let over = false
  let chosen = ''
  let fields: readonly Buffer[] = []
  let connected = false
  let timer: NodeJS.Timeout | undefined
  const protocols = offered(head.headers)
  const options: ClientOptions = {
    // A list of values makes a line each, which the types do not know.
    headers: { host: head.host, ...forwardedFields(head.headers) } as Record<string, string>,
    perMessageDeflate: false,
    autoPong: false,
    maxPayload: payloadMax,
    followRedirects: false,
    // Node takes a socket that comes later, which they do not know either.
    createConnection: ((_options: unknown, take: (error: Error | null, socket?: Socket) => void) => {
      endpoint.openSocket(client, (error, opened) => {
        if (opened === null) return take(error)
        connected = true
        expect(timeouts.headersMs, outcomes.headersTimeout)
        take(null, opened)
      })
    }) as unknown as typeof createConnection,
    // The endpoint gets the target byte for byte: as part of the URL it would be normalised.
    finishRequest: (request) => {
      ;(request as unknown as { path: string }).path = head.target
      request.end()
    },
  }
  const Client = websocketClient()
  const socket = new Client(originUrl(endpoint.origin).replace(/^http/, 'ws'), options)
  expect(timeouts.connectMs, outcomes.connectTimeout)

  function settle(): boolean {
    if (over) return false
    over = true
    clearTimeout(timer)
    return true
  }
  function expect(ms: number, otherwise: Outcome): void {
    clearTimeout(timer)
    if (ms > 0 && !over) timer = setTimeout(() => fail(otherwise, new Error(otherwise.message)), ms)
  }
  function fail(outcome: Outcome, error: Error): void {
    if (!settle()) return
    socket.terminate()
    listener.failed(outcome, error)
  }

  // `ws` would insist on a subprotocol where some were offered, which is the endpoint's to decide (RFC 6455, section 4.2.2).
  socket.once('upgrade', (response: IncomingMessage) => {
    chosen = response.headers['sec-websocket-protocol'] ?? ''
    delete response.headers['sec-websocket-protocol']
    fields = answeredFields(response.rawHeaders)
    response.socket.setKeepAlive(true, keepAliveMs)
  })
  socket.once('open', () => {
    if (chosen !== '' && !protocols.includes(chosen)) {
      return fail(outcomes.badResponse, new Error('the endpoint chose a subprotocol that was not offered'))
    }
    if (settle()) listener.agreed(chosen, fields)
  })
  socket.on('unexpected-response', (request, response) => {
    if (settle()) listener.refused(request, response)
    else request.destroy()
  })
  socket.on('error', (error) => fail(connected ? brokenBy(error) : unreached(error), error))
  // Not expected before one of the others; whoever waits hears of it all the same.
  socket.once('close', () => fail(outcomes.endpointReset, new Error('closed within the handshake')))
  return socket
}

/** Before there is a connection: nothing was sent. */
function unreached(error: Error & { code?: string }): Outcome {
  return error.code === 'UND_ERR_CONNECT_TIMEOUT' ? outcomes.connectTimeout : outcomes.connectFailed
}

function brokenBy(error: Error & { code?: string }): Outcome {
  switch (error.code) {
    case 'ECONNRESET':
    case 'EPIPE':
      return outcomes.endpointReset
    default:
      // The parser of HTTP, or `ws`: no 101 that can be believed.
      return outcomes.badResponse
  }
}
